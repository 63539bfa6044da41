"""Voices as ``GET /api/voices`` lists them: a person's clones beside the stock voices."""

from __future__ import annotations

import uuid
from typing import Any

from django.db.models import Case, F, Q, QuerySet, TextField, Value, When
from django.db.models.functions import Cast, Concat

from accounts.models import User
from pipeline.types import Voice
from pipeline.voices.casting import register_of
from voices.selectors import offered_clones

UNNAMED = "A voice"


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
        self.name = clone.name or (clone.actor.name if clone.actor_shown else UNNAMED)
        self.actor = clone.actor_id if clone.actor_shown else None
        if clone.owner_id is None:
            self.whose = "catalogue"
        else:
            self.whose = "own" if clone.owner_id == user.pk else "team"
        self.clone, self.score = clone.pk, clone.quality.get("score")
        self.pitch_hz = clone.pitch_hz
        self.register = register_of(self.pitch_hz or 0.0)


def cloned_voices(user: User) -> QuerySet[Any]:
    """Clones that may speak for this user now, each with its ``place`` in the list: own ones
    before the teams' and the catalogue's, then by name."""
    whose = Case(
        When(owner=user, then=Value("0 ")),
        When(owner__isnull=False, then=Value("1 ")),
        default=Value("2 "),
        output_field=TextField(),
    )
    name = Case(
        When(~Q(name=""), then=F("name")),
        When(actor_shown=True, then=F("actor__name")),
        default=Value(UNNAMED),
        output_field=TextField(),
    )
    # One text, and a different one for each row: pages are told apart by it.
    place = Concat(whose, name, Value(" "), Cast("pk", TextField()), output_field=TextField())
    found: QuerySet[Any] = offered_clones(user).annotate(place=place)
    return found
