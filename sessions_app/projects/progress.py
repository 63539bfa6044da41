"""How far a job is."""

from __future__ import annotations

import uuid
from collections.abc import Collection, Mapping
from typing import Any

from django.db.models import Count, Q

from sessions_app.projects.job_models import UNFINISHED, Job, JobPart, JobState, PartState

Counts = Mapping[str, tuple[int, int]]
"""Step → how many parts it has, and how many of them are done."""


def counts_of(jobs: Collection[uuid.UUID]) -> dict[uuid.UUID, dict[str, tuple[int, int]]]:
    """Of many jobs at once; those that have no part yet are left out."""
    rows = (
        JobPart.objects.filter(job__in=jobs)
        .order_by()
        .values_list("job", "step")
        .annotate(parts=Count("pk"), done=Count("pk", filter=Q(state=PartState.DONE)))
    )
    found: dict[uuid.UUID, dict[str, tuple[int, int]]] = {}
    for job, step, parts, done in rows:
        found.setdefault(job, {})[step] = parts, done
    return found


def progress(job: Job, counts: Counts | None = None) -> list[dict[str, Any]]:
    """Every step in order with how many of its parts there are, and are done; ``counts`` where
    they were looked up with those of others."""
    if counts is None:
        counts = counts_of([job.pk]).get(job.pk, {})
    steps: list[str] = job.options.get("steps", [])
    at = steps.index(job.step) if job.step in steps else -1
    shown = []
    for number, step in enumerate(steps):
        row = counts.get(step)
        if job.state == JobState.DONE or number < at:
            state = "done"
        elif job.state in UNFINISHED and (number == at or row):
            # What the step before has ready is begun while that goes on.
            state = "running"
        else:
            state = "waiting"
        parts, done = row or (0, 0)
        shown.append({"step": step, "state": state, "parts": parts, "done": done})
    return shown
