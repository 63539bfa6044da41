"""Writes: webhooks are made, changed, given new secrets, tried and replayed."""

from __future__ import annotations

import base64
import secrets
from datetime import datetime, timedelta
from typing import Any

from django.db import transaction
from django.db.models import Q
from django.utils import timezone
from django.views.decorators.debug import sensitive_variables

from accounts.models import Team, User
from accounts.sealing import reseal_rows, seal
from accounts.webhooks.event_types import TEST
from accounts.webhooks.events import deliver
from accounts.webhooks.models import (
    DeliveryStatus,
    WebhookDelivery,
    WebhookEndpoint,
    WebhookEvent,
)
from pipeline.bounds import WEBHOOKS_MAX

SECRET_BEFORE_LASTS = timedelta(hours=24)
"""After a change deliveries are signed with both secrets for so long."""


class WebhookLimitReachedError(Exception):
    """The person has as many webhooks as are allowed."""


@sensitive_variables("secret")
@transaction.atomic
def create_webhook(
    owner: User, *, url: str, event_types: list[str], description: str = "", team: Team | None
) -> tuple[WebhookEndpoint, str]:
    """A webhook and its secret, which is known only now. Raises WebhookLimitReachedError.

    The url has been through ``addresses.check_url``.
    """
    # The lock makes the count hold when two requests come at once.
    User.objects.select_for_update(no_key=True).get(pk=owner.pk)
    if WebhookEndpoint.objects.filter(owner=owner).count() >= WEBHOOKS_MAX:
        raise WebhookLimitReachedError(f"You have {WEBHOOKS_MAX} webhooks; delete one first.")
    endpoint = WebhookEndpoint(
        owner=owner, url=url, event_types=event_types, description=description, team=team
    )
    secret = _new_secret()
    endpoint.sealed_secret = seal(secret, purpose=endpoint.purpose)
    endpoint.save()
    return endpoint, secret


def edit_webhook(endpoint: WebhookEndpoint, **changes: Any) -> None:
    """Change what is given; the row is locked. One that is enabled again begins anew."""
    for name, value in changes.items():
        setattr(endpoint, name, value)
    if changes.get("enabled"):
        endpoint.disabled_reason, endpoint.failing_since = "", None
    if changes.get("enabled") is False:
        endpoint.disabled_reason = ""
    endpoint.save()


@sensitive_variables("secret")
def renew_secret(endpoint: WebhookEndpoint) -> str:
    """A new secret; the one before counts beside it for a while. The row is locked."""
    secret = _new_secret()
    endpoint.sealed_secret_before = endpoint.sealed_secret
    endpoint.secret_before_until = timezone.now() + SECRET_BEFORE_LASTS
    endpoint.sealed_secret = seal(secret, purpose=endpoint.purpose)
    endpoint.save()
    return secret


@transaction.atomic
def send_test(endpoint: WebhookEndpoint) -> WebhookDelivery:
    event = WebhookEvent.objects.create(
        type=TEST, data={"webhook": str(endpoint.pk)}, happened_at=timezone.now()
    )
    return deliver(event, [endpoint])[0]


def replay(delivery: WebhookDelivery) -> WebhookDelivery:
    """Send an event again, whether it was delivered or not; its id stays."""
    _again(WebhookDelivery.objects.filter(pk=delivery.pk))
    delivery.refresh_from_db()
    return delivery


def replay_failed(endpoint: WebhookEndpoint, *, since: datetime) -> int:
    """Send again what failed for good since then; returns how many."""
    failed = endpoint.deliveries.filter(status=DeliveryStatus.FAILED, created_at__gte=since)
    return _again(WebhookDelivery.objects.filter(pk__in=failed.values("pk")))


def reseal_webhook_secrets() -> tuple[int, int]:
    """For ``accounts.sealing.reseal_all``. Secrets from before a change of theirs end with it."""
    rows = WebhookEndpoint.objects.all()
    return reseal_rows(rows, "sealed_secret", "purpose", secret_before_until=None)


def _again(rows: Any) -> int:
    changed: int = rows.filter(~Q(status=DeliveryStatus.PENDING) | Q(attempts__gt=0)).update(
        status=DeliveryStatus.PENDING, attempts=0, next_try_at=timezone.now(), error=""
    )
    return changed


def _new_secret() -> str:
    return f"whsec_{base64.b64encode(secrets.token_bytes(32)).decode()}"
