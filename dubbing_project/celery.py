"""The Celery application: `celery --app dubbing_project.celery worker` runs the tasks."""

import os

from celery import Celery
from celery.signals import setup_logging

os.environ.setdefault("DJANGO_SETTINGS_MODULE", "dubbing_project.settings")

app = Celery("dubbing_project")
app.config_from_object("django.conf:settings", namespace="CELERY")
app.autodiscover_tasks()


@setup_logging.connect
def keep_django_logging(**_: object) -> None:
    """A receiver here is how Celery is told to leave logging to Django's settings."""
