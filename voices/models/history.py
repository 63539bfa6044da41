"""What people decided about actors: written once, never changed."""

from __future__ import annotations

import uuid
from typing import Any, ClassVar

from django.db import models

from accounts.models import User
from accounts.ownership import Owned


class DecisionKind(models.TextChoices):
    CREATED = "created", "Created"
    RENAMED = "renamed", "Renamed"
    EDITED = "edited", "Edited"
    SHARED = "shared", "Shared, or no longer"
    MERGED = "merged", "Merged"
    SPLIT = "split", "Split"
    CONFIRMED = "confirmed", "Match confirmed"
    REJECTED = "rejected", "Match rejected"
    PINNED = "pinned", "Voice pinned"
    UNPINNED = "unpinned", "Voice unpinned"
    SAMPLE_ADDED = "sample_added", "Sample added"
    SAMPLE_DELETED = "sample_deleted", "Sample deleted"
    CONSENT_GIVEN = "consent_given", "Consent written down"
    CONSENT_REVOKED = "consent_revoked", "Consent revoked"
    CONSENT_EXPIRED = "consent_expired", "Consent expired"
    CLONE_ASKED = "clone_asked", "Clone asked for"
    CLONE_MADE = "clone_made", "Clone made"
    CLONE_DELETED = "clone_deleted", "Clone deleted"
    CLONE_GONE = "clone_gone", "Clone deleted at the vendor"
    DELETED = "deleted", "Deleted"


class Decision(Owned):
    """One line of the history. ``owner`` and ``team`` are those of what was decided about.

    Ids instead of references: the line outlives its subject, and goes with the account.
    """

    id = models.BigAutoField(primary_key=True)
    kind = models.CharField(max_length=24, choices=DecisionKind.choices)
    by = models.ForeignKey(User, on_delete=models.SET_NULL, null=True, related_name="+")
    """None: the system itself, or somebody who has left."""
    at = models.DateTimeField()
    actor_id = models.UUIDField(null=True, db_index=True)
    speaker_id = models.UUIDField(null=True, db_index=True)
    subject_id = models.UUIDField(null=True)
    """Of the sample, consent, pinned voice, or the other actor or speaker."""
    detail = models.JSONField(default=dict)

    class Meta(Owned.Meta):
        abstract = False
        ordering: ClassVar[list[str]] = ["-at", "-id"]
        indexes: ClassVar[list[models.Index]] = [
            models.Index(fields=["owner", "-at"], name="decision_owner_newest"),
        ]

    def __str__(self) -> str:
        return f"{self.get_kind_display()} {self.at:%d %b %Y %H:%M}"

    def save(self, *args: Any, **kwargs: Any) -> None:
        """Raises TypeError for a line that is written already."""
        if not self._state.adding:
            raise TypeError("a line of the history is not changed")
        super().save(*args, **kwargs)

    @property
    def subject(self) -> uuid.UUID | None:
        return self.subject_id or self.speaker_id or self.actor_id
