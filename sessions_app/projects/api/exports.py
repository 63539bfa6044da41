"""``/api/exports``: files that are written of projects."""

from __future__ import annotations

import uuid
from typing import Any

from django.http.response import HttpResponseBase
from drf_spectacular.types import OpenApiTypes
from drf_spectacular.utils import extend_schema
from rest_framework import serializers, status
from rest_framework.exceptions import NotFound
from rest_framework.request import Request
from rest_framework.response import Response

from accounts.rest.fields import ChoiceField
from accounts.rest.idempotency import idempotent
from accounts.rest.problems import Problem
from accounts.rest.schema import also_answers
from sessions_app.projects import making, selectors
from sessions_app.projects.api.base import ProjectsApi, told
from sessions_app.projects.job_models import Export, ExportForm
from sessions_app.projects.text_exports import TEXTS
from sessions_app.projects.withdrawing import refuse_withdrawn
from voices.playback import stored_response

_TYPES = {
    ".srt": "application/x-subrip",
    ".vtt": "text/vtt",
    ".ass": "text/x-ssa",
    ".json": "application/json",
    ".csv": "text/csv",
    ".flac": "audio/flac",
    ".zip": "application/zip",
    ".mp4": "video/mp4",
    ".m4v": "video/x-m4v",
    ".mov": "video/quicktime",
    ".mkv": "video/x-matroska",
}


class ExportSerializer(serializers.ModelSerializer[Export]):
    project = serializers.UUIDField(source="project_id", read_only=True)
    job = serializers.UUIDField(source="job_id", read_only=True, help_text="That writes it.")
    state = serializers.CharField(source="job.state", read_only=True, help_text="Of the job.")
    ready = serializers.SerializerMethodField(help_text="Whether the file can be had.")

    class Meta:
        model = Export
        fields: tuple[str, ...] = (
            "id",
            "project",
            "job",
            "state",
            "form",
            "text",
            "ready",
            "size_bytes",
            "created_at",
        )
        read_only_fields: tuple[str, ...] = fields

    def get_ready(self, export: Export) -> bool:
        return bool(export.file)


class NewExportSerializer(serializers.Serializer[Any]):
    form = ChoiceField(
        choices=ExportForm.choices,
        help_text="Texts are written at once; `dub`, `mix`, `stems` (a ZIP with a track for each "
        "speaker) and `video` need the dub of an original, else 409 `not_dubbed`.",
    )
    text = ChoiceField(
        choices=TEXTS, default="target", help_text="Of subtitles: which of both languages."
    )


class ExportsView(ProjectsApi):
    serializer_class = ExportSerializer
    queryset = Export.objects.none()
    ordering = ("-created_at", "-id")

    @extend_schema(operation_id="list_exports", responses=ExportSerializer(many=True))
    def get(self, request: Request, project_id: uuid.UUID) -> Response:  # noqa: ARG002 - the framework's signature
        """Files that were written of a project, newest first; the oldest go."""
        project = self.seen(project_id)
        return self.page_of(selectors.exports_of(self.person).filter(project=project))

    @extend_schema(
        operation_id="create_export",
        request=NewExportSerializer,
        responses={202: ExportSerializer},
    )
    @idempotent
    @also_answers("409")
    def post(self, request: Request, project_id: uuid.UUID) -> Response:
        """Have a file written: subtitles, a table, tracks at broadcast loudness (EBU R128), or
        the video with both tracks and subtitles. It says that its voices are made by AI."""
        given = NewExportSerializer(data=request.data)
        given.is_valid(raise_exception=True)
        project = self.editable(project_id)
        with told():
            export = making.export(project, by=self.person, **given.validated_data)
        return Response(
            ExportSerializer(export).data,
            status=status.HTTP_202_ACCEPTED,
            headers={"Location": f"/api/exports/{export.pk}"},
        )


class ExportView(ProjectsApi):
    serializer_class = ExportSerializer

    @extend_schema(operation_id="read_export")
    def get(self, request: Request, export_id: uuid.UUID) -> Response:  # noqa: ARG002 - the framework's signature
        """Whether it is written."""
        return Response(ExportSerializer(found(self, export_id)).data)

    @extend_schema(operation_id="delete_export", responses={204: None})
    def delete(self, request: Request, export_id: uuid.UUID) -> Response:  # noqa: ARG002 - the framework's signature
        """Delete the file. What only writes it is stopped; a job that does more goes on."""
        export = found(self, export_id)
        self.editable(export.project_id)
        making.delete_export(export)
        return Response(status=status.HTTP_204_NO_CONTENT)


class ExportFileView(ProjectsApi):
    serializer_class = ExportSerializer

    @extend_schema(
        operation_id="download_export",
        responses={(200, "application/octet-stream"): OpenApiTypes.BINARY},
    )
    @also_answers("409")
    def get(self, request: Request, export_id: uuid.UUID) -> HttpResponseBase:
        """The file; takes `Range`."""
        export = found(self, export_id)
        if not export.file:
            raise Problem("not_written")
        with told():
            refuse_withdrawn(export.project, export.clones)
        suffix = f".{export.file.rpartition('.')[2]}"
        return stored_response(
            request._request,
            export.file,
            media_type=_TYPES.get(suffix, "application/octet-stream"),
            download_as=f"{export.form}-{export.created_at:%Y%m%d-%H%M}{suffix}",
        )


def found(view: ProjectsApi, export_id: uuid.UUID) -> Export:
    """Raises NotFound."""
    export = selectors.exports_of(view.person).filter(pk=export_id).first()
    if export is None:
        raise NotFound
    return export
