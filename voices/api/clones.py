"""``/api/clones``: synthetic voices of actors: asked for, watched, tuned, deleted."""

from __future__ import annotations

import uuid
from typing import Any, ClassVar

import django_filters
from django.db import transaction
from django.db.models import QuerySet
from django.http.response import HttpResponseBase
from drf_spectacular.types import OpenApiTypes
from drf_spectacular.utils import OpenApiParameter, extend_schema, extend_schema_field
from rest_framework import serializers, status
from rest_framework.request import Request
from rest_framework.response import Response

from accounts.rest.conditional import check_match, tagged
from accounts.rest.filters import Filters, FilterSet
from accounts.rest.idempotency import idempotent
from accounts.rest.problems import Problem
from accounts.rest.schema import also_answers, edits, with_tag
from pipeline.bounds import CLONE_SAMPLES_MAX, SAMPLE_LINK_S
from voices import selectors, services
from voices.api.problems import told
from voices.api.rows import (
    OfActorSerializer,
    VoicesApi,
    actor_to_add_to,
    chosen_rows,
    editable,
    found,
)
from voices.api.samples import LinkSerializer
from voices.links import PARAMETER, Linked, signed_path
from voices.models import CloneState, CloneStep, VoiceClone
from voices.playback import stored_response

EDITABLE = ("name", "settings")


class TuningSerializer(serializers.Serializer[Any]):
    """How it is spoken; what is left out is as the server is set."""

    stability = serializers.FloatField(
        min_value=0, max_value=1, required=False, help_text="How little it varies."
    )
    similarity = serializers.FloatField(
        min_value=0,
        max_value=1,
        required=False,
        help_text="How far it is drawn to the person: more is more like them, and less clear.",
    )
    style = serializers.FloatField(  # type: ignore[assignment]  # a field's name, not its look
        min_value=0, max_value=1, required=False, help_text="Exaggeration; ElevenLabs only."
    )
    speed = serializers.FloatField(min_value=0.7, max_value=1.2, required=False)
    base = serializers.CharField(
        max_length=16, required=False, help_text="Of the offline engine: the voice that is bent."
    )


class QualitySerializer(serializers.Serializer[Any]):
    """On the same sentences for every clone, so that they can be compared."""

    score = serializers.FloatField(help_text="0 to 1: the parts, weighted.")
    parts = serializers.DictField(
        child=serializers.FloatField(),
        help_text="`similarity`, `intelligibility`, `stability`, each 0 to 1.",
    )
    similarity = serializers.FloatField(
        help_text="Mean cosine to speech of the person that it was not made of."
    )
    word_error_rate = serializers.FloatField(
        allow_null=True, help_text="Of the offline recogniser, in English."
    )
    stability = serializers.FloatField(help_text="Mean cosine between the sentences.")
    training_s = serializers.FloatField(required=False, help_text="Speech that it was made of.")
    held_out_s = serializers.FloatField(required=False, help_text="Speech it was compared with.")


class TrialSerializer(serializers.Serializer[Any]):
    settings = TuningSerializer()
    score = serializers.FloatField()
    parts = serializers.DictField(child=serializers.FloatField())
    kept = serializers.BooleanField(help_text="Whether it was the best until then.")
    final = serializers.BooleanField(
        required=False, help_text="The found settings, judged on other sentences."
    )
    default_score = serializers.FloatField(
        required=False, help_text="Of the default on the same sentences; in the final one."
    )


