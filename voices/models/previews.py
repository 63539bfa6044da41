"""Sentences spoken for people to listen to before they choose a voice."""

from __future__ import annotations

from typing import ClassVar

from django.db import models

from accounts.ownership import Owned
from pipeline.bounds import PREVIEW_TEXT_MAX
from voices.models.actors import Actor
from voices.models.clones import VoiceClone
from voices.models.fields import LANGUAGE, PublicId
from voices.models.samples import VoiceSample


class Comparison(PublicId, Owned):
    """One text in several voices, beside the person's own sample. Goes after some days."""

    actor = models.ForeignKey(
        Actor, on_delete=models.CASCADE, null=True, blank=True, related_name="comparisons"
    )
    sample = models.ForeignKey(
        VoiceSample, on_delete=models.SET_NULL, null=True, blank=True, related_name="+"
    )
    """What the voices are compared with."""
    text = models.TextField(max_length=PREVIEW_TEXT_MAX)
    language = models.CharField(max_length=8, validators=[LANGUAGE])
    expires_at = models.DateTimeField()
    created_at = models.DateTimeField(auto_now_add=True)

    class Meta(Owned.Meta):
        abstract = False
        ordering: ClassVar[list[str]] = ["-created_at", "id"]
        indexes: ClassVar[list[models.Index]] = [
            models.Index(fields=["owner", "-created_at"], name="comparison_owner_newest"),
            models.Index(fields=["expires_at"], name="comparison_expiry"),
        ]

    def __str__(self) -> str:
        return f"comparison of {self.created_at:%d %b %Y %H:%M}"


class PreviewState(models.TextChoices):
    WAITING = "waiting", "Waiting to be spoken"
    SPEAKING = "speaking", "Being spoken"
    READY = "ready", "Ready"
    FAILED = "failed", "Could not be spoken"


class Preview(PublicId, Owned):
    """One voice of a comparison. Private: played through ``/api/previews/{id}/audio`` only."""

    comparison = models.ForeignKey(Comparison, on_delete=models.CASCADE, related_name="previews")
    place = models.PositiveSmallIntegerField()
    clone = models.ForeignKey(
        VoiceClone, on_delete=models.CASCADE, null=True, blank=True, related_name="previews"
    )
    """Empty: a stock voice."""
    engine = models.CharField(max_length=64)
    voice = models.CharField(max_length=128, blank=True)
    """The engine's id of a stock voice."""
    settings = models.JSONField(default=dict, blank=True)
    """What to try instead of the clone's own settings."""
    state = models.CharField(
        max_length=16, choices=PreviewState.choices, default=PreviewState.WAITING
    )
    audio = models.FileField(max_length=200, blank=True, editable=False)
    """FLAC, with the disclosure that it is synthetic."""
    duration_s = models.FloatField(null=True, blank=True)
    similarity = models.FloatField(null=True, blank=True)
    """Cosine to the comparison's sample, -1 to 1."""
    problem = models.CharField(max_length=300, blank=True)
    attempts = models.PositiveSmallIntegerField(default=0, editable=False)
    claimed_at = models.DateTimeField(null=True, blank=True, editable=False)
    created_at = models.DateTimeField(auto_now_add=True)

    class Meta(Owned.Meta):
        abstract = False
        ordering: ClassVar[list[str]] = ["comparison", "place"]
        constraints = (
            *Owned.Meta.constraints,
            models.UniqueConstraint(fields=["comparison", "place"], name="one_preview_a_place"),
        )

    def __str__(self) -> str:
        return f"{self.engine} {self.voice}"
