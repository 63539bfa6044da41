"""``/api/comparisons`` and ``/api/previews``: voices to listen to before one is chosen."""

from __future__ import annotations

import uuid
from typing import Any, ClassVar

import django_filters
from django.db.models import QuerySet
from django.http.response import HttpResponseBase
from drf_spectacular.types import OpenApiTypes
from drf_spectacular.utils import OpenApiParameter, extend_schema, extend_schema_field
from rest_framework import serializers, status
from rest_framework.request import Request
from rest_framework.response import Response

from accounts.rest.filters import Filters, FilterSet
from accounts.rest.idempotency import idempotent
from accounts.rest.problems import Problem
from accounts.rest.schema import also_answers
from pipeline.bounds import (
    COMPARISON_DAYS,
    PREVIEW_TEXT_MAX,
    PREVIEWS_AT_ONCE_MAX,
    SAMPLE_LINK_S,
)
from voices import selectors, services
from voices.api.clones import TuningSerializer
from voices.api.problems import told
from voices.api.rows import OwnedSerializer, VoicesApi, chosen_actor, editable, found
from voices.api.samples import LinkSerializer
from voices.links import PARAMETER, Linked, signed_path
from voices.models import Comparison, Preview, PreviewState, VoiceClone
from voices.models.fields import LANGUAGE
from voices.playback import stored_response


class WishedVoiceSerializer(serializers.Serializer[Any]):
    """A clone by its id, or a stock voice by its engine and id."""

    clone = serializers.UUIDField(required=False)
    engine = serializers.RegexField(
        r"^[a-z0-9][a-z0-9_-]{0,63}$", required=False, default="", help_text="Of a stock voice."
    )
    voice = serializers.CharField(
        max_length=128, required=False, default="", help_text="Its `id`; without, the engine's best"
    )
    settings = TuningSerializer(
        required=False, help_text="To be tried instead of the clone's own; nothing is changed."
    )


class NewComparisonSerializer(serializers.Serializer[Any]):
    text = serializers.CharField(max_length=PREVIEW_TEXT_MAX, help_text="What is to be said.")
    language = serializers.CharField(validators=[LANGUAGE], help_text="Of the text: ISO 639 code.")
    voices = serializers.ListField(
        child=WishedVoiceSerializer(), min_length=1, max_length=PREVIEWS_AT_ONCE_MAX
    )
    actor = serializers.UUIDField(required=False, help_text="Whom the voices are to sound like.")
    sample = serializers.UUIDField(
        required=False, help_text="Of that person: heard beside them, and compared with them."
    )


class PreviewSerializer(serializers.ModelSerializer[Any]):
    clone = serializers.PrimaryKeyRelatedField[Any](
        read_only=True, allow_null=True, help_text="Null for a stock voice."
    )
    state = serializers.ChoiceField(choices=PreviewState.choices)
    settings = TuningSerializer()
    similarity = serializers.FloatField(
        allow_null=True, help_text="Cosine to the sample, -1 to 1; null without one."
    )
    audio_url = serializers.SerializerMethodField(help_text="Null until it was spoken.")

    class Meta:
        model = Preview
        fields = (
            "id",
            "comparison",
            "clone",
            "engine",
            "voice",
            "settings",
            "state",
            "problem",
            "duration_s",
            "similarity",
            "audio_url",
            "created_at",
        )
        read_only_fields = fields

    def get_audio_url(self, preview: Preview) -> str | None:
        return f"/api/previews/{preview.pk}/audio" if preview.audio else None


class ComparisonSerializer(OwnedSerializer):
    actor = serializers.SerializerMethodField(help_text="Null where you may not see that one.")
    sample = serializers.SerializerMethodField(help_text="Null where you may not see that one.")
    sample_url = serializers.SerializerMethodField(help_text="The person's own voice; or null.")
    previews = serializers.SerializerMethodField(help_text="In the order that was asked for.")

    class Meta:
        model = Comparison
        fields = (
            "id",
            "actor",
            "text",
            "language",
            "sample",
            "sample_url",
            "previews",
            "expires_at",
            "owner",
            "team",
            "whose",
            "editable",
            "created_at",
        )
        read_only_fields = fields

    def get_actor(self, row: Comparison) -> uuid.UUID | None:
        known = row.actor_id and selectors.actors_of(self._person()).filter(pk=row.actor_id)
        return row.actor_id if known and known.exists() else None

    def get_sample(self, row: Comparison) -> uuid.UUID | None:
        known = row.sample_id and selectors.samples_of(self._person()).filter(pk=row.sample_id)
        return row.sample_id if known and known.exists() else None

    def get_sample_url(self, row: Comparison) -> str | None:
        sample = self.get_sample(row)
        playable = row.sample is not None and row.sample.playable
        return f"/api/samples/{sample}/audio" if sample and playable else None

    @extend_schema_field(PreviewSerializer(many=True))
    def get_previews(self, row: Comparison) -> Any:
        rows = selectors.previews_of(self._person()).filter(comparison=row)
        return PreviewSerializer(rows.order_by("place"), many=True).data

    def _person(self) -> Any:
        return self.context["request"].user


class ComparisonFilters(FilterSet):
    actor = django_filters.UUIDFilter(field_name="actor_id")

    class Meta:
        model = Comparison
        fields: ClassVar[list[str]] = []


