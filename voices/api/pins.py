"""``/api/pinned-voices``: the voice in which an actor speaks a language."""

from __future__ import annotations

import uuid
from typing import Any, ClassVar

import django_filters
from django.db.models import QuerySet
from drf_spectacular.utils import extend_schema
from rest_framework import serializers, status
from rest_framework.request import Request
from rest_framework.response import Response

from accounts.rest.filters import Filters, FilterSet
from accounts.rest.idempotency import idempotent
from voices import selectors, services
from voices.api.rows import OfActorSerializer, VoicesApi, actor_to_add_to, editable, found
from voices.models import PinnedVoice
from voices.models.fields import LANGUAGE


class PinnedVoiceSerializer(OfActorSerializer):
    class Meta:
        model = PinnedVoice
        fields = (
            "id",
            "actor",
            "language",
            "engine",
            "voice",
            "owner",
            "team",
            "whose",
            "editable",
            "created_at",
            "updated_at",
        )
        read_only_fields = fields


class NewPinSerializer(serializers.Serializer[Any]):
    actor = serializers.UUIDField()
    language = serializers.CharField(
        validators=[LANGUAGE],
        allow_blank=True,
        default="",
        help_text="ISO 639 code; empty: every language without a pin of its own.",
    )
    engine = serializers.RegexField(
        r"^[a-z0-9][a-z0-9_-]{0,63}$", help_text="As `GET /api/voices` names it."
    )
    voice = serializers.CharField(max_length=128, help_text="Its `id` there.")


class PinFilters(FilterSet):
    actor = django_filters.UUIDFilter(method="of_actor")
    language = django_filters.CharFilter(max_length=8)
    engine = django_filters.CharFilter(max_length=64)

    class Meta:
        model = PinnedVoice
        fields: ClassVar[list[str]] = []

    def of_actor(self, rows: QuerySet[Any], name: str, value: uuid.UUID) -> QuerySet[Any]:  # noqa: ARG002 - the library's signature
        return rows.filter(actor=value, actor_shown=True)


class PinnedVoicesView(VoicesApi):
    tag = "actors"
    serializer_class = PinnedVoiceSerializer
    queryset = PinnedVoice.objects.none()
    filter_backends = (Filters,)
    filterset_class = PinFilters
    ordering = ("-created_at", "id")

    @extend_schema(operation_id="list_pinned_voices", responses=PinnedVoiceSerializer(many=True))
    def get(self, request: Request) -> Response:  # noqa: ARG002 - the framework's signature
        """Of several for one actor and language yours counts first, then your team's, then the
        catalogue's."""
        return self.page_of(self.filter_queryset(selectors.pinned_voices_of(self.person)))

    @extend_schema(
        operation_id="pin_voice",
        request=NewPinSerializer,
        responses={200: PinnedVoiceSerializer, 201: PinnedVoiceSerializer},
    )
    @idempotent
    def post(self, request: Request) -> Response:
        """Pin a voice, in place of the one that you have pinned for this actor and language."""
        given = NewPinSerializer(data=request.data)
        given.is_valid(raise_exception=True)
        wanted = given.validated_data
        actor = actor_to_add_to(self, wanted.pop("actor"))
        pin, new = services.pin_voice(actor, owner=self.person, by=self.person, **wanted)
        return Response(
            shown(self, pin.pk),
            status=status.HTTP_201_CREATED if new else status.HTTP_200_OK,
            headers={"Location": f"/api/pinned-voices/{pin.pk}"},
        )


class PinnedVoiceView(VoicesApi):
    tag = "actors"
    serializer_class = PinnedVoiceSerializer

    @extend_schema(operation_id="read_pinned_voice")
    def get(self, request: Request, pin_id: uuid.UUID) -> Response:  # noqa: ARG002 - the framework's signature
        """One pinned voice."""
        return Response(shown(self, pin_id))

    @extend_schema(operation_id="unpin_voice", responses={204: None})
    def delete(self, request: Request, pin_id: uuid.UUID) -> Response:  # noqa: ARG002 - the framework's signature
        """Leave the voice to the engine again."""
        pin = editable(self, selectors.pinned_voices_of(self.person), pin_id)
        services.unpin_voice(pin, by=self.person)
        return Response(status=status.HTTP_204_NO_CONTENT)


def shown(view: VoicesApi, pin_id: uuid.UUID) -> dict[str, Any]:
    pin = found(selectors.pinned_voices_of(view.person), pin_id)
    return dict(PinnedVoiceSerializer(pin, context=view.get_serializer_context()).data)
