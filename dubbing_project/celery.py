"""The Celery application: `celery --app dubbing_project.celery worker` runs the tasks."""

import os

from celery import Celery
from celery.signals import (
    beat_embedded_init,
    setup_logging,
    task_postrun,
    task_prerun,
    worker_process_init,
)

from dubbing_project.services.parent_death import die_with_parent
from pipeline.runtime import log_context

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


@task_prerun.connect
def name_the_task_in_logs(task_id: str = "", **_: object) -> None:
    """A pool process does one task at a time, so its lines are the task's until it ends."""
    log_context.bind_task(task=task_id)


@task_postrun.connect
def task_is_over(**_: object) -> None:
    log_context.unbind_task("task")
