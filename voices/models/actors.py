"""Actors, and the voices that are pinned to them."""

from __future__ import annotations

from typing import ClassVar

from django.contrib.postgres.fields import ArrayField
from django.db import models

from accounts.ownership import Owned
from pipeline.bounds import ACTOR_ALIASES_MAX
from voices.models.fields import LANGUAGE, PublicId, languages_field


class Actor(PublicId, Owned):
    """A person whose voice is remembered from one session to the next."""

    name = models.CharField(max_length=200)
    aliases = ArrayField(
        models.CharField(max_length=200),
        size=ACTOR_ALIASES_MAX,
        default=list,
        blank=True,
        help_text="other names, separated by commas",
    )
    languages = languages_field()
    """What they are known to speak, most usual first."""
    notes = models.TextField(max_length=10_000, blank=True)
    picture = models.FileField(max_length=200, blank=True)
    """A WebP made here, without what the upload told of place and camera."""
    created_at = models.DateTimeField(auto_now_add=True)
    updated_at = models.DateTimeField(auto_now=True)

    class Meta(Owned.Meta):
        abstract = False
        ordering: ClassVar[list[str]] = ["name", "id"]
        indexes: ClassVar[list[models.Index]] = [
            models.Index(fields=["owner", "name"], name="actor_owner_name"),
        ]

    def __str__(self) -> str:
        return self.name


class PinnedVoice(PublicId, Owned):
    """The voice in which an actor speaks a language: a person's choice, before any other.

    Of several for one actor and language the user's own counts first, then their team's,
    then the catalogue's: see ``selectors.pinned_voice``.
    """

    actor = models.ForeignKey(Actor, on_delete=models.CASCADE, related_name="pinned_voices")
    language = models.CharField(max_length=8, validators=[LANGUAGE], blank=True)
    """ISO 639 code; empty: every language without a pin of its own."""
    engine = models.CharField(max_length=64)
    """The synthesiser's name, as ``GET /api/engines`` gives it."""
    voice = models.CharField(max_length=128)
    """The engine's own id of a stock voice or a clone."""
    created_at = models.DateTimeField(auto_now_add=True)
    updated_at = models.DateTimeField(auto_now=True)

    class Meta(Owned.Meta):
        abstract = False
        ordering: ClassVar[list[str]] = ["actor", "language", "id"]
        constraints = (
            *Owned.Meta.constraints,
            models.UniqueConstraint(
                fields=["actor", "language", "owner"],
                nulls_distinct=False,
                name="one_pin_a_language",
                violation_error_message="You have pinned a voice of this actor and language.",
            ),
        )

    def __str__(self) -> str:
        return f"{self.engine} {self.voice}"
