"""``/api/projects/{id}/lines``: read, changed, taken back, talked about, heard."""

from __future__ import annotations

import re
import uuid
from typing import Any

from django.db import transaction
from django.http.response import HttpResponseBase
from drf_spectacular.types import OpenApiTypes
from drf_spectacular.utils import OpenApiParameter, extend_schema, extend_schema_field
from rest_framework import serializers, status
from rest_framework.exceptions import NotFound
from rest_framework.request import Request
from rest_framework.response import Response

from accounts.rest.conditional import check_match, tagged
from accounts.rest.idempotency import idempotent
from accounts.rest.problems import Problem
from accounts.rest.schema import also_answers, edits, with_tag
from pipeline.bounds import MEDIA_MAX_S, PAGE_MAX, PROJECT_TEXT_MAX
from sessions_app.projects import editing, selectors
from sessions_app.projects.api.base import ProjectsApi, told
from sessions_app.projects.inputs import is_fresh, may_be_heard
from sessions_app.projects.models import LineSound, Project, ProjectLine
from sessions_app.projects.withdrawing import WITHDRAWN
from voices.playback import stored_response

EDITABLE = editing.LINE_FIELDS
_NUMBERS = re.compile(r"^[0-9]{1,9}(,[0-9]{1,9})*$")


class SoundSerializer(serializers.Serializer[Any]):
    digest = serializers.CharField(help_text="Of what went into it: equal ones sound the same.")
    duration_s = serializers.FloatField()
    text = serializers.CharField(help_text="What is said: perhaps a shorter wording.")
    how = serializers.CharField(help_text="How it was made to fit.")
    speed = serializers.FloatField(help_text="Ratio to the natural speaking rate.")
    engine = serializers.CharField()
    voice = serializers.CharField()
    marks = serializers.ListField(child=serializers.CharField())
    figures = serializers.DictField(child=serializers.FloatField(allow_null=True))


class LineOfProjectSerializer(serializers.Serializer[Any]):
    number = serializers.IntegerField()
    revision = serializers.IntegerField(help_text="Goes up with every edit.")
    state = serializers.SerializerMethodField(
        help_text="`fresh`: its sound is what it says; `stale`: it is to be spoken anew."
    )
    start_s = serializers.FloatField()
    end_s = serializers.FloatField()
    speaker = serializers.SerializerMethodField()
    language = serializers.CharField(help_text="What is spoken.")
    source_text = serializers.CharField()
    target_text = serializers.CharField()
    voice = serializers.CharField(help_text="Of this line alone; empty: its speaker's.")
    style = serializers.DictField(  # type: ignore[assignment]  # a field, not the property
        child=serializers.FloatField()
    )
    problem = serializers.SerializerMethodField(
        help_text="Why it could not be spoken the last time; or `voice_withdrawn`: the consent to "
        "its voice has ended, and its sound is not heard any more."
    )
    sound = serializers.SerializerMethodField()

    def get_state(self, line: ProjectLine) -> str:
        following: float | None = line.next_start_s  # type: ignore[attr-defined]  # annotated
        return "fresh" if is_fresh(line, line.project, following) else "stale"

    def get_problem(self, line: ProjectLine) -> str:
        return line.problem or (WITHDRAWN if line.sound and not _sound_of(line) else "")

    @extend_schema_field(SoundSerializer(allow_null=True))
    def get_sound(self, line: ProjectLine) -> dict[str, Any] | None:
        sound = _sound_of(line)
        return SoundSerializer(sound).data if sound else None

    def get_speaker(self, line: ProjectLine) -> str | None:
        return line.speaker.label if line.speaker else None


class EditedLineSerializer(serializers.Serializer[Any]):
    start_s = serializers.FloatField(min_value=0, max_value=MEDIA_MAX_S, required=False)
    end_s = serializers.FloatField(min_value=0, max_value=MEDIA_MAX_S, required=False)
    speaker = serializers.CharField(
        max_length=64, required=False, help_text="Label; a new one makes a new speaker."
    )
    source_text = serializers.CharField(
        max_length=PROJECT_TEXT_MAX, allow_blank=True, required=False
    )
    target_text = serializers.CharField(
        max_length=PROJECT_TEXT_MAX, allow_blank=True, required=False
    )
    voice = serializers.CharField(max_length=128, allow_blank=True, required=False)
    style = serializers.DictField(  # type: ignore[assignment]  # a field, not the property
        child=serializers.FloatField(), required=False
    )

    def validate(self, attrs: dict[str, Any]) -> dict[str, Any]:
        if not attrs:
            raise serializers.ValidationError(f"Name what to change: {', '.join(EDITABLE)}.")
        return attrs


class NewLineSerializer(serializers.Serializer[Any]):
    start_s = serializers.FloatField(min_value=0, max_value=MEDIA_MAX_S)
    end_s = serializers.FloatField(min_value=0, max_value=MEDIA_MAX_S)
    speaker = serializers.CharField(max_length=64, allow_blank=True, default="")
    source_text = serializers.CharField(max_length=PROJECT_TEXT_MAX, allow_blank=True, default="")
    target_text = serializers.CharField(max_length=PROJECT_TEXT_MAX, allow_blank=True, default="")


