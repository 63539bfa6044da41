"""Registers the app with Django."""

from django.apps import AppConfig


class AccountsConfig(AppConfig):
    name = "accounts"

    def ready(self) -> None:
        from accounts.keeping import KEEPER
        from accounts.personal_data import register

        register(self.label, KEEPER)
