"""``manage.py reseal_engine_keys``: after a change of SECRET_KEY, before its fallback goes."""

from __future__ import annotations

from typing import Any

from django.core.management.base import BaseCommand

from accounts.sealing import reseal_all


class Command(BaseCommand):
    help = (
        "Seal people's keys, secrets of webhooks and of two-factor, under SECRET_KEY that only "
        "SECRET_KEY_FALLBACKS opens."
    )

    def handle(self, *args: Any, **options: Any) -> None:
        renewed, lost = reseal_all()
        self.stdout.write(f"{renewed} keys were sealed anew.")
        if lost:
            self.stdout.write(
                f"{lost} can no longer be read: their owners must enter or renew them."
            )
