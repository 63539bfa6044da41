"""Voices as ``GET /api/voices`` lists them: a person's clones beside the stock voices."""

from __future__ import annotations

import uuid
from typing import Any

from accounts.models import User
from pipeline.casting import register_of
from pipeline.types import Voice
from voices.selectors import clones_of, usable_clones

_ORDER = ("own", "team", "catalogue")


class StockVoice:
    whose = "stock"
    actor: uuid.UUID | None = None
    clone: uuid.UUID | None = None
    score: float | None = None

    def __init__(self, voice: Voice) -> None:
        self.id, self.engine, self.name = voice.id, voice.engine, voice.name
        self.register, self.pitch_hz = voice.register, voice.pitch_hz


class ClonedVoice:
    def __init__(self, clone: Any, user: User) -> None:
        self.id, self.engine = clone.vendor_id, clone.engine
        # An actor is named only to those who may see them.
        self.name = clone.name or (clone.actor.name if clone.actor_shown else "A voice")
        self.actor = clone.actor_id if clone.actor_shown else None
        if clone.owner_id is None:
            self.whose = "catalogue"
        else:
            self.whose = "own" if clone.owner_id == user.pk else "team"
        self.clone, self.score = clone.pk, clone.quality.get("score")
        self.pitch_hz = clone.pitch_hz
        self.register = register_of(self.pitch_hz or 0.0)


def cloned_voices(user: User) -> list[ClonedVoice]:
    """Those that may speak for this user now, own ones first."""
    usable = clones_of(user).filter(pk__in=usable_clones(user).values("pk"))
    return sorted(
        (ClonedVoice(clone, user) for clone in usable.prefetch_related(None)),
        key=lambda one: (_ORDER.index(one.whose), one.name, one.id),
    )
