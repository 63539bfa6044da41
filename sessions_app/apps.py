"""Registers the app with Django."""

from django.apps import AppConfig
from django.conf import settings

from accounts.rest.problem_codes import EXPLAINED, IN_RECORDS, Explained
from pipeline.bounding import in_force
from pipeline.bounds import BOUNDS
from sessions_app.protocol.codes import CLONES, ERRORS, FILES


class SessionsAppConfig(AppConfig):
    name = "sessions_app"
    verbose_name = "Dubbing sessions"

    def ready(self) -> None:
        from accounts.personal_data import register
        from sessions_app.keeping import KEEPER

        register(self.label, KEEPER)
        from sessions_app.engines.engine_access import provide_to_voices

        provide_to_voices()
        from sessions_app.projects import signals  # noqa: F401 - the same
        from sessions_app.receivers import (  # noqa: F401 - imported for what they register
            clones_of_sessions,
            jobs_of_sessions,
            speakers_of_lines,
        )

        for one in BOUNDS.values():
            if one.setting:
                in_force(one.setting, float(getattr(settings, one.setting)))
        from sessions_app.projects.api.base import explain

        explain()
        IN_RECORDS.update(FILES | CLONES)
        unsupported = ("source_language", "pair", "target_language")
        IN_RECORDS.update(
            (code, ERRORS["Dubbing"][code])
            for code in (f"{one}_unsupported" for one in unsupported)
        )
        EXPLAINED.update(
            {
                code: Explained(503, "An engine cannot be used", text)
                for code, text in ERRORS["Engines"].items()
            },
            session_live=Explained(
                409,
                "The session is being dubbed",
                "Stop it first; or wait 45 seconds, if its client is gone.",
            ),
        )
