"""How far a job is."""

from __future__ import annotations

from typing import Any

from django.db.models import Count, Q

from sessions_app.projects.job_models import UNFINISHED, Job, JobState, PartState


def progress(job: Job) -> list[dict[str, Any]]:
    """Every step in order with how many of its parts there are, and are done."""
    counts = {
        row["step"]: row
        for row in job.parts.order_by()
        .values("step")
        .annotate(parts=Count("pk"), done=Count("pk", filter=Q(state=PartState.DONE)))
    }
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
        parts, done = (row["parts"], row["done"]) if row else (0, 0)
        shown.append({"step": step, "state": state, "parts": parts, "done": done})
    return shown
