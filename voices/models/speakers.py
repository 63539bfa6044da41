"""Those who were heard in sessions, and what is known about who they are."""

from __future__ import annotations

import re
from typing import ClassVar

from django.db import models
from django.db.models import Q

from accounts.models import User
from accounts.ownership import Owned
from voices.models.actors import Actor
from voices.models.fields import PublicId
from voices.models.titles import Title


class SpeakerState(models.TextChoices):
    """How sure it is who a speaker is; ``decided_by`` tells whether a person said so."""

    UNKNOWN = "unknown", "Unknown"
    """Nobody was found: ``actor`` is empty."""
    SUGGESTED = "suggested", "Suggested"
    """The recogniser thinks of ``actor``; nothing is learned from it."""
    CONFIRMED = "confirmed", "Confirmed"
    """It is ``actor``: by a person (final), or by the recogniser (a person may overrule)."""
    REJECTED = "rejected", "Rejected"
    """A person refused what was suggested; ``actor`` is empty, ``rejections`` tell whom.
    The recogniser may suggest others, never those."""


class Speaker(PublicId, Owned):
    """Somebody heard in one session. ``owner`` and ``team`` are the session's.

    A decision of a person is final: while ``decided_by_person`` is set and they are confirmed,
    the recogniser changes nothing (``services.note_match`` sees to it).
    """

    session_id = models.UUIDField(db_index=True)
    label = models.CharField(max_length=64)
    """The session's own id of the speaker: ``S1``, ``S2``, …"""
    name = models.CharField(max_length=200, blank=True)
    """What a person called them in this session; empty until then."""
    title = models.ForeignKey(
        Title, on_delete=models.SET_NULL, null=True, blank=True, related_name="speakers"
    )
    language = models.CharField(max_length=8, blank=True)
    """What they were heard to speak most: ISO 639 code."""
    speech_s = models.FloatField(default=0.0)
    """Clean speech heard of them, in seconds."""
    actor = models.ForeignKey(
        Actor, on_delete=models.SET_NULL, null=True, blank=True, related_name="speakers"
    )
    """Suggested or confirmed, as ``state`` tells."""
    state = models.CharField(
        max_length=16, choices=SpeakerState.choices, default=SpeakerState.UNKNOWN
    )
    confidence = models.FloatField(null=True, blank=True)
    """Of the match to ``actor``, 0 to 1: the recogniser's, or 1 when a person said so."""
    decided_by = models.ForeignKey(
        User, on_delete=models.SET_NULL, null=True, blank=True, related_name="+"
    )
    """The person who decided; empty: the recogniser, or a person who has left."""
    decided_by_person = models.BooleanField(default=False)
    """Whether a person decided, whoever it was: then it is final."""
    decided_at = models.DateTimeField(null=True, blank=True)
    merged_into = models.ForeignKey(
        "self", on_delete=models.CASCADE, null=True, blank=True, related_name="merged"
    )
    """A person found that both are one; this one is kept for its label alone."""
    created_at = models.DateTimeField(auto_now_add=True)
    updated_at = models.DateTimeField(auto_now=True)

    class Meta(Owned.Meta):
        abstract = False
        ordering: ClassVar[list[str]] = ["-created_at", "label", "id"]
        indexes: ClassVar[list[models.Index]] = [
            models.Index(fields=["owner", "-created_at"], name="speaker_owner_newest"),
            models.Index(fields=["title", "actor"], name="speaker_title_actor"),
        ]
        constraints = (
            *Owned.Meta.constraints,
            models.UniqueConstraint(fields=["session_id", "label"], name="one_speaker_a_label"),
            # An actor who is deleted leaves a confirmed speaker without one.
            models.CheckConstraint(
                condition=Q(state__in=["suggested", "confirmed"]) | Q(actor=None),
                name="only_a_match_has_an_actor",
            ),
        )

    def __str__(self) -> str:
        return self.name or self.numbered

    @property
    def numbered(self) -> str:
        """What people read who have given no name: ``Speaker 1`` for ``S1``."""
        return re.sub(r"^S(\d+)$", r"Speaker \1", self.label)


class Rejection(models.Model):
    """A person said that a speaker is not this actor: never suggested again."""

    speaker = models.ForeignKey(Speaker, on_delete=models.CASCADE, related_name="rejections")
    actor = models.ForeignKey(Actor, on_delete=models.CASCADE, related_name="rejections")
    rejected_by = models.ForeignKey(User, on_delete=models.SET_NULL, null=True, related_name="+")
    rejected_at = models.DateTimeField()

    class Meta:
        constraints: ClassVar[list[models.BaseConstraint]] = [
            models.UniqueConstraint(fields=["speaker", "actor"], name="one_rejection_a_pair"),
        ]

    def __str__(self) -> str:
        return f"{self.speaker_id} is not {self.actor_id}"