class CloneSerializer(OfActorSerializer):
    consent = serializers.PrimaryKeyRelatedField[Any](
        read_only=True, allow_null=True, help_text="Under which it is used."
    )
    samples = serializers.PrimaryKeyRelatedField[Any](many=True, read_only=True)
    voice = serializers.CharField(
        source="vendor_id", help_text="Its `id` in `GET /api/voices`; empty until it was made."
    )
    state = serializers.ChoiceField(choices=CloneState.choices)
    step = serializers.ChoiceField(
        choices=CloneStep.choices, allow_blank=True, help_text="What is done now, or was last."
    )
    settings = TuningSerializer()
    quality = serializers.SerializerMethodField(help_text="Null until it was measured.")
    trace = TrialSerializer(many=True, help_text="Settings that were tried; first the default.")
    optimising = serializers.BooleanField(source="optimise")
    preview_url = serializers.SerializerMethodField(help_text="A first sentence; null before.")

    class Meta:
        model = VoiceClone
        fields = (
            "id",
            "actor",
            "name",
            "engine",
            "voice",
            "state",
            "step",
            "problem",
            "consent",
            "samples",
            "settings",
            "quality",
            "trace",
            "optimising",
            "pitch_hz",
            "preview_url",
            "used_at",
            "owner",
            "team",
            "whose",
            "editable",
            "created_at",
            "updated_at",
        )
        read_only_fields = fields

    @extend_schema_field(QualitySerializer(allow_null=True))
    def get_quality(self, clone: VoiceClone) -> dict[str, Any] | None:
        return clone.quality or None

    def get_preview_url(self, clone: VoiceClone) -> str | None:
        return f"/api/clones/{clone.pk}/preview" if clone.preview else None


class NewCloneSerializer(serializers.Serializer[Any]):
    actor = serializers.UUIDField(help_text="There has to be a valid consent to `clone`.")
    engine = serializers.RegexField(
        r"^[a-z0-9][a-z0-9_-]{0,63}$",
        required=False,
        default="",
        help_text="A synthesiser, as `GET /api/voices` names it; without, your sessions' own.",
    )
    samples = serializers.ListField(
        child=serializers.UUIDField(),
        max_length=CLONE_SAMPLES_MAX,
        required=False,
        default=list,
        help_text="What it is made of; without, everything of the actor that can be used.",
    )
    name = serializers.CharField(max_length=200, allow_blank=True, default="")
    optimise = serializers.BooleanField(
        default=False, help_text="Look for the best settings as well."
    )


class EditedCloneSerializer(serializers.Serializer[Any]):
    name = serializers.CharField(max_length=200, allow_blank=True, required=False)
    settings = TuningSerializer(required=False)

    def validate(self, attrs: dict[str, Any]) -> dict[str, Any]:
        if not attrs:
            raise serializers.ValidationError("Name what to change: name, settings.")
        return attrs


class CloneFilters(FilterSet):
    actor = django_filters.UUIDFilter(method="of_actor")
    engine = django_filters.CharFilter(max_length=64)
    state = django_filters.MultipleChoiceFilter(choices=CloneState.choices)

    class Meta:
        model = VoiceClone
        fields: ClassVar[list[str]] = []

    def of_actor(self, rows: QuerySet[Any], name: str, value: uuid.UUID) -> QuerySet[Any]:  # noqa: ARG002 - the library's signature
        return rows.filter(actor=value, actor_shown=True)


class ClonesView(VoicesApi):
    tag = "clones"
    serializer_class = CloneSerializer
    queryset = VoiceClone.objects.none()
    filter_backends = (Filters,)
    filterset_class = CloneFilters
    ordering = ("-created_at", "id")

    @extend_schema(operation_id="list_clones", responses=CloneSerializer(many=True))
    def get(self, request: Request) -> Response:  # noqa: ARG002 - the framework's signature
        """Clones, yours, your teams' and the catalogue's, newest first; also those that are
        being made, have failed, or may not be used any more."""
        return self.page_of(self.filter_queryset(selectors.clones_of(self.person)))

    @extend_schema(
        operation_id="create_clone",
        request=NewCloneSerializer,
        responses={200: CloneSerializer, 202: CloneSerializer},
    )
    @idempotent
    def post(self, request: Request) -> Response:
        """Have a clone made; read it again to watch its `step`. The same recordings and engine
        again give the same clone (200)."""
        given = NewCloneSerializer(data=request.data)
        given.is_valid(raise_exception=True)
        wanted = given.validated_data
        actor = actor_to_add_to(self, wanted.pop("actor"))
        ids = wanted.pop("samples")
        samples = chosen_rows(selectors.samples_of(self.person), ids, "samples") if ids else []
        with told():
            clone, new = services.request_clone(
                actor, owner=self.person, by=self.person, samples=samples, **wanted
            )
        return tagged(
            request,
            shown(self, clone.pk),
            EDITABLE,
            status=status.HTTP_202_ACCEPTED if new else status.HTTP_200_OK,
            headers={"Location": f"/api/clones/{clone.pk}"},
        )