class ComparisonsView(VoicesApi):
    tag = "previews"
    serializer_class = ComparisonSerializer
    queryset = Comparison.objects.none()
    filter_backends = (Filters,)
    filterset_class = ComparisonFilters
    ordering = ("-created_at", "id")

    @extend_schema(operation_id="list_comparisons", responses=ComparisonSerializer(many=True))
    def get(self, request: Request) -> Response:  # noqa: ARG002 - the framework's signature
        """Comparisons that are still there, newest first."""
        return self.page_of(self.filter_queryset(selectors.comparisons_of(self.person)))

    @extend_schema(
        operation_id="create_comparison",
        description="Have a text spoken in several voices, to be heard beside the person's own "
        f"sample. Read it again for the sound. It is deleted after {COMPARISON_DAYS} days.",
        request=NewComparisonSerializer,
        responses={202: ComparisonSerializer},
    )
    @idempotent
    def post(self, request: Request) -> Response:
        given = NewComparisonSerializer(data=request.data)
        given.is_valid(raise_exception=True)
        wanted = given.validated_data
        actor = chosen_actor(self, wanted["actor"]) if "actor" in wanted else None
        sample = None
        if "sample" in wanted:
            sample = selectors.samples_of(self.person).filter(pk=wanted["sample"]).first()
            if sample is None:
                raise serializers.ValidationError({"sample": "There is no sample of this id."})
        voices = [_wished(self, one) for one in wanted["voices"]]
        with told():
            comparison = services.compare(
                self.person,
                text=wanted["text"],
                language=wanted["language"],
                voices=voices,
                actor=actor,
                sample=sample,
            )
        return Response(
            _shown(self, comparison.pk),
            status=status.HTTP_202_ACCEPTED,
            headers={"Location": f"/api/comparisons/{comparison.pk}"},
        )


class ComparisonView(VoicesApi):
    tag = "previews"
    serializer_class = ComparisonSerializer

    @extend_schema(operation_id="read_comparison")
    def get(self, request: Request, comparison_id: uuid.UUID) -> Response:  # noqa: ARG002 - the framework's signature
        """One comparison, with every voice that was spoken by now."""
        return Response(_shown(self, comparison_id))

    @extend_schema(operation_id="delete_comparison", responses={204: None})
    def delete(self, request: Request, comparison_id: uuid.UUID) -> Response:  # noqa: ARG002 - the framework's signature
        """Delete it with its sound."""
        editable(self, selectors.comparisons_of(self.person), comparison_id).delete()
        return Response(status=status.HTTP_204_NO_CONTENT)


class PreviewView(VoicesApi):
    tag = "previews"
    serializer_class = PreviewSerializer

    @extend_schema(operation_id="read_preview")
    def get(self, request: Request, preview_id: uuid.UUID) -> Response:  # noqa: ARG002 - the framework's signature
        """One voice of a comparison."""
        return Response(
            PreviewSerializer(found(selectors.previews_of(self.person), preview_id)).data
        )


class PreviewAudioView(Linked, VoicesApi):
    tag = "previews"
    serializer_class = PreviewSerializer
    subject = "preview_id"

    @extend_schema(
        operation_id="play_preview",
        parameters=[OpenApiParameter(PARAMETER, description="From `GET /api/previews/…/link`.")],
        responses={(200, "audio/flac"): OpenApiTypes.BINARY},
    )
    @also_answers("409")
    def get(self, request: Request, preview_id: uuid.UUID) -> HttpResponseBase:
        """The sound as FLAC, marked as synthetic in its tags; takes `Range`."""
        preview = found(selectors.previews_of(self.person), preview_id)
        if not preview.audio:
            raise Problem("not_spoken")
        return stored_response(request._request, preview.audio.name, media_type="audio/flac")


class PreviewLinkView(VoicesApi):
    tag = "previews"
    serializer_class = LinkSerializer

    @extend_schema(operation_id="read_preview_link")
    def get(self, request: Request, preview_id: uuid.UUID) -> Response:  # noqa: ARG002 - the framework's signature
        """A link for a player that sends no token; for minutes, and while you may hear it."""
        found(selectors.previews_of(self.person), preview_id)
        url = signed_path(f"/api/previews/{preview_id}/audio", user=self.person, subject=preview_id)
        return Response(
            {"url": url, "expires_in_s": SAMPLE_LINK_S}, headers={"Cache-Control": "no-store"}
        )


def _wished(view: VoicesApi, given: dict[str, Any]) -> services.Wished:
    clone: VoiceClone | None = None
    if "clone" in given:
        clone = selectors.clones_of(view.person).filter(pk=given["clone"]).first()
        if clone is None:
            raise serializers.ValidationError({"voices": "There is no clone of this id."})
    return services.Wished(
        clone=clone,
        engine=given["engine"],
        voice=given["voice"],
        settings=given.get("settings", {}),
    )


def _shown(view: VoicesApi, comparison_id: uuid.UUID) -> dict[str, Any]:
    row: QuerySet[Any] = selectors.comparisons_of(view.person)
    return dict(
        ComparisonSerializer(found(row, comparison_id), context=view.get_serializer_context()).data
    )
