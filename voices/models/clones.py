"""Synthetic voices made after actors."""

from __future__ import annotations

from typing import ClassVar

from django.db import models

from accounts.models import User
from accounts.ownership import Owned
from voices.models.actors import Actor
from voices.models.consents import Consent
from voices.models.fields import PublicId
from voices.models.samples import VoiceSample


class CloneState(models.TextChoices):
    WAITING = "waiting", "Waiting to be made"
    MAKING = "making", "Being made"
    READY = "ready", "Ready"
    FAILED = "failed", "Could not be made"
    REVOKED = "revoked", "Consent revoked"
    """Not used any more, from that moment; the vendor's copy is still to be deleted."""
    DELETED = "deleted", "Deleted at the vendor"


class VoiceClone(PublicId, Owned):
    """One actor's voice at one engine, made under a consent and used while that is valid.

    ``selectors.usable_clones`` are those that may speak.
    """

    actor = models.ForeignKey(Actor, on_delete=models.CASCADE, related_name="clones")
    consent = models.ForeignKey(
        Consent, on_delete=models.SET_NULL, null=True, blank=True, related_name="clones"
    )
    """Without one it is not used."""
    samples = models.ManyToManyField(VoiceSample, blank=True, related_name="clones")
    """What it was made of."""
    engine = models.CharField(max_length=64)
    vendor_id = models.CharField(max_length=128, blank=True)
    """The vendor's own id of the voice; empty until it was made."""
    name = models.CharField(max_length=200, blank=True)
    state = models.CharField(max_length=16, choices=CloneState.choices, default=CloneState.WAITING)
    settings = models.JSONField(default=dict, blank=True)
    """What the engine was told: stability, similarity, style, …"""
    quality = models.JSONField(default=dict, blank=True)
    """What was measured of it."""
    problem = models.CharField(max_length=300, blank=True)
    used_at = models.DateTimeField(null=True, blank=True)
    created_at = models.DateTimeField(auto_now_add=True)
    updated_at = models.DateTimeField(auto_now=True)

    class Meta(Owned.Meta):
        abstract = False
        ordering: ClassVar[list[str]] = ["-created_at", "id"]
        constraints = (
            *Owned.Meta.constraints,
            models.UniqueConstraint(
                fields=["engine", "vendor_id", "owner"],
                condition=~models.Q(vendor_id=""),
                nulls_distinct=False,
                name="one_clone_a_vendor_id",
            ),
        )

    def __str__(self) -> str:
        return self.name or f"{self.engine} {self.vendor_id}"


class DiscardedClone(models.Model):
    """A voice that is still stored at its vendor, although no clone here refers to it.

    Written when a clone's row is deleted; gone when the vendor has deleted the voice.
    """

    engine = models.CharField(max_length=64)
    vendor_id = models.CharField(max_length=128)
    owner = models.ForeignKey(User, on_delete=models.SET_NULL, null=True, related_name="+")
    """With whose key it was made, while they have an account."""
    discarded_at = models.DateTimeField(auto_now_add=True)

    class Meta:
        constraints: ClassVar[list[models.BaseConstraint]] = [
            models.UniqueConstraint(
                fields=["engine", "vendor_id"], name="one_discarded_clone_a_vendor_id"
            ),
        ]

    def __str__(self) -> str:
        return f"{self.engine} {self.vendor_id}"
