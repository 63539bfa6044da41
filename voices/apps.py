"""Registers the app and what follows deletions with Django."""

from django.apps import AppConfig


class VoicesConfig(AppConfig):
    name = "voices"

    def ready(self) -> None:
        from accounts.personal_data import register
        from accounts.sealing import resealed_by
        from voices import signals  # noqa: F401 - imported for what it registers
        from voices.api.problems import explain
        from voices.cloning import watching  # noqa: F401 - the same
        from voices.cloning.made_with import reseal_clone_keys
        from voices.keeping import KEEPER

        register(self.label, KEEPER)
        resealed_by(reseal_clone_keys)
        explain()
