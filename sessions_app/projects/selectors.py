"""Reads about projects; every one takes the acting user and sees only what is theirs."""

from __future__ import annotations

import uuid

from django.db.models import Exists, OuterRef, Q, QuerySet, Subquery, Sum

from accounts.models import User
from sessions_app.projects.job_models import Export, Job, Upload
from sessions_app.projects.models import LineSound, Project, ProjectLine, ProjectSpeaker
from voices.models import Actor


def projects_of(user: User) -> QuerySet[Project]:
    """The user's projects and those of their teams."""
    found: QuerySet[Project] = Project.objects.visible_to(user)
    return found


def editable_projects(user: User) -> QuerySet[Project]:
    found: QuerySet[Project] = Project.objects.editable_by(user)
    return found


def jobs_of(user: User) -> QuerySet[Job]:
    return Job.objects.filter(project__in=projects_of(user)).select_related("project", "export")


def exports_of(user: User) -> QuerySet[Export]:
    return Export.objects.filter(project__in=projects_of(user)).select_related("job", "project")


def uploads_of(user: User) -> QuerySet[Upload]:
    """An upload is its owner's alone."""
    return Upload.objects.filter(owner=user)


def with_next(lines: QuerySet[ProjectLine]) -> QuerySet[ProjectLine]:
    """Lines with ``next_start_s``, when the line after each begins (None after the last), and
    all that says how they sound."""
    # Not earlier, first of all: with this the index begins there, and not with the project.
    later = ProjectLine.objects.filter(
        Q(start_s__gt=OuterRef("start_s")) | Q(number__gt=OuterRef("number")),
        project=OuterRef("project"),
        start_s__gte=OuterRef("start_s"),
    )
    following = later.order_by("start_s", "number").values("start_s")[:1]
    return (
        lines.annotate(next_start_s=Subquery(following))
        .select_related("speaker", "sound")
        .defer("speaker__shape")
    )


def lines_of(project: Project) -> QuerySet[ProjectLine]:
    return with_next(ProjectLine.objects.filter(project=project)).order_by("start_s", "number")


def speakers_of(user: User, project: Project) -> QuerySet[ProjectSpeaker]:
    """Without their shapes; ``actor_shown``: whether the user may see who was recognised."""
    actor = Actor.objects.visible_to(user).filter(pk=OuterRef("actor"))
    found = ProjectSpeaker.objects.filter(project=project).select_related("actor").defer("shape")
    return found.annotate(actor_shown=Exists(actor))


def overview_of(project: Project) -> QuerySet[ProjectLine]:
    """Lines in order with no more than tells where they are and whether they are fresh."""
    return (
        ProjectLine.objects.filter(project=project)
        .select_related("sound")
        .only(
            "project", "number", "revision", "start_s", "end_s", "speaker", "source_text",
            "target_text", "translated_from", "voice", "style", "problem", "sound__digest",
            "sound__duration_s", "sound__how", "sound__speed", "sound__marks", "sound__clone",
            "sound__engine",
        )
        .order_by("start_s", "number")
    )  # fmt: skip


def start_after(line: ProjectLine) -> float | None:
    """When the line after it begins."""
    return (
        ProjectLine.objects.filter(
            Q(start_s__gt=line.start_s) | Q(number__gt=line.number),
            project=line.project_id,
            start_s__gte=line.start_s,
        )
        .order_by("start_s", "number")
        .values_list("start_s", flat=True)
        .first()
    )


def bytes_of(user_id: int) -> int:
    """What the user's projects take of the storage, and their uploads will take."""
    projects = Project.objects.filter(owner=user_id)
    originals = projects.aggregate(sum=Sum("bytes_kept"))["sum"] or 0
    sounds = LineSound.objects.filter(project__in=projects).aggregate(sum=Sum("size_bytes"))["sum"]
    exports = Export.objects.filter(project__in=projects).aggregate(sum=Sum("size_bytes"))["sum"]
    uploads = Upload.objects.filter(owner=user_id).aggregate(sum=Sum("size_bytes"))["sum"]
    return int(originals + (sounds or 0) + (exports or 0) + (uploads or 0))


def job_of(user: User, job_id: uuid.UUID) -> Job | None:
    return jobs_of(user).filter(pk=job_id).first()