class LinesOfProjectView(ProjectsApi):
    serializer_class = LineOfProjectSerializer
    queryset = ProjectLine.objects.none()
    ordering = ("start_s", "number")

    @extend_schema(
        operation_id="list_project_lines",
        responses=LineOfProjectSerializer(many=True),
        parameters=[
            OpenApiParameter(
                "numbers",
                {"type": "string", "pattern": _NUMBERS.pattern},
                description=f"Only these, at most {PAGE_MAX}, such as `3,4,17`.",
            )
        ],
    )
    def get(self, request: Request, project_id: uuid.UUID) -> Response:
        """Its lines in order of time."""
        project = self.seen(project_id)
        lines = selectors.lines_of(project)
        if "numbers" in request.query_params:
            lines = lines.filter(number__in=_numbers(request.query_params["numbers"]))
        page = self.paginate_queryset(lines) or []
        for line in page:
            line.project = project
        return self.get_paginated_response(LineOfProjectSerializer(page, many=True).data)

    @extend_schema(
        operation_id="create_project_line",
        request=NewLineSerializer,
        responses={201: LineOfProjectSerializer},
    )
    @idempotent
    @also_answers("409")
    def post(self, request: Request, project_id: uuid.UUID) -> Response:
        """Add a line where there was none."""
        given = NewLineSerializer(data=request.data)
        given.is_valid(raise_exception=True)
        with transaction.atomic(), told():
            project = self.editable(project_id, lock=True)
            made = editing.add_line(project, **given.validated_data)
        line = self.line(project, made.number)
        return tagged(
            request,
            LineOfProjectSerializer(line).data,
            EDITABLE,
            status=status.HTTP_201_CREATED,
            headers={"Location": f"/api/projects/{project_id}/lines/{made.number}"},
        )


class LineOfProjectView(ProjectsApi):
    serializer_class = LineOfProjectSerializer

    @extend_schema(operation_id="read_project_line")
    @with_tag
    def get(self, request: Request, project_id: uuid.UUID, number: int) -> Response:
        """One line, whether its sound is what it says, and what to listen to again."""
        line = self.line(self.seen(project_id), number)
        return tagged(request, LineOfProjectSerializer(line).data, EDITABLE)

    @extend_schema(operation_id="edit_project_line", request=EditedLineSerializer)
    @edits
    def patch(self, request: Request, project_id: uuid.UUID, number: int) -> Response:
        """Change its text, times, speaker, voice or style. It is `stale` until it is dubbed
        again, if that changes how it sounds."""
        given = EditedLineSerializer(data=request.data)
        given.is_valid(raise_exception=True)
        project = self.editable(project_id)
        with transaction.atomic(), told():
            line = self.line(project, number, lock=True)
            check_match(request, LineOfProjectSerializer(line).data, EDITABLE)
            editing.edit_line(line, by=self.person, changes=given.validated_data)
        return self._told(request, project, number)

    @extend_schema(operation_id="delete_project_line", responses={204: None})
    @edits
    def delete(self, request: Request, project_id: uuid.UUID, number: int) -> Response:
        """Delete a line; this cannot be taken back."""
        project = self.editable(project_id)
        with transaction.atomic():
            line = self.line(project, number, lock=True)
            check_match(request, LineOfProjectSerializer(line).data, EDITABLE, required=False)
            line.delete()
        return Response(status=status.HTTP_204_NO_CONTENT)

    def _told(self, request: Request, project: Project, number: int) -> Response:
        line = self.line(project, number)
        return tagged(request, LineOfProjectSerializer(line).data, EDITABLE)


class LineUndoView(ProjectsApi):
    serializer_class = LineOfProjectSerializer

    @extend_schema(operation_id="undo_line_change", request=None)
    @also_answers("409")
    def post(self, request: Request, project_id: uuid.UUID, number: int) -> Response:
        """Take back the newest change of this line; again, the one before."""
        project = self.editable(project_id)
        line = self.line(project, number)
        with told():
            editing.undo(project, by=self.person, line=line)
        line = self.line(project, number)
        return tagged(request, LineOfProjectSerializer(line).data, EDITABLE)


class LineSoundView(ProjectsApi):
    serializer_class = LineOfProjectSerializer

    @extend_schema(
        operation_id="play_project_line", responses={(200, "audio/flac"): OpenApiTypes.BINARY}
    )
    @also_answers("409")
    def get(self, request: Request, project_id: uuid.UUID, number: int) -> HttpResponseBase:
        """How the line sounds, as FLAC; takes `Range`."""
        line = self.line(self.seen(project_id), number)
        sound = _sound_of(line)
        if sound is None:
            if line.sound or line.problem == WITHDRAWN:
                raise Problem(WITHDRAWN)
            raise NotFound
        return stored_response(request._request, sound.audio, media_type="audio/flac")


def _sound_of(line: ProjectLine) -> LineSound | None:
    """As far as it may be heard."""
    return line.sound if line.sound and may_be_heard(line.sound, line.project) else None


def _numbers(text: str) -> list[int]:
    """Raises ValidationError."""
    found = text.split(",") if _NUMBERS.fullmatch(text) else []
    if not 0 < len(found) <= PAGE_MAX:
        raise serializers.ValidationError(
            {"numbers": f"Give 1 to {PAGE_MAX} numbers of lines with commas between them."}
        )
    return [int(number) for number in found]
