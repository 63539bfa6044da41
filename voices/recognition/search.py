"""The nearest voiceprints of known actors among those that a user may use.

The index holds half-precision copies of the vectors (pgvector's HNSW, Malkov and Yashunin,
"Efficient and robust approximate nearest neighbor search using hierarchical navigable small
world graphs", 2018): half the size and half the time to build, with the same neighbours.
Who may see a row is part of the search, not a filter behind it: the three kinds of
rows that one may see are three searches, an iterative scan goes on until enough visible rows
were found, and of a user who owns few of many rows the planner takes the index by owner and
compares them all.
"""

from __future__ import annotations

import uuid
from dataclasses import dataclass

import numpy as np
from django.db import connection, transaction

from pipeline.bounds import SEARCH_MAX_ROWS
from pipeline.types import Embedding

EF_SEARCH: int | None = None
"""Candidates that a search keeps in hand; None: as many as the number of voiceprints asks for."""
NEAREST = 40
"""Voiceprints that a search returns: enough to meet a second actor behind a well-known one."""

# For one recall a graph of ten times as many needs twice as many candidates: 100 for ten thousand
# voiceprints, 200 for a hundred thousand, 400 for a million (`manage.py benchmark_voice_search`
# prints recall). Before the first ANALYZE nobody knows how many there are.
_SETTINGS = """
SELECT set_config('hnsw.ef_search', greatest(%(limit)s, coalesce(%(ef_search)s, CASE
           WHEN reltuples < 0 THEN 400
           ELSE least(1000, 100 * greatest(reltuples / 1e4, 1) ^ log(2))
       END))::int::text, true),
       set_config('hnsw.iterative_scan', 'relaxed_order', true),
       set_config('hnsw.max_scan_tuples', %(rows)s, true)
FROM pg_class WHERE oid = 'voices_voiceprint'::regclass
"""
_ARM = """
(SELECT id, actor_id,
        voices_voiceprint.vector::halfvec(256) <=> (SELECT vector FROM asked) AS distance
 FROM voices_voiceprint
 WHERE encoder = %(encoder)s AND encoder_version = %(version)s AND actor_id IS NOT NULL
   AND {whose}
 ORDER BY voices_voiceprint.vector::halfvec(256) <=> (SELECT vector FROM asked) LIMIT %(limit)s)
"""
_WHOSE = (
    "owner_id = %(user)s AND owner_id IS NOT NULL",
    "owner_id IS NOT NULL AND team_id = ANY "
    "(ARRAY(SELECT team_id FROM accounts_membership WHERE user_id = %(user)s))",
    "owner_id IS NULL",
)
SEARCH = (
    "WITH asked AS MATERIALIZED (SELECT %(vector)s::halfvec(256) AS vector) "  # noqa: S608
    "SELECT id, min(actor_id::text)::uuid, min(distance) FROM ("
    + " UNION ALL ".join(_ARM.format(whose=whose) for whose in _WHOSE)
    + ") AS found GROUP BY id ORDER BY 3 LIMIT %(limit)s"
)


@dataclass(frozen=True, slots=True)
class Neighbour:
    voiceprint: int
    actor: uuid.UUID
    similarity: float
    """Cosine, -1 to 1."""


def nearest(
    user_id: int, embedding: Embedding, *, encoder: str, version: str, limit: int = NEAREST
) -> list[Neighbour]:
    """The nearest voiceprints of known actors that the user may use, nearest first.

    Only those made by the same version of the same encoder are looked at.
    """
    asked: dict[str, str | int] = {
        "user": user_id,
        "vector": literal(embedding),
        "encoder": encoder,
        "version": version,
        "limit": limit,
    }
    with transaction.atomic(), connection.cursor() as cursor:
        # One search at a time decides; a plan made once for everybody would suit nobody.
        cursor.execute(
            _SETTINGS, {"limit": limit, "ef_search": EF_SEARCH, "rows": str(SEARCH_MAX_ROWS)}
        )
        cursor.execute(SEARCH, asked)
        return [Neighbour(row[0], row[1], 1.0 - row[2]) for row in cursor.fetchall()]


def literal(embedding: Embedding) -> str:
    """A vector as pgvector reads it."""
    return "[" + ",".join(f"{value:.6g}" for value in np.asarray(embedding, np.float64)) + "]"