class CloneView(VoicesApi):
    tag = "clones"
    serializer_class = CloneSerializer

    @extend_schema(operation_id="read_clone")
    @with_tag
    def get(self, request: Request, clone_id: uuid.UUID) -> Response:
        """One clone: how far it is, or how good it is."""
        return tagged(request, shown(self, clone_id), EDITABLE)

    @extend_schema(operation_id="edit_clone", request=EditedCloneSerializer)
    @edits
    def patch(self, request: Request, clone_id: uuid.UUID) -> Response:
        """Give it a name, or settings of your own."""
        given = EditedCloneSerializer(data=request.data)
        given.is_valid(raise_exception=True)
        with transaction.atomic():
            clone = editable(self, selectors.clones_of(self.person), clone_id)
            check_match(request, shown(self, clone_id), EDITABLE)
            services.edit_clone(clone, **given.validated_data)
        return tagged(request, shown(self, clone_id), EDITABLE)

    @extend_schema(operation_id="delete_clone", responses={204: None})
    def delete(self, request: Request, clone_id: uuid.UUID) -> Response:  # noqa: ARG002 - the framework's signature
        """Delete it here and at the vendor; sessions stop speaking with it."""
        clone = editable(self, selectors.clones_of(self.person), clone_id)
        services.delete_clone(clone, by=self.person)
        return Response(status=status.HTTP_204_NO_CONTENT)


class OptimiseCloneView(VoicesApi):
    tag = "clones"
    serializer_class = CloneSerializer

    @extend_schema(operation_id="optimise_clone", request=None, responses={202: CloneSerializer})
    def post(self, request: Request, clone_id: uuid.UUID) -> Response:  # noqa: ARG002 - the framework's signature
        """Look for the settings with the best score; the clone can be used meanwhile."""
        clone = editable(self, selectors.clones_of(self.person), clone_id)
        with told():
            services.optimise_clone(clone)
        return Response(shown(self, clone_id), status=status.HTTP_202_ACCEPTED)


class ClonePreviewView(Linked, VoicesApi):
    tag = "clones"
    serializer_class = CloneSerializer
    subject = "clone_id"

    @extend_schema(
        operation_id="play_clone",
        parameters=[OpenApiParameter(PARAMETER, description="From `GET /api/clones/…/link`.")],
        responses={(200, "audio/flac"): OpenApiTypes.BINARY},
    )
    @also_answers("409")
    def get(self, request: Request, clone_id: uuid.UUID) -> HttpResponseBase:
        """A first sentence in the voice, as FLAC; takes `Range`."""
        clone = found(selectors.clones_of(self.person), clone_id)
        usable = selectors.usable_clones(self.person).filter(pk=clone_id)
        if not clone.preview or not usable.exists():
            raise Problem("not_spoken")
        return stored_response(request._request, clone.preview.name, media_type="audio/flac")


class CloneLinkView(VoicesApi):
    tag = "clones"
    serializer_class = LinkSerializer

    @extend_schema(operation_id="read_clone_link")
    def get(self, request: Request, clone_id: uuid.UUID) -> Response:  # noqa: ARG002 - the framework's signature
        """A link to the first sentence for a player that sends no token; for minutes."""
        found(selectors.clones_of(self.person), clone_id)
        url = signed_path(f"/api/clones/{clone_id}/preview", user=self.person, subject=clone_id)
        return Response(
            {"url": url, "expires_in_s": SAMPLE_LINK_S}, headers={"Cache-Control": "no-store"}
        )


def shown(view: VoicesApi, clone_id: uuid.UUID) -> dict[str, Any]:
    clone = found(selectors.clones_of(view.person), clone_id)
    return dict(CloneSerializer(clone, context=view.get_serializer_context()).data)
