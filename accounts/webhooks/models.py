"""Where events go, which there were, and how their deliveries went."""

from __future__ import annotations

import uuid
from typing import Any, ClassVar

from django.conf import settings
from django.db import models

from accounts.ownership import Owned
from pipeline.bounds import WEBHOOK_URL_MAX


class WebhookEndpoint(Owned):
    """An address of somebody's own server that is told of events.

    One that is shared with a team is told of what the team shares; any other, of everything
    of its owner's.
    """

    id = models.UUIDField(primary_key=True, default=uuid.uuid4, editable=False)
    owner = models.ForeignKey(
        settings.AUTH_USER_MODEL, on_delete=models.CASCADE, related_name="webhook_endpoints"
    )
    url = models.CharField(max_length=WEBHOOK_URL_MAX)
    description = models.CharField(max_length=200, blank=True)
    event_types = models.JSONField(default=list)
    """Names of ``event_types.EVENT_TYPES``, or ``["*"]``."""
    sealed_secret = models.TextField(editable=False)
    """What deliveries are signed with, which only ``accounts.sealing`` opens."""
    sealed_secret_before = models.TextField(editable=False, blank=True)
    """And with this one too, until then."""
    secret_before_until = models.DateTimeField(null=True, blank=True, editable=False)
    enabled = models.BooleanField(default=True)
    disabled_reason = models.CharField(max_length=32, blank=True)
    """Why the server disabled it: ``failing`` or ``gone``; empty: nobody, or somebody did."""
    failing_since = models.DateTimeField(null=True, blank=True)
    """Of all deliveries since then none has succeeded."""
    busy_until = models.DateTimeField(null=True, blank=True, editable=False)
    """A worker is delivering to it, and counts as dead after that."""
    created_at = models.DateTimeField(auto_now_add=True)

    class Meta(Owned.Meta):
        ordering: ClassVar[list[str]] = ["-created_at", "-id"]

    def __str__(self) -> str:
        return str(self.id)

    @property
    def purpose(self) -> str:
        """What its secrets are sealed for."""
        return f"webhook secret:{self.id}"


def event_id() -> str:
    return f"evt_{uuid.uuid4().hex}"


class WebhookEvent(models.Model):
    """Something that happened; kept as long as a delivery of it is."""

    id = models.CharField(primary_key=True, max_length=40, default=event_id, editable=False)
    """The ``webhook-id`` of every delivery of it, however often it is sent."""
    type = models.CharField(max_length=64)
    data = models.JSONField(default=dict)
    once = models.CharField(max_length=128, null=True, unique=True)  # noqa: DJ001 - NULL is not unique
    """What names it where the same thing may be told more than once."""
    happened_at = models.DateTimeField()

    class Meta:
        indexes: ClassVar[list[models.Index]] = [
            models.Index(fields=["happened_at"], name="webhook_event_time"),
        ]

    def __str__(self) -> str:
        return self.id

    def body(self) -> dict[str, Any]:
        return {"type": self.type, "timestamp": self.happened_at.isoformat(), "data": self.data}


class DeliveryStatus(models.TextChoices):
    PENDING = "pending"
    DELIVERED = "delivered"
    FAILED = "failed"


class WebhookDelivery(models.Model):
    """One event on its way to one endpoint."""

    id = models.UUIDField(primary_key=True, default=uuid.uuid4, editable=False)
    endpoint = models.ForeignKey(
        WebhookEndpoint, on_delete=models.CASCADE, related_name="deliveries"
    )
    event = models.ForeignKey(WebhookEvent, on_delete=models.CASCADE, related_name="deliveries")
    status = models.CharField(
        max_length=16, choices=DeliveryStatus.choices, default=DeliveryStatus.PENDING
    )
    attempts = models.PositiveSmallIntegerField(default=0)
    """Since it was made or replayed."""
    next_try_at = models.DateTimeField(null=True, blank=True)
    last_try_at = models.DateTimeField(null=True, blank=True)
    code = models.PositiveSmallIntegerField(null=True, blank=True)
    """The HTTP status of the last answer; none came where there is none."""
    error = models.CharField(max_length=32, blank=True)
    """Why the last try failed."""
    duration_ms = models.PositiveIntegerField(null=True, blank=True)
    log = models.JSONField(default=list)
    """The last tries: ``at``, ``code``, ``error``, ``duration_ms``."""
    created_at = models.DateTimeField()

    class Meta:
        ordering: ClassVar[list[str]] = ["-created_at", "-id"]
        constraints: ClassVar[list[models.BaseConstraint]] = [
            models.UniqueConstraint(fields=["endpoint", "event"], name="one_delivery_an_endpoint"),
        ]
        indexes: ClassVar[list[models.Index]] = [
            models.Index(
                fields=["next_try_at"],
                name="webhook_due",
                condition=models.Q(status=DeliveryStatus.PENDING),
            ),
            models.Index(fields=["endpoint", "-created_at"], name="webhook_log"),
        ]

    def __str__(self) -> str:
        return str(self.id)
