"""``/api/projects/{id}/speakers``: who speaks in a project, and in which voice."""

from __future__ import annotations

import uuid
from typing import Any

from django.db import transaction
from drf_spectacular.utils import extend_schema, extend_schema_field
from rest_framework import serializers
from rest_framework.exceptions import NotFound
from rest_framework.request import Request
from rest_framework.response import Response

from accounts.rest.conditional import check_match, tagged
from accounts.rest.idempotency import idempotent
from accounts.rest.row_waits import bound_row_waits
from accounts.rest.schema import edits, with_tag
from sessions_app.projects import editing, selectors
from sessions_app.projects.actors import decide
from sessions_app.projects.api.base import ProjectsApi
from sessions_app.projects.models import Project, ProjectSpeaker
from voices.selectors import actors_of

SPEAKER_EDITABLE = editing.SPEAKER_FIELDS


class SpeakerOfProjectSerializer(serializers.ModelSerializer[ProjectSpeaker]):
    shaped = serializers.SerializerMethodField(
        help_text="Whether their voice is shaped after how they sound."
    )
    actor = serializers.SerializerMethodField(
        help_text="Id of the actor who was recognised in them, where you may see that actor."
    )
    actor_name = serializers.SerializerMethodField(help_text="Empty without an actor.")
    actor_state = serializers.SerializerMethodField(
        help_text="`suggested`: perhaps it is that actor; `confirmed`: certainly, or a person has "
        "said so; empty without an actor."
    )
    actor_decided = serializers.BooleanField(
        read_only=True, help_text="True: a person confirmed or rejected, and that is final."
    )

    class Meta:
        model = ProjectSpeaker
        fields: tuple[str, ...] = (
            "id",
            "label",
            "name",
            "voice",
            "pitch_hz",
            "shaped",
            "actor",
            "actor_name",
            "actor_state",
            "actor_confidence",
            "actor_decided",
            "revision",
        )
        read_only_fields: tuple[str, ...] = fields

    def get_shaped(self, speaker: ProjectSpeaker) -> bool:
        return bool(speaker.shape_digest)

    @extend_schema_field(serializers.UUIDField(allow_null=True))
    def get_actor(self, speaker: ProjectSpeaker) -> uuid.UUID | None:
        return speaker.actor_id if _shows_actor(speaker) else None

    def get_actor_name(self, speaker: ProjectSpeaker) -> str:
        return speaker.actor.name if speaker.actor and _shows_actor(speaker) else ""

    def get_actor_state(self, speaker: ProjectSpeaker) -> str:
        return speaker.actor_state if speaker.actor and _shows_actor(speaker) else ""


def _shows_actor(speaker: ProjectSpeaker) -> bool:
    return bool(getattr(speaker, "actor_shown", False))


class ConfirmActorSerializer(serializers.Serializer[Any]):
    actor = serializers.UUIDField(
        required=False, help_text="Who it is; without it, who it is thought to be."
    )


class EditedSpeakerOfProjectSerializer(serializers.Serializer[Any]):
    name = serializers.CharField(max_length=200, allow_blank=True, required=False)
    voice = serializers.CharField(max_length=128, required=False, help_text="From `/api/voices`.")

    def validate(self, attrs: dict[str, Any]) -> dict[str, Any]:
        if not attrs:
            raise serializers.ValidationError("Name what to change: name, voice.")
        return attrs


class SpeakersOfProjectView(ProjectsApi):
    serializer_class = SpeakerOfProjectSerializer
    queryset = ProjectSpeaker.objects.none()
    ordering = ("pk",)

    @extend_schema(
        operation_id="list_project_speakers", responses=SpeakerOfProjectSerializer(many=True)
    )
    def get(self, request: Request, project_id: uuid.UUID) -> Response:  # noqa: ARG002 - the framework's signature
        """Who speaks in it, and in which voice."""
        return self.page_of(selectors.speakers_of(self.person, self.seen(project_id)))


class OfSpeaker(ProjectsApi):
    serializer_class = SpeakerOfProjectSerializer

    def found(
        self, project: Project, project_speaker_id: int, *, lock: bool = False
    ) -> ProjectSpeaker:
        rows = selectors.speakers_of(self.person, project).filter(pk=project_speaker_id)
        if lock:
            bound_row_waits()
            rows = rows.select_for_update(of=("self",))
        speaker = rows.first()
        if speaker is None:
            raise NotFound
        return speaker


class SpeakerOfProjectView(OfSpeaker):
    @extend_schema(operation_id="read_project_speaker")
    @with_tag
    def get(self, request: Request, project_id: uuid.UUID, project_speaker_id: int) -> Response:
        """One of them."""
        speaker = self.found(self.seen(project_id), project_speaker_id)
        return tagged(request, SpeakerOfProjectSerializer(speaker).data, SPEAKER_EDITABLE)

    @extend_schema(operation_id="edit_project_speaker", request=EditedSpeakerOfProjectSerializer)
    @edits
    def patch(self, request: Request, project_id: uuid.UUID, project_speaker_id: int) -> Response:
        """Name them, or give them another voice: their lines are `stale` then."""
        given = EditedSpeakerOfProjectSerializer(data=request.data)
        given.is_valid(raise_exception=True)
        project = self.editable(project_id)
        with transaction.atomic():
            speaker = self.found(project, project_speaker_id, lock=True)
            shown = SpeakerOfProjectSerializer(speaker).data
            check_match(request, shown, SPEAKER_EDITABLE)
            editing.edit_speaker(speaker, by=self.person, changes=given.validated_data)
        return tagged(request, SpeakerOfProjectSerializer(speaker).data, SPEAKER_EDITABLE)


class ConfirmActorView(OfSpeaker):
    @extend_schema(
        operation_id="confirm_project_speaker",
        request=ConfirmActorSerializer,
        responses=SpeakerOfProjectSerializer,
    )
    @idempotent
    def post(self, request: Request, project_id: uuid.UUID, project_speaker_id: int) -> Response:
        """Say which actor they are. It is final: only a person changes it again. Where the actor
        has a voice and nobody chose another one for them, `voice` is empty until the next dub
        gives it to them."""
        given = ConfirmActorSerializer(data=request.data)
        given.is_valid(raise_exception=True)
        project = self.editable(project_id)
        with transaction.atomic():
            speaker = self.found(project, project_speaker_id, lock=True)
            wanted = given.validated_data.get("actor") or (
                speaker.actor_id if _shows_actor(speaker) else None
            )
            actor = actors_of(self.person).filter(pk=wanted).first() if wanted else None
            if actor is None:
                raise serializers.ValidationError({"actor": "There is no such actor of yours."})
            decide(speaker, actor=actor)
        speaker = self.found(project, project_speaker_id)
        return Response(SpeakerOfProjectSerializer(speaker).data)


class RejectActorView(OfSpeaker):
    @extend_schema(
        operation_id="reject_project_speaker", request=None, responses=SpeakerOfProjectSerializer
    )
    @idempotent
    def post(self, request: Request, project_id: uuid.UUID, project_speaker_id: int) -> Response:  # noqa: ARG002 - the framework's signature
        """Say that they are not who they are thought to be. It is final. A voice that they had
        as that actor goes, unless somebody chose it."""
        project = self.editable(project_id)
        with transaction.atomic():
            decide(self.found(project, project_speaker_id, lock=True), actor=None)
        speaker = self.found(project, project_speaker_id)
        return Response(SpeakerOfProjectSerializer(speaker).data)
