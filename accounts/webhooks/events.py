"""What happened is written down, with a delivery for each endpoint that wants to know."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from django.db import transaction
from django.db.models import Exists, OuterRef, Q, QuerySet
from django.utils import timezone

from accounts.models import Membership
from accounts.ownership import EDITING_ROLES
from accounts.webhooks.event_types import EVENT_TYPES, EVERY
from accounts.webhooks.models import (
    DeliveryStatus,
    WebhookDelivery,
    WebhookEndpoint,
    WebhookEvent,
)
from pipeline.bounds import WEBHOOK_WAITING_MAX


@transaction.atomic
def emit(
    name: str,
    *,
    owner_id: int,
    team_id: int | None = None,
    data: Mapping[str, Any],
    once: str | None = None,
) -> None:
    """Tell of something that happened to what ``owner_id`` owns, and shares with ``team_id``.

    Call it in the transaction of what happened: both are written, or neither. It is sent from
    the worker soon after. ``data`` carries ids and figures, never what was said. ``once``
    names it where it may be told again: of the same name only the first counts.
    """
    if name not in EVENT_TYPES:
        raise ValueError(f"there is no event named {name}")
    endpoints = list(_listening(owner_id, team_id, name))
    if not endpoints:
        return
    event = WebhookEvent(type=name, data=dict(data), once=once, happened_at=timezone.now())
    made = WebhookEvent.objects.bulk_create([event], ignore_conflicts=once is not None)
    if once is not None and not WebhookEvent.objects.filter(pk=made[0].pk).exists():
        return
    deliver(event, endpoints)


def deliver(event: WebhookEvent, endpoints: list[WebhookEndpoint]) -> list[WebhookDelivery]:
    """A delivery of the event to each endpoint, to be sent at once."""
    now = timezone.now()
    rows = []
    for endpoint in endpoints:
        row = WebhookDelivery(endpoint=endpoint, event=event, created_at=now, next_try_at=now)
        waiting = endpoint.deliveries.filter(status=DeliveryStatus.PENDING)
        if waiting[WEBHOOK_WAITING_MAX - 1 : WEBHOOK_WAITING_MAX].exists():
            row.status, row.error, row.next_try_at = DeliveryStatus.FAILED, "backlog_full", None
        rows.append(row)
    return WebhookDelivery.objects.bulk_create(rows)


def _listening(owner_id: int, team_id: int | None, name: str) -> QuerySet[WebhookEndpoint]:
    """Endpoints of the owner's own, and of the team's whose owner still edits in it."""
    editors = Membership.objects.filter(
        team=OuterRef("team"), user=OuterRef("owner"), role__in=EDITING_ROLES
    )
    own = Q(owner=owner_id, team=None)
    shared = Q(Exists(editors), team=team_id) if team_id is not None else Q(pk=None)
    found: QuerySet[WebhookEndpoint] = WebhookEndpoint.objects.filter(own | shared, enabled=True)
    wants = Q(event_types__contains=[name]) | Q(event_types__contains=[EVERY])
    return found.filter(wants)
