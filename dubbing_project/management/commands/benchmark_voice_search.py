"""How fast, and how completely, the nearest voiceprints are found among very many."""

from __future__ import annotations

import statistics
import struct
import tempfile
import time
import uuid
from argparse import ArgumentParser
from pathlib import Path
from typing import Any

import numpy as np
from django.core.management import call_command
from django.core.management.base import BaseCommand, CommandError
from django.db import connection
from pgvector.django import HnswIndex

from dubbing_project.management.synthetic_voiceprints import DIMENSIONS, SyntheticPeople, Vectors
from dubbing_project.service_urls import parse_database_url
from dubbing_project.services.context import running_services
from voices.models import Voiceprint
from voices.recognition import search
from voices.recognition.search import nearest

PER_PERSON = 10
USERS = 2000
CATALOGUE_SHARE = 0.3
ENCODER, VERSION = "synthetic", "1"
SMALL_OWNER, HUGE_OWNER = 1, 2
"""Users with 20 voiceprints, and with a tenth of all."""
BATCH = 20_000
TOP = 5
_COLUMNS = (
    "owner_id, actor_id, speaker_id, encoder, encoder_version, vector, weight_s, quality, "
    "language, duration_s, created_at"
)


class Command(BaseCommand):
    help = (
        "Fill a database of its own with voiceprints of people who do not exist, and print what "
        "the index takes, how fast the nearest are found and how many of them (recall)."
    )
    requires_system_checks = ()

    def add_arguments(self, parser: ArgumentParser) -> None:
        parser.add_argument("--voiceprints", type=int, default=10_000)
        parser.add_argument("--searches", type=int, default=200, help="of each kind")
        parser.add_argument("--ef-search", type=int, nargs="*", help="instead of what is in force")
        parser.add_argument("--m", type=int, help="of the index, instead of the model's")
        parser.add_argument("--ef-construction", type=int, help="likewise")
        parser.add_argument("--memory", default="3GB", help="maintenance_work_mem of the build")

    def handle(self, *args: Any, **options: Any) -> None:
        if options["voiceprints"] < 1000 or options["searches"] < 1:
            raise CommandError("--voiceprints must be at least 1000, --searches at least 1.")
        with (
            tempfile.TemporaryDirectory(prefix="dubbing-search-") as folder,
            running_services(Path(folder), stores_only=True, durable=False) as services,
        ):
            found = parse_database_url(services.database_url)
            connection.close()
            connection.settings_dict.update({key: found[key] for key in ("HOST", "USER", "NAME")})
            try:
                call_command("migrate", verbosity=0)
                self._measure(options)
            finally:
                connection.close()

    # Filling -------------------------------------------------------------------------

    def _measure(self, options: dict[str, Any]) -> None:
        count, searches = options["voiceprints"], options["searches"]
        people = SyntheticPeople(count // PER_PERSON + searches)
        known = count // PER_PERSON
        indexes = [one for one in Voiceprint._meta.indexes if isinstance(one, HnswIndex)]
        with connection.schema_editor() as editor:
            for index in indexes:
                editor.remove_index(Voiceprint, index)
        begun = time.perf_counter()
        self._fill(people, count)
        self.stdout.write(f"{count} voiceprints of {known} people stored in {_since(begun)}")
        with connection.cursor() as cursor:
            cursor.execute(
                "SELECT set_config('maintenance_work_mem', %s, false)", [options["memory"]]
            )
            begun = time.perf_counter()
            size = 0
            for index in indexes:
                index.m = options["m"] or index.m
                index.ef_construction = options["ef_construction"] or index.ef_construction
                with connection.schema_editor(atomic=False) as editor:
                    editor.add_index(Voiceprint, index)
                cursor.execute("SELECT pg_relation_size(%s::regclass)", [index.name])
                size += cursor.fetchone()[0]
            cursor.execute("SELECT pg_table_size('voices_voiceprint')")
            table = cursor.fetchone()[0]
            self.stdout.write(
                f"indexes built in {_since(begun)}, {size / 1e6:.0f} MB; table {table / 1e6:.0f} MB"
            )
            cursor.execute("VACUUM ANALYZE voices_voiceprint")
        somebody = np.random.default_rng(7).integers(0, known, searches)
        strangers = np.arange(known, known + searches)
        asked = {"known": people.say(somebody), "strangers": people.say(strangers)}
        users = {"most users": 1000, "owner of 20": SMALL_OWNER, "owner of a tenth": HUGE_OWNER}
        for ef_search in options["ef_search"] or [None]:
            search.EF_SEARCH = ef_search  # None: as in force
            self.stdout.write(
                f"\nm {index.m}, ef_construction {index.ef_construction}, "
                f"ef_search {ef_search or 'by their number'}\n"
                "who asks            about      limit  p50 ms  p95 ms  recall of exact"
            )
            for who, user in users.items():
                for about, vectors in asked.items():
                    for limit in (TOP, search.NEAREST):
                        self._search(who, user, about, vectors, limit)

    def _fill(self, people: SyntheticPeople, count: int) -> None:
        known = count // PER_PERSON
        self._stored = np.empty((count, DIMENSIONS), np.float32)
        self._owners = np.empty(count, np.int64)
        random = np.random.default_rng(3)
        owners = random.integers(SMALL_OWNER + 2, USERS + 1, known)
        owners[random.random(known) < 0.1] = HUGE_OWNER
        owners[random.random(known) < CATALOGUE_SHARE] = 0
        owners[:2] = SMALL_OWNER
        with connection.cursor() as cursor:
            # Loading as the restore of a dump does: rows that refer to one another come at once.
            cursor.execute("SET session_replication_role = replica")
            for start in range(0, count, BATCH):
                person = np.arange(start, min(start + BATCH, count)) % known
                said = people.say(person)
                self._stored[start : start + len(said)] = said
                self._owners[start : start + len(said)] = owners[person]
                rows = _rows(person, owners[person], said)
                with cursor.cursor.copy(
                    f"COPY voices_voiceprint ({_COLUMNS}) FROM STDIN (FORMAT binary)"
                ) as copy:
                    copy.write(rows)
            cursor.execute("SET session_replication_role = DEFAULT")
            cursor.execute("ANALYZE voices_voiceprint")

    # Searching -----------------------------------------------------------------------

    def _search(self, who: str, user: int, about: str, vectors: Vectors, limit: int) -> None:
        for vector in vectors[:20]:
            nearest(user, vector, encoder=ENCODER, version=VERSION, limit=limit)
        took, got = [], []
        for vector in vectors:
            begun = time.perf_counter()
            got.append(nearest(user, vector, encoder=ENCODER, version=VERSION, limit=limit))
            took.append(1000 * (time.perf_counter() - begun))
        exact = self._exact(user, vectors, limit)
        found = sum(len(one & {n.voiceprint for n in g}) for one, g in zip(exact, got, strict=True))
        p95 = statistics.quantiles(took, n=20)[-1] if len(took) > 1 else took[0]
        self.stdout.write(
            f"{who:18}  {about:9}  {limit:5}  {statistics.median(took):6.2f}  {p95:6.2f}"
            f"  {found / max(sum(map(len, exact)), 1):.4f}"
        )
        self.stdout.flush()

    def _exact(self, user: int, vectors: Vectors, limit: int) -> list[set[int]]:
        """Everything that the user may see compared, at full precision and by no index."""
        visible = np.flatnonzero((self._owners == user) | (self._owners == 0))
        closeness = self._stored[visible] @ vectors.T
        nearest_rows = np.argpartition(-closeness, limit, axis=0)[:limit]
        return [{int(visible[row]) + 1 for row in rows} for rows in nearest_rows.T]


def _rows(people: np.ndarray[Any, Any], owners: np.ndarray[Any, Any], vectors: Vectors) -> bytes:
    """What COPY reads in its binary format."""
    made = bytearray(b"PGCOPY\n\xff\r\n\0" + bytes(8))
    head = struct.pack(">iHH", 4 + 4 * vectors.shape[1], vectors.shape[1], 0)
    big_endian = vectors.astype(">f4")
    for row, (person, owner) in enumerate(zip(people, owners, strict=True)):
        actor = uuid.UUID(int=int(person)).bytes
        made += struct.pack(">h", 11)
        made += struct.pack(">iq", 8, int(owner)) if owner else struct.pack(">i", -1)
        made += (struct.pack(">i", 16) + actor) * 2
        made += struct.pack(">i", len(ENCODER)) + ENCODER.encode()
        made += struct.pack(">i", len(VERSION)) + VERSION.encode()
        made += head + big_endian[row].tobytes()
        made += struct.pack(">idid", 8, 2.0, 8, 1.0)
        made += struct.pack(">iidiq", 0, 8, 2.0, 8, 0)
    return bytes(made + b"\xff\xff")


def _since(begun: float) -> str:
    return f"{time.perf_counter() - begun:.0f} s"
