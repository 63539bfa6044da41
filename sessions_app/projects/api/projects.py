"""``/api/projects``: made of a file, an address or a session; dubbed, checked, taken back."""

from __future__ import annotations

import uuid
from typing import Any, ClassVar

import django_filters
from django.db import transaction
from drf_spectacular.utils import extend_schema, extend_schema_field
from rest_framework import serializers, status
from rest_framework.request import Request
from rest_framework.response import Response

from accounts.rest.conditional import check_match, tagged
from accounts.rest.filters import Filters, FilterSet
from accounts.rest.idempotency import idempotent
from accounts.rest.problems import Problem
from accounts.rest.schema import also_answers, edits, with_tag
from pipeline.bounds import SESSION_TITLE_MAX, SUBTITLES_MAX_BYTES
from sessions_app import selectors as session_selectors
from sessions_app.api.sessions import team_of
from sessions_app.projects import making, selectors
from sessions_app.projects.api.base import ProjectsApi, told
from sessions_app.projects.api.jobs import JobSerializer
from sessions_app.projects.job_models import UNFINISHED, Job, Upload
from sessions_app.projects.models import Project, ProjectOrigin

LANGUAGE, SOURCE = r"^[a-z]{2,3}$", r"^(auto|[a-z]{2,3})$"
EDITABLE = ("title", "team")


def team_field(**options: Any) -> serializers.IntegerField:
    return serializers.IntegerField(
        min_value=1,
        max_value=2**63 - 1,
        allow_null=True,
        help_text="A team in which you edit, to share it with.",
        **(options or {"default": None}),
    )


class MediaSerializer(serializers.Serializer[Any]):
    duration_s = serializers.FloatField()
    has_video = serializers.BooleanField()
    video_duration_s = serializers.FloatField(allow_null=True)
    container = serializers.CharField()
    audio_codec = serializers.CharField()
    sample_rate_hz = serializers.IntegerField()
    channels = serializers.IntegerField()


class ProjectSerializer(serializers.ModelSerializer[Project]):
    owner = serializers.PrimaryKeyRelatedField[Any](read_only=True, help_text="Whose it is: an id.")
    team = serializers.PrimaryKeyRelatedField[Any](read_only=True, allow_null=True)
    session = serializers.UUIDField(
        source="session_id", read_only=True, allow_null=True, help_text="That it began with."
    )
    media = serializers.SerializerMethodField(help_text="Of the original; null while unknown.")
    has_original = serializers.SerializerMethodField()
    has_dub = serializers.SerializerMethodField(help_text="Whether its tracks can be played.")
    engines = serializers.DictField(child=serializers.CharField(), read_only=True)

    class Meta:
        model = Project
        fields: tuple[str, ...] = (
            "id",
            "title",
            "owner",
            "team",
            "origin",
            "session",
            "source_language",
            "target_language",
            "preserve_voice",
            "original_name",
            "media",
            "has_original",
            "has_dub",
            "engines",
            "created_at",
            "updated_at",
        )
        read_only_fields: tuple[str, ...] = fields

    @extend_schema_field(MediaSerializer(allow_null=True))
    def get_media(self, project: Project) -> dict[str, Any] | None:
        return project.media or None

    def get_has_original(self, project: Project) -> bool:
        return bool(project.original)

    def get_has_dub(self, project: Project) -> bool:
        return bool(project.mix)


