"""Synthetic voices made after actors."""

from __future__ import annotations

from typing import ClassVar

from django.db import models
from django.utils import timezone

from accounts.models import User
from accounts.ownership import Owned
from pipeline.cloning.tuning import tuning_of
from pipeline.types import VoiceTuning
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


class CloneStep(models.TextChoices):
    """How far the making of a clone has come, in this order."""

    COLLECT = "collect", "Collecting recordings"
    CHECK = "check", "Checking recordings and consent"
    CREATE = "create", "Making the voice"
    PREVIEW = "preview", "Speaking a first sentence"
    MEASURE = "measure", "Measuring how good it is"
    TUNE = "tune", "Looking for the best settings"


class VoiceClone(PublicId, Owned):
    """One actor's voice at one engine, made under a consent and used while that is valid.

    ``selectors.usable_clones`` are those that may speak. At a vendor it carries the mark
    ``mark``, under which a copy is found whose id nobody had time to write down.
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
    sealed_key = models.TextField(blank=True, editable=False)
    """The owner's own key that it was made with: they may have given another one since, whose
    account does not hold the voice. Empty: it was made with the installation's."""
    key_purpose = models.CharField(max_length=64, blank=True, editable=False)
    """What that was sealed for."""
    name = models.CharField(max_length=200, blank=True)
    profile = models.FileField(max_length=200, blank=True, editable=False)
    """What the engine needs beside the id; empty where the vendor keeps it all. Private."""
    preview = models.FileField(max_length=200, blank=True, editable=False)
    """A first sentence in the voice, FLAC. Private."""
    state = models.CharField(max_length=16, choices=CloneState.choices, default=CloneState.WAITING)
    step = models.CharField(max_length=16, choices=CloneStep.choices, blank=True, editable=False)
    """What is done now, or was done last."""
    submission = models.CharField(max_length=64, editable=False, default="", blank=True)
    """SHA-256 of what it was asked to be made of: the same wish twice is one clone."""
    optimise = models.BooleanField(default=False, editable=False)
    """Whether the best settings are to be looked for once it is made."""
    attempts = models.PositiveSmallIntegerField(default=0, editable=False)
    claimed_at = models.DateTimeField(null=True, blank=True, editable=False)
    """When a worker last said that it is at it; one that died leaves it to the next."""
    retry_at = models.DateTimeField(null=True, blank=True, editable=False)
    """Not before then, after a failure that may pass."""
    settings = models.JSONField(default=dict, blank=True)
    """What the engine was told: stability, similarity, style, …"""
    quality = models.JSONField(default=dict, blank=True)
    """What was measured of it: see ``pipeline.cloning.quality.Quality``."""
    trace = models.JSONField(default=list, blank=True, editable=False)
    """Settings that were tried, each with its score; the first is the default."""
    pitch_hz = models.FloatField(null=True, blank=True, editable=False)
    """Median of the speech that it was made of."""
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
            models.UniqueConstraint(
                fields=["actor", "engine", "submission", "owner"],
                condition=~models.Q(submission="")
                & models.Q(state__in=["waiting", "making", "ready"]),
                nulls_distinct=False,
                name="one_clone_a_submission",
            ),
        )
        indexes: ClassVar[list[models.Index]] = [
            models.Index(fields=["owner", "-created_at"], name="clone_owner_newest"),
            models.Index(
                fields=["claimed_at"],
                name="clone_unmade",
                condition=models.Q(state__in=["waiting", "making"]),
            ),
        ]

    def __str__(self) -> str:
        return self.name or f"{self.engine} {self.vendor_id}"

    @property
    def tuning(self) -> VoiceTuning:
        return tuning_of(self.settings)

    @property
    def mark(self) -> str:
        """Its name at the vendor, of no meaning there."""
        return self.pk.hex


class DiscardedClone(models.Model):
    """A voice that is, or may be, stored at its vendor, although no clone here may speak with it.

    Written when a clone is deleted or its consent ends, and before one is made at all, until
    its id is written down; gone when the vendor has deleted the voice.
    """

    engine = models.CharField(max_length=64)
    vendor_id = models.CharField(max_length=128, blank=True)
    """Empty: it is not known, and looked for by ``mark``."""
    mark = models.CharField(max_length=64, blank=True)
    owner = models.ForeignKey(User, on_delete=models.SET_NULL, null=True, related_name="+")
    """With whose key it was made, while they have an account."""
    sealed_key = models.TextField(blank=True, editable=False)
    """As of the clone, which is gone before the voice is."""
    key_purpose = models.CharField(max_length=64, blank=True, editable=False)
    discarded_at = models.DateTimeField(auto_now_add=True)
    due_at = models.DateTimeField(default=timezone.now)
    """Not tried before."""
    attempts = models.PositiveIntegerField(default=0)
    problem = models.CharField(max_length=64, blank=True)
    """Code of the last failure."""

    class Meta:
        constraints: ClassVar[list[models.BaseConstraint]] = [
            models.UniqueConstraint(
                fields=["engine", "vendor_id"],
                condition=~models.Q(vendor_id=""),
                name="one_discarded_clone_a_vendor_id",
            ),
            models.UniqueConstraint(
                fields=["engine", "mark"],
                condition=models.Q(vendor_id=""),
                name="one_discarded_clone_a_mark",
            ),
        ]
        indexes: ClassVar[list[models.Index]] = [
            models.Index(fields=["due_at"], name="discarded_clone_due"),
        ]

    def __str__(self) -> str:
        return f"{self.engine} {self.vendor_id or self.mark}"
