"""``manage.py reseal_engine_keys``: after a change of SECRET_KEY, before its fallback goes."""

from __future__ import annotations

from typing import Any

from django.core.management.base import BaseCommand

from accounts.services import reseal_engine_keys
from accounts.webhooks.services import reseal_webhook_secrets


class Command(BaseCommand):
    help = (
        "Seal people's keys, and secrets of webhooks, under SECRET_KEY that only "
        "SECRET_KEY_FALLBACKS opens."
    )

    def handle(self, *args: Any, **options: Any) -> None:
        renewed, lost = (
            sum(counts)
            for counts in zip(reseal_engine_keys(), reseal_webhook_secrets(), strict=True)
        )
        self.stdout.write(f"{renewed} keys were sealed anew.")
        if lost:
            self.stdout.write(
                f"{lost} can no longer be read: their owners must enter or renew them."
            )
