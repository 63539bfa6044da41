"""What projects keep of a person: see ``accounts.personal_data``.

Files themselves are not in the copy: they are exported one by one. Everything goes with the
user's row, files included (``signals``).
"""

from __future__ import annotations

from collections.abc import Iterator

from accounts.models import User
from accounts.personal_data import Rows
from sessions_app.projects.job_models import UNFINISHED, Export, Job, Upload
from sessions_app.projects.models import Change, Comment, Project, ProjectLine, ProjectSpeaker

_ROWS_AT_ONCE = 2000


def export(user: User) -> Iterator[tuple[str, Rows]]:
    own = Project.objects.filter(owner=user)
    yield (
        "projects",
        own.values(
            "id",
            "title",
            "origin",
            "session_id",
            "team_id",
            "source_language",
            "target_language",
            "preserve_voice",
            "original_name",
            "media",
            "engines",
            "created_at",
            "updated_at",
        ),
    )
    yield (
        "project_lines",
        ProjectLine.objects.filter(project__in=own)
        .order_by("project_id", "start_s")
        .values(
            "project_id",
            "number",
            "start_s",
            "end_s",
            "speaker__label",
            "language",
            "source_text",
            "target_text",
            "voice",
            "style",
            "revision",
        )
        .iterator(_ROWS_AT_ONCE),
    )
    speakers = ProjectSpeaker.objects.filter(project__in=own)
    yield (
        "project_speakers",
        speakers.values(
            "project_id", "label", "name", "voice", "pitch_hz", "actor_id", "actor_state"
        ),
    )
    changes = Change.objects.filter(project__in=own)
    yield (
        "project_changes",
        changes.values("project_id", "line__number", "at", "by_id", "before", "after").iterator(
            _ROWS_AT_ONCE
        ),
    )
    yield (
        "project_comments",
        Comment.objects.filter(by=user).values("line__project_id", "line__number", "text", "at"),
    )
    yield (
        "project_jobs",
        Job.objects.filter(project__in=own).values(
            "id", "project_id", "kind", "state", "problem", "created_at", "ended_at"
        ),
    )
    yield (
        "project_exports",
        Export.objects.filter(project__in=own).values("id", "project_id", "form", "created_at"),
    )
    yield "uploads", Upload.objects.filter(owner=user).values("id", "name", "size_bytes", "offset")


def obstacle(user: User) -> str | None:
    """What a worker is writing would be left behind."""
    if Job.objects.filter(project__owner=user, state__in=UNFINISHED).exists():
        return "A file of yours is being dubbed: cancel its job, or wait for it, and try again."
    return None
