"""What the worker does about people."""

from __future__ import annotations

from celery import shared_task

from accounts import personal_data


@shared_task(name="accounts.export_data")
def export_data(user_id: int) -> None:
    personal_data.make_export(user_id)


@shared_task(name="accounts.sweep_exports")
def sweep_exports() -> None:
    personal_data.sweep_exports()
