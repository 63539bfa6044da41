"""What webhooks are told of projects: ids, states and figures, never what was said."""

from __future__ import annotations

from typing import Any

from accounts.webhooks import event_types
from accounts.webhooks.events import emit
from sessions_app.projects.job_models import Job, JobKind, JobState

_EXAMPLE: dict[str, Any] = {
    "job": "0f4a9c1e-3d5b-4b7e-9a52-6a1c2f1e7d10",
    "project": "5d3b2f60-8a8b-4a0e-a1f1-3a4b5c6d7e8f",
    "kind": "dub",
    "state": "done",
    "problem": "",
    "export": None,
    "started_at": "2026-11-27T14:00:00+00:00",
    "ended_at": "2026-11-27T14:03:10+00:00",
}
JOB_DONE = event_types.register(
    "project.job_done", "A file was dubbed, dubbed again, or listened to.", _EXAMPLE
)
JOB_FAILED = event_types.register(
    "project.job_failed",
    "A job of a project failed; `problem` is the code of why. Of exports too.",
    _EXAMPLE | {"state": "failed", "problem": "media_unreadable"},
)
EXPORT_DONE = event_types.register(
    "project.export_done",
    "A file of a project was written: `GET /api/exports/{export}/file`.",
    _EXAMPLE | {"kind": "export", "export": "7b0e5a4c-1f57-4e0a-8f7e-2f6d0c9b8a71"},
)


def tell_job(job: Job) -> None:
    """The job has just ended; in the transaction of that. Of one cancelled nobody is told."""
    if job.state == JobState.CANCELLED:
        return
    export = getattr(job, "export", None)
    name = JOB_FAILED
    if job.state == JobState.DONE:
        name = EXPORT_DONE if job.kind == JobKind.EXPORT else JOB_DONE
    project = job.project
    emit(
        name,
        owner_id=project.owner_id,
        team_id=project.team_id,
        data={
            "job": str(job.pk),
            "project": str(project.pk),
            "kind": job.kind,
            "state": str(job.state),
            "problem": job.problem,
            "export": str(export.pk) if export is not None else None,
            "started_at": job.started_at and job.started_at.isoformat(),
            "ended_at": job.ended_at and job.ended_at.isoformat(),
        },
    )
