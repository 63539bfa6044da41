"""Deliveries are sent from the worker until their receiver has them.

The table is the queue: a delivery that is due waits in it, whatever ends meanwhile. One worker
at a time delivers to an endpoint, so that a receiver that is slow or down holds up nobody
else. What is sent and not noted, because the worker died, is sent again: at least once, always
under the event's own id, by which receivers tell.
"""

from __future__ import annotations

import json
import logging
import random
import time
from concurrent.futures import FIRST_COMPLETED, Future, ThreadPoolExecutor, wait
from datetime import timedelta
from typing import Any

from django.conf import settings
from django.core.mail import send_mail
from django.db import connection, connections, transaction
from django.db.models import Q
from django.utils import timezone
from standardwebhooks import Webhook

from accounts.sealing import SealBrokenError, unseal
from accounts.webhooks.models import (
    DeliveryStatus,
    WebhookDelivery,
    WebhookEndpoint,
    WebhookEvent,
)
from accounts.webhooks.sending import Outcome, send
from pipeline.bounds import (
    WEBHOOK_BATCH_MAX,
    WEBHOOK_FAILING_DAYS,
    WEBHOOK_KEPT_DAYS,
    WEBHOOK_LEASE_S,
    WEBHOOK_LOG_MAX,
    WEBHOOK_ROUND_S,
    WEBHOOK_THREADS,
)

BACKOFF_S = (5, 30, 120, 600, 3600, 6 * 3600, 24 * 3600)
"""Before each try after the first; after the last one a delivery has failed."""
RETRY_AFTER_MOST_S = 3600
UNREACHED = frozenset({"timeout", "connection_failed", "tls_failed", "name_unresolved"})
"""The receiver is not there: what else waits for it would fail too."""
UNREACHED_S = 15
GONE = 410
USER_AGENT = "live-dubbing-webhooks/1"
LOOK_S = 0.5
"""While some are delivered to, it is looked so often for others."""
_ROUND = 0x64756262
"""The lock of the worker that delivers."""

log = logging.getLogger(__name__)


def deliver_due() -> int:
    """Deliver what is due, until nothing is or the round's time is up; returns how many tries.

    While another worker does so, nothing is done.
    """
    with connection.cursor() as cursor:
        cursor.execute("SELECT pg_try_advisory_lock(%s)", [_ROUND])
        if not cursor.fetchone()[0]:
            return 0
    try:
        return _round(time.monotonic() + WEBHOOK_ROUND_S)
    finally:
        with connection.cursor() as cursor:
            cursor.execute("SELECT pg_advisory_unlock(%s)", [_ROUND])


def _round(until: float) -> int:
    tried = 0
    under_way: set[Future[int]] = set()
    with ThreadPoolExecutor(WEBHOOK_THREADS, thread_name_prefix="webhooks") as threads:
        while time.monotonic() < until:
            free = WEBHOOK_THREADS - len(under_way)
            due = _endpoints_due()[:free] if free else []
            under_way |= {threads.submit(_in_thread, one, until) for one in due}
            if not under_way:
                break
            # A receiver that is slow holds its thread, and the others go on meanwhile.
            done, under_way = wait(under_way, timeout=LOOK_S, return_when=FIRST_COMPLETED)
            tried += sum(one.result() for one in done)
    return tried + sum(one.result() for one in under_way)


def _in_thread(endpoint_id: Any, until: float) -> int:
    try:
        return deliver_to(endpoint_id, until)
    finally:
        connections.close_all()


def _endpoints_due() -> list[Any]:
    """Those with something due that nobody delivers to, the longest waiting first."""
    now = timezone.now()
    rows = WebhookDelivery.objects.filter(
        Q(endpoint__busy_until=None) | Q(endpoint__busy_until__lt=now),
        status=DeliveryStatus.PENDING,
        next_try_at__lte=now,
        endpoint__enabled=True,
    )
    due: dict[Any, None] = {}
    for endpoint_id in rows.order_by("next_try_at").values_list("endpoint", flat=True)[:1000]:
        due[endpoint_id] = None
    return list(due)[: 4 * WEBHOOK_THREADS]


def deliver_to(endpoint_id: Any, until: float) -> int:
    """Send what is due to one endpoint, in order, until its receiver fails to answer."""
    now = timezone.now()
    lease = now + timedelta(seconds=WEBHOOK_LEASE_S)
    free = Q(busy_until=None) | Q(busy_until__lt=now)
    mine = WebhookEndpoint.objects.filter(free, pk=endpoint_id, enabled=True)
    if not mine.update(busy_until=lease):
        return 0
    until = min(until, time.monotonic() + WEBHOOK_LEASE_S / 2)
    tried = 0
    try:
        endpoint = WebhookEndpoint.objects.get(pk=endpoint_id)
        due = endpoint.deliveries.filter(status=DeliveryStatus.PENDING, next_try_at__lte=now)
        for delivery in due.select_related("event").order_by("next_try_at", "created_at")[
            :WEBHOOK_BATCH_MAX
        ]:
            if time.monotonic() >= until:
                break
            outcome = _sent(endpoint, delivery.event)
            tried += 1
            goes_on = note(delivery.pk, outcome)
            if outcome.error in UNREACHED:
                _put_off(endpoint)
            if not goes_on or outcome.error in UNREACHED:
                break
    finally:
        WebhookEndpoint.objects.filter(pk=endpoint_id, busy_until=lease).update(busy_until=None)
    return tried


def _put_off(endpoint: WebhookEndpoint) -> None:
    """What else is due waits too; that counts as no try of it."""
    then = timezone.now() + timedelta(seconds=UNREACHED_S)
    waiting = endpoint.deliveries.filter(status=DeliveryStatus.PENDING, next_try_at__lt=then)
    waiting.filter(next_try_at__lte=timezone.now()).update(next_try_at=then)


