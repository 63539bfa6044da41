"""Background work for people's accounts; each task is one service call."""

from __future__ import annotations

import logging

from celery import shared_task

from accounts import personal_data
from accounts.rest.idempotency import forget_old_answers
from accounts.webhooks.delivering import deliver_due, forget_old_deliveries

log = logging.getLogger(__name__)


@shared_task(name="webhooks.deliver_due")
def deliver_webhooks() -> None:
    """Send what is due to people's receivers."""
    deliver_due()


@shared_task(name="rest.forget_old")
def forget_old() -> None:
    """Delete answers kept for their Idempotency-Keys, and deliveries, that are too old."""
    answers, deliveries = forget_old_answers(), forget_old_deliveries()
    if answers or deliveries:
        log.info("old rows deleted", extra={"answers": answers, "deliveries": deliveries})


@shared_task(name="accounts.export_data")
def export_data(user_id: int) -> None:
    """Make the copy of a person's data that they asked for."""
    personal_data.make_export(user_id)


@shared_task(name="accounts.sweep_exports")
def sweep_exports() -> None:
    """Delete copies that were kept long enough."""
    personal_data.sweep_exports()