class NewProjectSerializer(serializers.Serializer[Any]):
    """Exactly one of `upload`, `url` and `session`."""

    upload = serializers.UUIDField(required=False, help_text="A complete one of yours.")
    url = serializers.URLField(
        required=False, max_length=2000, help_text="Public, `https://`; redirects are checked too."
    )
    session = serializers.UUIDField(
        required=False,
        help_text="A session whose lines the project begins with. Its sound was not kept: add the "
        "original with `POST …/original` to hear or export it.",
    )
    source_language = serializers.RegexField(SOURCE, default="auto")
    target_language = serializers.RegexField(
        LANGUAGE, required=False, help_text="Needed but for a session."
    )
    title = serializers.CharField(max_length=SESSION_TITLE_MAX, allow_blank=True, default="")
    preserve_voice = serializers.BooleanField(default=True)
    team = team_field()
    source_subtitles = serializers.CharField(
        max_length=SUBTITLES_MAX_BYTES,
        allow_blank=True,
        default="",
        help_text="SRT or WebVTT of what is said: no recogniser listens then.",
    )
    target_subtitles = serializers.CharField(
        max_length=SUBTITLES_MAX_BYTES,
        allow_blank=True,
        default="",
        help_text="SRT or WebVTT of the finished translation.",
    )

    def validate(self, attrs: dict[str, Any]) -> dict[str, Any]:
        if sum(name in attrs for name in ("upload", "url", "session")) != 1:
            raise serializers.ValidationError("Give exactly one of upload, url and session.")
        if "session" not in attrs and "target_language" not in attrs:
            raise serializers.ValidationError({"target_language": "Name a language to dub into."})
        return attrs


class EditedProjectSerializer(serializers.Serializer[Any]):
    title = serializers.CharField(max_length=SESSION_TITLE_MAX, allow_blank=True, required=False)
    team = team_field(required=False)

    def validate(self, attrs: dict[str, Any]) -> dict[str, Any]:
        if not attrs:
            raise serializers.ValidationError("Name what to change: title, team.")
        return attrs


class MadeProjectSerializer(ProjectSerializer):
    job = JobSerializer(allow_null=True, help_text="That dubs it; null for a session's.")

    class Meta(ProjectSerializer.Meta):
        fields: tuple[str, ...] = (*ProjectSerializer.Meta.fields, "job")
        read_only_fields: tuple[str, ...] = fields


class ProjectFilters(FilterSet):
    origin = django_filters.MultipleChoiceFilter(choices=ProjectOrigin.choices)
    q = django_filters.CharFilter(
        field_name="title", lookup_expr="icontains", max_length=100, help_text="In the title."
    )

    class Meta:
        model = Project
        fields: ClassVar[list[str]] = []


class ProjectsView(ProjectsApi):
    serializer_class = ProjectSerializer
    queryset = Project.objects.none()
    filter_backends = (Filters,)
    filterset_class = ProjectFilters
    ordering = ("-created_at", "-id")

    @extend_schema(operation_id="list_projects", responses=ProjectSerializer(many=True))
    def get(self, request: Request) -> Response:  # noqa: ARG002 - the framework's signature
        """Your projects and those of your teams, newest first."""
        return self.page_of(self.filter_queryset(selectors.projects_of(self.person)))

    @extend_schema(
        operation_id="create_project",
        request=NewProjectSerializer,
        responses={201: MadeProjectSerializer},
    )
    @idempotent
    @also_answers("409", "413", "415")
    def post(self, request: Request) -> Response:
        """Make a project; its dubbing begins at once, as the `job` of the answer."""
        given = NewProjectSerializer(data=request.data)
        given.is_valid(raise_exception=True)
        wanted = given.validated_data
        team = team_of(self, wanted.pop("team"))
        job: Job | None = None
        with told():
            if "session" in wanted:
                session = session_selectors.session_of(self.person, wanted["session"])
                if session is None:
                    raise serializers.ValidationError(
                        {"session": "There is no session of this id."}
                    )
                project = making.open_session(
                    self.person, session, title=wanted["title"], team=team
                )
            else:
                upload = chosen_upload(self, wanted.pop("upload", None))
                project, job = making.create_project(
                    self.person, upload=upload, team=team, **wanted
                )
        shown = ProjectSerializer(project).data
        return tagged(
            request,
            {**shown, "job": JobSerializer(job).data if job else None},
            EDITABLE,
            status=status.HTTP_201_CREATED,
            headers={"Location": f"/api/projects/{project.pk}"},
        )