def _sent(endpoint: WebhookEndpoint, event: WebhookEvent) -> Outcome:
    secrets = _secrets(endpoint)
    if not secrets:
        return Outcome(None, "secret_unreadable", 0)
    body = json.dumps(event.body(), ensure_ascii=False, separators=(",", ":"))
    at = timezone.now()
    signatures = " ".join(Webhook(one).sign(event.pk, at, body) for one in secrets)
    headers = {
        "Content-Type": "application/json; charset=utf-8",
        "User-Agent": USER_AGENT,
        "webhook-id": event.pk,
        "webhook-timestamp": str(int(at.timestamp())),
        "webhook-signature": signatures,
    }
    return send(endpoint.url, body=body.encode(), headers=headers)


def _secrets(endpoint: WebhookEndpoint) -> list[str]:
    """What it signs with, the newest first; two for a while after a change."""
    sealed = [endpoint.sealed_secret]
    if endpoint.secret_before_until and endpoint.secret_before_until > timezone.now():
        sealed.append(endpoint.sealed_secret_before)
    found = []
    for one in filter(None, sealed):
        try:
            found.append(unseal(one, purpose=endpoint.purpose))
        except SealBrokenError:
            log.warning("webhook secret unreadable", extra={"webhook": str(endpoint.pk)})
    return found


@transaction.atomic
def note(delivery_id: Any, outcome: Outcome) -> bool:
    """Write down how a try went, and when the next one is; False when the endpoint was disabled
    or deleted."""
    delivery = (
        WebhookDelivery.objects.select_for_update(of=("self",))
        .select_related("event")
        .filter(pk=delivery_id)
        .first()
    )
    if delivery is None:
        return False
    now = timezone.now()
    delivery.attempts += 1
    delivery.last_try_at = now
    delivery.code, delivery.error = outcome.code, outcome.error
    delivery.duration_ms = outcome.duration_ms
    entry = {
        "at": now.isoformat(),
        "code": outcome.code,
        "error": outcome.error,
        "duration_ms": outcome.duration_ms,
    }
    delivery.log = [*delivery.log, entry][-WEBHOOK_LOG_MAX:]
    if not outcome.error:
        delivery.status, delivery.next_try_at = DeliveryStatus.DELIVERED, None
    elif delivery.attempts > len(BACKOFF_S):
        delivery.status, delivery.next_try_at = DeliveryStatus.FAILED, None
    else:
        delivery.next_try_at = now + _pause(delivery.attempts, outcome)
    delivery.save()
    log.info(
        "webhook tried",
        extra={
            "webhook": str(delivery.endpoint_id),
            "event": delivery.event_id,
            "code": outcome.code or outcome.error,
            "attempt": delivery.attempts,
            "ms": outcome.duration_ms,
        },
    )
    return _note_endpoint(delivery.endpoint_id, outcome)


def _pause(attempts: int, outcome: Outcome) -> timedelta:
    # Spread, so that what failed together does not come back together.
    seconds = BACKOFF_S[attempts - 1] * random.uniform(0.9, 1.1)
    wanted = min(outcome.retry_after_s or 0, RETRY_AFTER_MOST_S)
    return timedelta(seconds=max(seconds, wanted))


def _note_endpoint(endpoint_id: Any, outcome: Outcome) -> bool:
    endpoint = WebhookEndpoint.objects.select_for_update().filter(pk=endpoint_id).first()
    if endpoint is None or not endpoint.enabled:
        return False
    now = timezone.now()
    reason = ""
    if not outcome.error:
        endpoint.failing_since = None
    elif outcome.code == GONE:
        reason = "gone"
    else:
        endpoint.failing_since = endpoint.failing_since or now
        if now - endpoint.failing_since >= timedelta(days=WEBHOOK_FAILING_DAYS):
            reason = "failing"
    if reason:
        endpoint.enabled, endpoint.disabled_reason = False, reason
        transaction.on_commit(lambda: _tell_owner(endpoint))
    endpoint.save(update_fields=["failing_since", "enabled", "disabled_reason"])
    return bool(endpoint.enabled)


def _tell_owner(endpoint: WebhookEndpoint) -> None:
    why = {
        "gone": "its receiver answered 410 Gone",
        "failing": f"every delivery to it has failed for {WEBHOOK_FAILING_DAYS} days",
    }[endpoint.disabled_reason]
    log.warning("webhook disabled", extra={"webhook": str(endpoint.pk)})
    text = (
        f"Your webhook {endpoint.pk} was disabled, because {why}.\n\n"
        f"Its address: {endpoint.url}\n\n"
        "What has happened meanwhile is kept for a while. Once the receiver works again, enable "
        "the webhook and replay what failed.\n"
    )
    try:
        send_mail(
            "A webhook of yours was disabled", text, settings.DEFAULT_FROM_EMAIL,
            [endpoint.owner.email],
        )  # fmt: skip
    except OSError as error:
        log.warning("notice not mailed", extra={"error": type(error).__name__})


def forget_old_deliveries() -> int:
    """Delete deliveries that are over for so long, and events without any; returns how many."""
    limit = timezone.now() - timedelta(days=WEBHOOK_KEPT_DAYS)
    over = WebhookDelivery.objects.filter(created_at__lt=limit)
    count = over.exclude(status=DeliveryStatus.PENDING, endpoint__enabled=True).delete()[0]
    WebhookEvent.objects.filter(happened_at__lt=limit, deliveries=None).delete()
    return count
