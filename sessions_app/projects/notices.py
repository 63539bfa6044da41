"""Whoever listens is told how far a job is, when what tells it is written for good."""

from __future__ import annotations

import threading
import time
import uuid
from typing import Any

from django.db import transaction
from django.db.models import Count, Q
from django.dispatch import Signal

from accounts.watching import tell_watchers
from sessions_app.projects.job_models import Job, PartState

job_moved = Signal()
"""``users`` (ids) and ``told`` (fields of the socket's message ``job``); from any thread."""
_PAUSE_S = 0.5
_lock = threading.Lock()
_last: tuple[uuid.UUID | None, str, float] = (None, "", 0.0)
"""Job, step and moment of what this process told last: it does one part at a time."""


def tell_soon(job: Job) -> None:
    """Of a part that is done: left out when the same step was told of a moment ago."""
    global _last
    now = time.monotonic()
    with _lock:
        job_id, step, at = _last
        if (job_id, step) == (job.pk, job.step) and now - at < _PAUSE_S:
            return
        _last = (job.pk, job.step, now)
    tell(job)


def tell(job: Job) -> None:
    """Of a new state."""
    users = {one for one in (job.by_id, job.project.owner_id) if one is not None}
    transaction.on_commit(lambda: _tell(job, sorted(users)), robust=True)


def group_of(job_id: uuid.UUID) -> str:
    """Of the channel layer, of those who watch the job."""
    return f"job.{job_id.hex}"


def _tell(job: Job, users: list[int]) -> None:
    parts = job.parts.filter(step=job.step).aggregate(
        parts=Count("pk"), done=Count("pk", filter=Q(state=PartState.DONE))
    )
    told: dict[str, Any] = {
        "job": str(job.pk),
        "project": str(job.project_id),
        "kind": str(job.kind),
        "state": str(job.state),
        "step": job.step,
        "problem": job.problem,
        **parts,
    }
    tell_watchers(group_of(job.pk))
    job_moved.send(Job, users=users, told=told)
