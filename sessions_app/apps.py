"""Registers the app with Django."""

from django.apps import AppConfig
from django.conf import settings

from pipeline.bounding import in_force
from pipeline.bounds import BOUNDS


class SessionsAppConfig(AppConfig):
    name = "sessions_app"
    verbose_name = "Dubbing sessions"

    def ready(self) -> None:
        from accounts.personal_data import register
        from sessions_app.keeping import KEEPER

        register(self.label, KEEPER)
        for one in BOUNDS.values():
            if one.setting:
                in_force(one.setting, float(getattr(settings, one.setting)))
