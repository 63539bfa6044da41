"""Registers the start-up checks and the Celery application with Django."""

from django.apps import AppConfig


class DubbingProjectConfig(AppConfig):
    name = "dubbing_project"

    def ready(self) -> None:
        # Imported for their effect: the checks register themselves, and tasks started
        # from the server find this project's broker.
        from dubbing_project import celery, checks  # noqa: F401 - imported for what they register
