"""``/api/speakers``: who was heard in sessions, and the decisions of people about who it is."""

from __future__ import annotations

import uuid
from typing import Any, ClassVar

import django_filters
from django.db import transaction
from django.db.models import Q, QuerySet
from drf_spectacular.utils import extend_schema
from rest_framework import serializers, status
from rest_framework.request import Request
from rest_framework.response import Response

from accounts.rest.conditional import check_match, tagged
from accounts.rest.filters import Filters, FilterSet
from accounts.rest.idempotency import idempotent
from accounts.rest.problems import Problem
from accounts.rest.schema import edits, with_tag
from pipeline.bounds import SEARCH_MAX_CHARACTERS, SPEAKER_SPANS_MAX
from voices import selectors, services
from voices.api.problems import told
from voices.api.rows import OfActorSerializer, VoicesApi, chosen_actor, chosen_rows, editable, found
from voices.models import Speaker, SpeakerState

EDITABLE = ("name",)


class SpeakerSerializer(OfActorSerializer):
    actor_name = serializers.SerializerMethodField(help_text="Empty without an actor.")
    session = serializers.UUIDField(source="session_id", read_only=True)
    title = serializers.PrimaryKeyRelatedField[Any](
        read_only=True, allow_null=True, help_text="Of what the session dubbed."
    )
    decided_by_person = serializers.BooleanField(
        read_only=True, help_text="True: a person confirmed or rejected, and that is final."
    )

    class Meta:
        model = Speaker
        fields = (
            "id",
            "session",
            "label",
            "name",
            "title",
            "language",
            "speech_s",
            "actor",
            "actor_name",
            "state",
            "confidence",
            "decided_by_person",
            "decided_at",
            "merged_into",
            "owner",
            "team",
            "whose",
            "editable",
            "created_at",
            "updated_at",
        )
        read_only_fields = fields

    def get_actor_name(self, speaker: Any) -> str:
        return speaker.actor.name if speaker.actor and speaker.actor_shown else ""


class EditedSpeakerSerializer(serializers.Serializer[Any]):
    name = serializers.CharField(
        max_length=200, allow_blank=True, help_text="What to call them in this session."
    )


class ConfirmSerializer(serializers.Serializer[Any]):
    actor = serializers.UUIDField(required=False, help_text="Who it is.")
    new_actor = serializers.CharField(
        max_length=200, required=False, help_text="Or the name of somebody not known yet."
    )

    def validate(self, attrs: dict[str, Any]) -> dict[str, Any]:
        if len(attrs) != 1:
            raise serializers.ValidationError("Name `actor` or `new_actor`, one of both.")
        return attrs


class RejectSerializer(serializers.Serializer[Any]):
    actor = serializers.UUIDField(
        required=False, help_text="Who it is not; without it, who it is thought to be."
    )


class MergeSpeakersSerializer(serializers.Serializer[Any]):
    speaker = serializers.UUIDField(
        help_text="Of the same session, and in truth this one. Its lines become this one's."
    )


class SpanSerializer(serializers.Serializer[Any]):
    start_s = serializers.FloatField(min_value=0, max_value=1e7)
    end_s = serializers.FloatField(min_value=0, max_value=1e7)

    def validate(self, attrs: dict[str, Any]) -> dict[str, Any]:
        if attrs["end_s"] <= attrs["start_s"]:
            raise serializers.ValidationError("A span ends after it starts.")
        return attrs


class SplitSpeakerSerializer(serializers.Serializer[Any]):
    spans = SpanSerializer(
        many=True,
        help_text="Media seconds of the session in which somebody else spoke; a line belongs "
        "to a span that its middle lies in.",
    )
    name = serializers.CharField(max_length=200, allow_blank=True, default="")

    def validate_spans(self, spans: list[dict[str, float]]) -> list[dict[str, float]]:
        if not 1 <= len(spans) <= SPEAKER_SPANS_MAX:
            raise serializers.ValidationError(f"Give 1 to {SPEAKER_SPANS_MAX} spans.")
        return spans


class SpeakerFilters(FilterSet):
    session = django_filters.UUIDFilter(field_name="session_id")
    actor = django_filters.UUIDFilter(method="of_actor")
    title = django_filters.UUIDFilter(field_name="title_id")
    state = django_filters.MultipleChoiceFilter(
        choices=SpeakerState.choices, help_text="May be given several times."
    )
    language = django_filters.CharFilter(max_length=8)
    confidence_from = django_filters.NumberFilter(field_name="confidence", lookup_expr="gte")
    q = django_filters.CharFilter(
        method="search",
        max_length=SEARCH_MAX_CHARACTERS,
        help_text="Part of the name, the label or the actor's name.",
    )

    class Meta:
        model = Speaker
        fields: ClassVar[list[str]] = []

    def of_actor(self, rows: QuerySet[Any], name: str, value: uuid.UUID) -> QuerySet[Any]:  # noqa: ARG002 - the library's signature
        return rows.filter(actor=value, actor_shown=True)

    def search(self, rows: QuerySet[Any], name: str, value: str) -> QuerySet[Any]:  # noqa: ARG002 - the library's signature
        of_actor = Q(actor__name__icontains=value, actor_shown=True)
        return rows.filter(Q(name__icontains=value) | Q(label__iexact=value) | of_actor)


