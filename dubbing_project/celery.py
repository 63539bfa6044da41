"""The Celery application: `celery --app dubbing_project.celery worker` runs the tasks."""

import os

from celery import Celery
from celery.signals import beat_embedded_init, setup_logging, worker_process_init

from dubbing_project.services.parent_death import die_with_parent

os.environ.setdefault("DJANGO_SETTINGS_MODULE", "dubbing_project.settings")

app = Celery("dubbing_project")
app.config_from_object("django.conf:settings", namespace="CELERY")
app.autodiscover_tasks()


@setup_logging.connect
def keep_django_logging(**_: object) -> None:
    """A receiver here is how Celery is told to leave logging to Django's settings."""


@beat_embedded_init.connect
@worker_process_init.connect
def end_with_the_worker(**_: object) -> None:
    """Told to stop at once, Celery's main process leaves its beat process running on."""
    die_with_parent()
