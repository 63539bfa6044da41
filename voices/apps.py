"""Registers the app and what follows deletions with Django."""

from django.apps import AppConfig


class VoicesConfig(AppConfig):
    name = "voices"

    def ready(self) -> None:
        from accounts.personal_data import register
        from voices import signals  # noqa: F401 - imported for what it registers
        from voices.api.problems import explain
        from voices.cloning import watching  # noqa: F401 - the same
        from voices.keeping import KEEPER

        register(self.label, KEEPER)
        explain()
