"""Recordings of actors, and what was measured of them."""

from __future__ import annotations

from typing import ClassVar

from django.db import models

from accounts.ownership import Owned
from voices.models.actors import Actor
from voices.models.consents import Consent
from voices.models.fields import LANGUAGE, PublicId


class SampleState(models.TextChoices):
    WAITING = "waiting", "Waiting to be analysed"
    ANALYSING = "analysing", "Being analysed"
    READY = "ready", "Analysed"
    FAILED = "failed", "Could not be analysed"
    """``problem`` says why; it may be tried again."""


class Verdict(models.TextChoices):
    GOOD = "good", "Good"
    USABLE = "usable", "Usable"
    UNUSABLE = "unusable", "Not usable"


class VoiceSample(PublicId, Owned):
    """A recording of one actor. Private: played through ``/api/samples/{id}/audio`` only.

    ``audio`` is what was uploaded until the analysis has put a FLAC in its place, mono, of
    the same sample rate and without tags, which every browser plays.
    """

    actor = models.ForeignKey(Actor, on_delete=models.CASCADE, related_name="samples")
    consent = models.ForeignKey(
        Consent, on_delete=models.SET_NULL, null=True, blank=True, related_name="samples"
    )
    """Under which it is kept; never empty for an actor of flesh and blood."""
    audio = models.FileField(max_length=200)
    playable = models.BooleanField(default=False, editable=False)
    """Whether ``audio`` is the FLAC already."""
    size_bytes = models.PositiveBigIntegerField(default=0, editable=False)
    name = models.CharField(max_length=200, blank=True)
    """What its owner calls it."""
    language = models.CharField(max_length=8, validators=[LANGUAGE], blank=True)
    session_id = models.UUIDField(null=True, blank=True, editable=False)
    """The session that it was kept from; empty: it was uploaded."""
    speaker_label = models.CharField(max_length=64, blank=True, editable=False)
    state = models.CharField(
        max_length=16, choices=SampleState.choices, default=SampleState.WAITING
    )
    verdict = models.CharField(max_length=16, choices=Verdict.choices, blank=True)
    """Empty until it was analysed."""
    reasons = models.JSONField(default=list, blank=True)
    """Why it is not better: a list of ``{"code", "message"}``, worst first."""
    analysis = models.JSONField(default=dict, blank=True)
    """Every figure: see ``pipeline.sample_quality.measures.Measures``."""
    picture = models.FileField(max_length=200, blank=True, editable=False)
    """Waveform and spectrogram, WebP. Private."""
    duration_s = models.FloatField(null=True, blank=True)
    speech_s = models.FloatField(null=True, blank=True)
    speakers_found = models.PositiveSmallIntegerField(null=True, blank=True)
    problem = models.CharField(max_length=300, blank=True)
    attempts = models.PositiveSmallIntegerField(default=0, editable=False)
    claimed_at = models.DateTimeField(null=True, blank=True, editable=False)
    """When a worker last took it up; one that died leaves it to the next."""
    analysed_at = models.DateTimeField(null=True, blank=True)
    created_at = models.DateTimeField(auto_now_add=True)

    class Meta(Owned.Meta):
        abstract = False
        ordering: ClassVar[list[str]] = ["-created_at", "id"]
        indexes: ClassVar[list[models.Index]] = [
            models.Index(fields=["owner", "-created_at"], name="sample_owner_newest"),
            models.Index(
                fields=["claimed_at"],
                name="sample_unanalysed",
                condition=models.Q(state__in=["waiting", "analysing"]),
            ),
        ]

    def __str__(self) -> str:
        return self.name or f"sample of {self.created_at:%d %b %Y %H:%M}"
