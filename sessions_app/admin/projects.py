"""Projects, their lines, jobs, exports and uploads: to look at, not to change.

Lists have ids and figures, never what is said, nor what people call their files.
"""

from __future__ import annotations

import uuid
from typing import Any, ClassVar

from django.contrib import admin
from django.db.models import Model, QuerySet
from django.http import HttpRequest
from django.utils.text import capfirst

from accounts.admin_pages import DeletedWithParent, Unchanging
from accounts.models import User
from sessions_app.admin.pages import Large, Page
from sessions_app.projects.job_models import Export, Job, Upload
from sessions_app.projects.models import Project, ProjectLine

PROJECT_OR_OWNER = "Id of the project, or e-mail address of its owner."


class OfProject(Unchanging, Large):
    """Rows that belong to a project, found by it or by whose it is."""

    raw_id_fields: ClassVar[tuple[str, ...]] = ("project",)
    list_select_related: ClassVar[tuple[str, ...]] = ("project__owner",)
    search_fields = ("project__id", "project__owner__email")
    search_help_text = PROJECT_OR_OWNER
    path_to_project = "project__"

    def get_search_results(
        self,
        request: HttpRequest,  # noqa: ARG002 - the framework's signature
        queryset: QuerySet[Any],
        search_term: str,
    ) -> tuple[QuerySet[Any], bool]:
        """By what has an index: a part of an id would be looked for in every row."""
        if not search_term:
            return queryset, False
        try:
            wanted: dict[str, Any] = {f"{self.path_to_project}id": uuid.UUID(search_term.strip())}
        except ValueError:
            owners = User.objects.filter(email__iexact=search_term.strip())
            wanted = {f"{self.path_to_project}owner__in": owners}
        return queryset.filter(**wanted), False

    @admin.display(description="owner")
    def owner(self, row: Any) -> User:
        owner: User = row.project.owner
        return owner


@admin.register(Project)
class ProjectAdmin(OfProject):
    list_display = (
        "id",
        "owner",
        "team",
        "origin",
        "source_language",
        "target_language",
        "bytes_kept",
        "created_at",
    )
    list_filter = ("origin",)
    list_select_related = ("owner", "team")
    raw_id_fields = ("owner", "team", "session")
    path_to_project = ""

    def get_deleted_objects(self, objs: Any, request: HttpRequest) -> tuple[Any, Any, Any, Any]:
        """How much goes with it; one by one that would be tens of thousands of rows."""
        projects = [one.pk for one in objs]
        counted: dict[str, int] = {str(Project._meta.verbose_name_plural): len(projects)}
        for kind in (ProjectLine, Job, Export):
            counted[_plural(kind)] = kind._default_manager.filter(project__in=projects).count()
        missing = (
            set()
            if self.has_delete_permission(request)
            else {capfirst(str(Project._meta.verbose_name))}
        )
        return [str(one) for one in objs], counted, missing, []


@admin.register(ProjectLine)
class ProjectLineAdmin(DeletedWithParent, OfProject):
    list_display = (
        "project",
        "number",
        "owner",
        "start_s",
        "end_s",
        "language",
        "revision",
        "problem",
    )
    raw_id_fields = ("project", "speaker", "sound")


@admin.register(Job)
class JobAdmin(DeletedWithParent, OfProject):
    list_display = (
        "id",
        "project",
        "owner",
        "kind",
        "state",
        "step",
        "problem",
        "created_at",
        "ended_at",
    )
    list_filter = ("state", "kind")
    raw_id_fields = ("project", "by")
    # What was asked for may have an address with a secret in it.
    exclude = ("options",)


@admin.register(Export)
class ExportAdmin(DeletedWithParent, OfProject):
    list_display = ("id", "project", "owner", "form", "state", "size_bytes", "created_at")
    list_filter = ("form",)
    list_select_related = ("project__owner", "job")
    raw_id_fields = ("project", "job")

    @admin.display(description="state")
    def state(self, export: Export) -> str:
        return export.job.get_state_display()


@admin.register(Upload)
class UploadAdmin(Unchanging, Page):
    list_display = ("id", "owner", "offset", "size_bytes", "created_at", "touched_at")
    list_select_related = ("owner",)
    raw_id_fields = ("owner",)
    search_fields = ("owner__email",)


def _plural(kind: type[Model]) -> str:
    return str(kind._meta.verbose_name_plural)