class SpeakersView(VoicesApi):
    tag = "speakers"
    serializer_class = SpeakerSerializer
    queryset = Speaker.objects.none()
    filter_backends = (Filters,)
    filterset_class = SpeakerFilters
    ordering = ("-created_at", "id")

    @extend_schema(operation_id="list_speakers", responses=SpeakerSerializer(many=True))
    def get(self, request: Request) -> Response:  # noqa: ARG002 - the framework's signature
        """Those who were heard in your sessions and in your teams', newest first."""
        return self.page_of(self.filter_queryset(selectors.speakers_of(self.person)))


class SpeakerView(VoicesApi):
    tag = "speakers"
    serializer_class = SpeakerSerializer

    @extend_schema(operation_id="read_speaker")
    @with_tag
    def get(self, request: Request, speaker_id: uuid.UUID) -> Response:
        """One speaker; of one that was merged, `merged_into` says with whom."""
        return tagged(request, shown(self, speaker_id), EDITABLE)

    @extend_schema(operation_id="edit_speaker", request=EditedSpeakerSerializer)
    @edits
    def patch(self, request: Request, speaker_id: uuid.UUID) -> Response:
        """Call the speaker something else in this session; who it is stays."""
        given = EditedSpeakerSerializer(data=request.data)
        given.is_valid(raise_exception=True)
        with transaction.atomic():
            speaker = changed(self, speaker_id)
            check_match(request, shown(self, speaker_id), EDITABLE)
            services.rename_speaker(speaker, given.validated_data["name"], by=self.person)
        return tagged(request, shown(self, speaker_id), EDITABLE)


class ConfirmView(VoicesApi):
    tag = "speakers"
    serializer_class = ConfirmSerializer

    @extend_schema(operation_id="confirm_speaker", responses=SpeakerSerializer)
    @idempotent
    def post(self, request: Request, speaker_id: uuid.UUID) -> Response:
        """Say who the speaker is. It is final: only a person changes it again."""
        speaker = changed(self, speaker_id)
        wanted = self.valid(request)
        with told(), transaction.atomic():
            if "actor" in wanted:
                actor = chosen_actor(self, wanted["actor"])
            else:
                languages = [speaker.language] if speaker.language else []
                owner = speaker.owner or self.person
                actor = services.create_actor(
                    owner,
                    by=self.person,
                    team=speaker.team,
                    name=wanted["new_actor"],
                    languages=languages,
                )
            services.confirm(speaker, actor, by=self.person)
        return Response(shown(self, speaker_id))


class RejectView(VoicesApi):
    tag = "speakers"
    serializer_class = RejectSerializer

    @extend_schema(operation_id="reject_speaker", responses=SpeakerSerializer)
    @idempotent
    def post(self, request: Request, speaker_id: uuid.UUID) -> Response:
        """Say who the speaker is not. That actor is never suggested for them again."""
        speaker = changed(self, speaker_id)
        wanted = self.valid(request)
        if "actor" in wanted:
            actor = chosen_actor(self, wanted["actor"])
        elif speaker.actor is not None:
            actor = speaker.actor
        else:
            raise Problem("conflict", "This speaker is not thought to be anybody.")
        services.reject(speaker, actor, by=self.person)
        return Response(shown(self, speaker_id))


class MergeSpeakersView(VoicesApi):
    tag = "speakers"
    serializer_class = MergeSpeakersSerializer

    @extend_schema(operation_id="merge_speakers", responses=SpeakerSerializer)
    @idempotent
    def post(self, request: Request, speaker_id: uuid.UUID) -> Response:
        """Both were one person all along."""
        into = changed(self, speaker_id)
        changeable = selectors.changeable_speakers(self.person)
        (gone,) = chosen_rows(changeable, [self.valid(request)["speaker"]], "speaker")
        with told():
            services.merge_speakers(into, gone, by=self.person)
        return Response(shown(self, speaker_id))


class SplitSpeakerView(VoicesApi):
    tag = "speakers"
    serializer_class = SplitSpeakerSerializer

    @extend_schema(operation_id="split_speaker", responses={201: SpeakerSerializer})
    @idempotent
    def post(self, request: Request, speaker_id: uuid.UUID) -> Response:
        """Some of what a speaker said was said by somebody else, who is made here."""
        speaker = changed(self, speaker_id)
        wanted = self.valid(request)
        spans = [(one["start_s"], one["end_s"]) for one in wanted["spans"]]
        with told():
            other = services.split_speaker(speaker, spans, by=self.person, name=wanted["name"])
        return Response(
            shown(self, other.pk),
            status=status.HTTP_201_CREATED,
            headers={"Location": f"/api/speakers/{other.pk}"},
        )


def changed(view: VoicesApi, speaker_id: uuid.UUID) -> Speaker:
    """One that may be decided about. Raises NotFound, Problem."""
    rows = selectors.speakers_of(view.person, merged=True)
    speaker: Speaker = editable(view, rows, speaker_id)
    if speaker.merged_into_id is not None:
        raise Problem("conflict", "This speaker was merged; change the one they were merged into.")
    return speaker


def shown(view: VoicesApi, speaker_id: uuid.UUID) -> dict[str, Any]:
    speaker = found(selectors.speakers_of(view.person, merged=True), speaker_id)
    return dict(SpeakerSerializer(speaker, context=view.get_serializer_context()).data)
