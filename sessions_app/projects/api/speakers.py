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
from accounts.rest.row_waits import bound_row_waits
from accounts.rest.schema import edits, with_tag
from sessions_app.projects import editing, selectors
from sessions_app.projects.api.base import ProjectsApi
from sessions_app.projects.models import Project, ProjectSpeaker

SPEAKER_EDITABLE = editing.SPEAKER_FIELDS


class SpeakerOfProjectSerializer(serializers.ModelSerializer[ProjectSpeaker]):
    shaped = serializers.SerializerMethodField(
        help_text="Whether their voice is shaped after how they sound."
    )
    actor = serializers.SerializerMethodField(
        help_text="Id of the actor who was recognised in them, where you may see that actor."
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
            "revision",
        )
        read_only_fields: tuple[str, ...] = fields

    def get_shaped(self, speaker: ProjectSpeaker) -> bool:
        return bool(speaker.shape_digest)

    @extend_schema_field(serializers.UUIDField(allow_null=True))
    def get_actor(self, speaker: ProjectSpeaker) -> uuid.UUID | None:
        return speaker.actor_id if getattr(speaker, "actor_shown", False) else None


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


class SpeakerOfProjectView(ProjectsApi):
    serializer_class = SpeakerOfProjectSerializer

    @extend_schema(operation_id="read_project_speaker")
    @with_tag
    def get(self, request: Request, project_id: uuid.UUID, project_speaker_id: int) -> Response:
        """One of them."""
        speaker = self._found(self.seen(project_id), project_speaker_id)
        return tagged(request, SpeakerOfProjectSerializer(speaker).data, SPEAKER_EDITABLE)

    @extend_schema(operation_id="edit_project_speaker", request=EditedSpeakerOfProjectSerializer)
    @edits
    def patch(self, request: Request, project_id: uuid.UUID, project_speaker_id: int) -> Response:
        """Name them, or give them another voice: their lines are `stale` then."""
        given = EditedSpeakerOfProjectSerializer(data=request.data)
        given.is_valid(raise_exception=True)
        project = self.editable(project_id)
        with transaction.atomic():
            speaker = self._found(project, project_speaker_id, lock=True)
            shown = SpeakerOfProjectSerializer(speaker).data
            check_match(request, shown, SPEAKER_EDITABLE)
            editing.edit_speaker(speaker, by=self.person, changes=given.validated_data)
        return tagged(request, SpeakerOfProjectSerializer(speaker).data, SPEAKER_EDITABLE)

    def _found(
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
