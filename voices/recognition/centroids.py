"""Actors' mean voiceprints, made of what one user may use and kept until that changes."""

from __future__ import annotations

import uuid
from collections import defaultdict
from collections.abc import Collection
from typing import Any

import numpy as np
from django.db import IntegrityError, transaction

from accounts.models import User
from pipeline.bounds import VOICEPRINTS_OF_ACTOR_MAX
from pipeline.speakers.identification import BANDS, Band, Heard, Mean, mean_of
from voices.models import ActorCentroid, Voiceprint
from voices.recognition.spaces import stored_encoder

Owner = tuple[int | None, int | None]
"""Owner and team: both None is the catalogue."""


def voices_of(
    user: User, actors: Collection[uuid.UUID], *, encoder: str, version: str
) -> dict[uuid.UUID, dict[Band, Mean]]:
    """Actor → what their voice is like, of everything that the user may use."""
    found: dict[uuid.UUID, dict[Band, Mean]] = defaultdict(dict)
    for band in BANDS:
        for actor, mean in _means(user, actors, stored_encoder(encoder, band), version).items():
            found[actor][band] = mean
    return found


def _means(
    user: User, actors: Collection[uuid.UUID], encoder: str, version: str
) -> dict[uuid.UUID, Mean]:
    parts: dict[uuid.UUID, dict[Owner, Heard]] = defaultdict(dict)
    rows = ActorCentroid.objects.visible_to(user).filter(
        actor__in=actors, encoder=encoder, encoder_version=version
    )
    for row in rows:
        parts[row.actor_id][row.owner_id, row.team_id] = _heard(row)
    for actor, owner in _owners(user, actors, encoder, version):
        if owner not in parts[actor]:
            made = _make(actor, owner, encoder, version)
            if made is not None:
                parts[actor][owner] = made
    means = {actor: mean_of(one.values()) for actor, one in parts.items()}
    return {actor: mean for actor, mean in means.items() if mean is not None}


def _owners(
    user: User, actors: Collection[uuid.UUID], encoder: str, version: str
) -> list[tuple[uuid.UUID, Owner]]:
    rows = (
        Voiceprint.objects.visible_to(user)
        .filter(actor__in=actors, encoder=encoder, encoder_version=version)
        .order_by()
        .values_list("actor_id", "owner_id", "team_id")
        .distinct()
    )
    return [(actor, (owner, team)) for actor, owner, team in rows]


def _make(actor: uuid.UUID, owner: Owner, encoder: str, version: str) -> Heard | None:
    """The mean of the newest voiceprints of one owner, kept for the next time."""
    whose: dict[str, Any] = {"owner_id": owner[0], "team_id": owner[1]}
    rows = Voiceprint.objects.filter(
        **whose,
        actor_id=actor,
        encoder=encoder,
        encoder_version=version,
    ).order_by("-created_at", "-pk")[:VOICEPRINTS_OF_ACTOR_MAX]
    prints = [Heard(np.asarray(row.vector, np.float32), row.weight_s, row.quality) for row in rows]
    mean = mean_of(prints)
    if mean is None:
        return None
    try:
        with transaction.atomic():
            ActorCentroid.objects.create(
                actor_id=actor,
                owner_id=owner[0],
                team_id=owner[1],
                encoder=encoder,
                encoder_version=version,
                vector=mean.embedding,
                weight_s=mean.speech_s,
                count=len(prints),
            )
    except IntegrityError:
        pass  # another session was quicker, or the actor is gone
    return Heard(mean.embedding, mean.speech_s)


def _heard(row: ActorCentroid) -> Heard:
    # Qualities are in its weight already.
    return Heard(np.asarray(row.vector, np.float32), row.weight_s)
