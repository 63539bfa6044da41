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
_waking: set[str] = set()
"""Groups that are told in a moment of what was left out."""


def tell_soon(job: Job) -> None:
    """Of a part that is done. When the same step was told of a moment ago, it is left out, and
    those who watch the job look at it when the moment is over."""
    global _last
    now = time.monotonic()
    with _lock:
        job_id, step, at = _last
        over_in_s = at + _PAUSE_S - now if (job_id, step) == (job.pk, job.step) else 0.0
        if over_in_s <= 0:
            _last = (job.pk, job.step, now)
    if over_in_s <= 0:
        tell(job)
        return
    group = group_of(job.pk)
    transaction.on_commit(lambda: _wake_later(group, over_in_s), robust=True)


def _wake_later(group: str, wait_s: float) -> None:
    with _lock:
        if group in _waking:
            return
        _waking.add(group)
    timer = threading.Timer(wait_s, _wake, [group])
    timer.daemon = True
    timer.start()


def _wake(group: str) -> None:
    with _lock:
        _waking.discard(group)
    # Nothing of the job itself: by now it may be further than what was left out.
    tell_watchers(group)


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
