"""Who allowed what to be done with their voice."""

from __future__ import annotations

from datetime import datetime
from typing import Any, ClassVar, Self

from django.contrib.postgres.fields import ArrayField
from django.db import models
from django.db.models import F, Q

from accounts.models import User
from accounts.ownership import Owned, OwnedQuerySet
from voices.models.actors import Actor
from voices.models.fields import PublicId


class ConsentUse(models.TextChoices):
    """What a consent may allow, each for itself."""

    SAMPLE = "sample", "Keep recordings of the voice"
    RECOGNISE = "recognise", "Recognise the voice in later sessions"
    CLONE = "clone", "Make a synthetic voice like it and dub with that"
    PUBLISH = "publish", "Publish dubs in that voice"


class ConsentQuerySet(OwnedQuerySet):
    def valid(self, at: datetime) -> Self:
        """Given, not yet expired and not revoked."""
        return self.filter(
            Q(expires_at=None) | Q(expires_at__gt=at), revoked_at=None, given_at__lte=at
        )

    def for_use(self, use: ConsentUse) -> Self:
        return self.filter(uses__contains=[use])


class Consent(PublicId, Owned):
    """That somebody allowed uses of an actor's voice. Kept when revoked: it is the record.

    Nothing but the revocation is ever changed; a consent that was written down wrongly is
    revoked and given anew.
    """

    actor = models.ForeignKey(Actor, on_delete=models.CASCADE, related_name="consents")
    given_by = models.CharField(max_length=200)
    """Name of the person who gave it: the actor, or who may speak for them."""
    capacity = models.CharField(max_length=200, blank=True)
    """As what they gave it, if not as the actor: agent, parent, holder of the rights."""
    uses = ArrayField(
        models.CharField(max_length=16, choices=ConsentUse.choices), size=len(ConsentUse)
    )
    statement = models.TextField(max_length=10_000, blank=True)
    """The words in which it was given; this or ``evidence``, or both."""
    evidence = models.FileField(max_length=200, blank=True)
    """A signed paper or a recording of the words. Private."""
    evidence_name = models.CharField(max_length=200, blank=True, editable=False)
    evidence_type = models.CharField(max_length=64, blank=True, editable=False)
    """Media type, found in the content."""
    given_at = models.DateTimeField()
    expires_at = models.DateTimeField(null=True, blank=True)
    revoked_at = models.DateTimeField(null=True, blank=True, editable=False)
    revoked_by = models.ForeignKey(
        User, on_delete=models.SET_NULL, null=True, blank=True, related_name="+", editable=False
    )
    revocation_reason = models.CharField(max_length=500, blank=True, editable=False)
    settled_at = models.DateTimeField(null=True, blank=True, editable=False)
    """When what rested on it was deleted, after it was revoked or had expired."""
    created_at = models.DateTimeField(auto_now_add=True)

    objects: ClassVar[Any] = ConsentQuerySet.as_manager()

    class Meta(Owned.Meta):
        abstract = False
        ordering: ClassVar[list[str]] = ["-given_at", "id"]
        constraints = (
            *Owned.Meta.constraints,
            models.CheckConstraint(condition=~Q(uses=[]), name="consent_to_something"),
            models.CheckConstraint(
                condition=~Q(statement="") | ~Q(evidence=""), name="consent_has_proof"
            ),
            models.CheckConstraint(
                condition=Q(expires_at=None) | Q(expires_at__gt=F("given_at")),
                name="consent_expires_after_it_was_given",
            ),
        )

    def __str__(self) -> str:
        return f"{self.given_by}, {self.given_at:%d %b %Y}"

    def is_valid(self, at: datetime) -> bool:
        return (
            self.revoked_at is None
            and self.given_at <= at
            and (self.expires_at is None or self.expires_at > at)
        )

    def status(self, at: datetime) -> str:
        """``valid``, ``revoked``, ``expired`` or ``not_yet``."""
        if self.revoked_at is not None:
            return "revoked"
        if self.expires_at is not None and self.expires_at <= at:
            return "expired"
        return "valid" if self.given_at <= at else "not_yet"
