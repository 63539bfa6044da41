"""Registers the app with Django."""

from django.apps import AppConfig


class AccountsConfig(AppConfig):
    name = "accounts"

    def ready(self) -> None:
        from accounts.keeping import KEEPER
        from accounts.personal_data import register
        from accounts.sealing import resealed_by
        from accounts.services import reseal_engine_keys, reseal_two_factor
        from accounts.webhooks.services import reseal_webhook_secrets

        register(self.label, KEEPER)
        for reseal in (reseal_engine_keys, reseal_webhook_secrets, reseal_two_factor):
            resealed_by(reseal)