class ProjectView(ProjectsApi):
    serializer_class = ProjectSerializer

    @extend_schema(operation_id="read_project")
    @with_tag
    def get(self, request: Request, project_id: uuid.UUID) -> Response:
        """One project, and what is known of its original."""
        return tagged(request, ProjectSerializer(self.seen(project_id)).data, EDITABLE)

    @extend_schema(operation_id="edit_project", request=EditedProjectSerializer)
    @edits
    def patch(self, request: Request, project_id: uuid.UUID) -> Response:
        """Give it a title, or share it with a team."""
        given = EditedProjectSerializer(data=request.data)
        given.is_valid(raise_exception=True)
        wanted = given.validated_data
        with transaction.atomic():
            project = self.editable(project_id, lock=True)
            check_match(request, ProjectSerializer(project).data, EDITABLE)
            if "team" in wanted:
                if project.owner_id != self.person.pk:
                    raise Problem("forbidden", "Only its owner shares a project.")
                project.team = team_of(self, wanted.pop("team"))
            for name, value in wanted.items():
                setattr(project, name, value)
            project.save(update_fields=["title", "team", "updated_at"])
        return tagged(request, ProjectSerializer(project).data, EDITABLE)

    @extend_schema(operation_id="delete_project", responses={204: None})
    @edits
    def delete(self, request: Request, project_id: uuid.UUID) -> Response:
        """Delete it with its lines, its sounds and its files; a job of it ends."""
        with transaction.atomic():
            project = self.editable(project_id, lock=True)
            check_match(request, ProjectSerializer(project).data, EDITABLE, required=False)
            if project.owner_id != self.person.pk:
                raise Problem("forbidden", "Only its owner deletes a project.")
            project.delete()
        return Response(status=status.HTTP_204_NO_CONTENT)


class OriginalSerializer(serializers.Serializer[Any]):
    """Exactly one of both."""

    upload = serializers.UUIDField(required=False)
    url = serializers.URLField(required=False, max_length=2000)

    def validate(self, attrs: dict[str, Any]) -> dict[str, Any]:
        if sum(name in attrs for name in ("upload", "url")) != 1:
            raise serializers.ValidationError("Give exactly one of upload and url.")
        return attrs


class OriginalView(ProjectsApi):
    serializer_class = JobSerializer

    @extend_schema(
        operation_id="add_original", request=OriginalSerializer, responses={202: JobSerializer}
    )
    @idempotent
    @also_answers("409", "415")
    def post(self, request: Request, project_id: uuid.UUID) -> Response:
        """Give the original to a project that began with a session, and dub its lines over it."""
        given = OriginalSerializer(data=request.data)
        given.is_valid(raise_exception=True)
        project = self.editable(project_id)
        wanted = given.validated_data
        upload = chosen_upload(self, wanted.pop("upload", None))
        with told():
            job = making.add_original(project, by=self.person, upload=upload, **wanted)
        return _accepted(job)


class RedubView(ProjectsApi):
    serializer_class = JobSerializer

    @extend_schema(operation_id="dub_project", request=None, responses={202: JobSerializer})
    @idempotent
    @also_answers("409")
    def post(self, request: Request, project_id: uuid.UUID) -> Response:  # noqa: ARG002 - the framework's signature
        """Speak the lines that are `stale`, and only those, and mix anew."""
        project = self.editable(project_id)
        with told():
            job = making.redub(project, by=self.person)
        return _accepted(job)


class CheckView(ProjectsApi):
    serializer_class = JobSerializer

    @extend_schema(operation_id="check_project", request=None, responses={202: JobSerializer})
    @idempotent
    @also_answers("409")
    def post(self, request: Request, project_id: uuid.UUID) -> Response:  # noqa: ARG002 - the framework's signature
        """Have a recogniser listen to the dub; lines that it hears otherwise are marked."""
        project = self.editable(project_id)
        with told():
            job = making.listen_again(project, by=self.person)
        return _accepted(job)


def chosen_upload(view: ProjectsApi, upload_id: uuid.UUID | None) -> Upload | None:
    """An upload that is named in a body. Raises ValidationError where there is none."""
    if upload_id is None:
        return None
    upload = selectors.uploads_of(view.person).filter(pk=upload_id).first()
    if upload is None:
        raise serializers.ValidationError({"upload": "There is no upload of this id."})
    return upload


def _accepted(job: Job) -> Response:
    under_way = job.state in UNFINISHED
    return Response(
        JobSerializer(job).data,
        status=status.HTTP_202_ACCEPTED,
        headers={"Location": f"/api/jobs/{job.pk}", **({"Retry-After": "2"} if under_way else {})},
    )
