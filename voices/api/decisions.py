"""``/api/decisions``: the history of what people decided about actors."""

from __future__ import annotations

from typing import Any, ClassVar

import django_filters
from drf_spectacular.utils import extend_schema
from rest_framework import serializers
from rest_framework.request import Request
from rest_framework.response import Response

from accounts.rest.filters import Filters, FilterSet
from voices import selectors
from voices.api.rows import VoicesApi
from voices.models import Decision, DecisionKind


class DecisionSerializer(serializers.ModelSerializer[Decision]):
    actor = serializers.UUIDField(source="actor_id", read_only=True, allow_null=True)
    speaker = serializers.UUIDField(source="speaker_id", read_only=True, allow_null=True)
    subject = serializers.UUIDField(
        source="subject_id",
        allow_null=True,
        read_only=True,
        help_text="The sample, consent, pinned voice, or the other actor or speaker.",
    )
    by = serializers.PrimaryKeyRelatedField[Any](
        read_only=True,
        allow_null=True,
        help_text="Who decided: a user's id; null: somebody who has left.",
    )
    detail = serializers.DictField(read_only=True)

    class Meta:
        model = Decision
        fields = ("id", "kind", "by", "at", "actor", "speaker", "subject", "detail")
        read_only_fields = fields


class DecisionFilters(FilterSet):
    kind = django_filters.MultipleChoiceFilter(choices=DecisionKind.choices)
    actor = django_filters.UUIDFilter(field_name="actor_id")
    speaker = django_filters.UUIDFilter(field_name="speaker_id")
    subject = django_filters.UUIDFilter(field_name="subject_id")

    class Meta:
        model = Decision
        fields: ClassVar[list[str]] = []


class DecisionsView(VoicesApi):
    tag = "actors"
    serializer_class = DecisionSerializer
    queryset = Decision.objects.none()
    filter_backends = (Filters,)
    filterset_class = DecisionFilters
    ordering = ("-at", "-id")

    @extend_schema(operation_id="list_decisions", responses=DecisionSerializer(many=True))
    def get(self, request: Request) -> Response:  # noqa: ARG002 - the framework's signature
        """What was merged, split, confirmed, rejected, renamed, shared, consented to, revoked
        and deleted, newest first. Nobody changes it."""
        return self.page_of(self.filter_queryset(selectors.decisions_of(self.person)))
