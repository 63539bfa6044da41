"""Parts of jobs are sent to workers: the broker only wakes them, the database says what to do."""

from __future__ import annotations

import uuid

from celery import current_app
from django.db import transaction
from django.db.models import Q
from django.utils import timezone

from pipeline.bounds import PARTS_AT_ONCE
from sessions_app.projects.job_models import Job, JobPart, JobState, PartState

WORK = "projects.work"
BEHIND = 6
"""Priority in the broker: what is quickly done, such as webhooks, goes before (0)."""


def send_soon(job: Job) -> None:
    transaction.on_commit(lambda: send(job.pk), robust=True)


def send(job_id: uuid.UUID) -> None:
    """Have as many parts wait in the broker as may."""
    with transaction.atomic():
        rows = JobPart.objects.filter(job=job_id, job__state=JobState.RUNNING)
        sent = rows.filter(
            Q(state=PartState.CLAIMED) | Q(state=PartState.WAITING, sent_at__isnull=False)
        ).count()
        unsent = rows.filter(state=PartState.WAITING, sent_at=None).select_for_update(
            skip_locked=True, of=("self",)
        )
        due = [part.pk for part in unsent.order_by("pk")[: max(0, PARTS_AT_ONCE - sent)]]
        JobPart.objects.filter(pk__in=due).update(sent_at=timezone.now())
    for part_id in due:
        wake(part_id)


def wake(part_id: int) -> None:
    current_app.send_task(WORK, [part_id], priority=BEHIND)
