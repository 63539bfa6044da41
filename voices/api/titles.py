"""``/api/titles``: what was dubbed, and who was heard in it."""

from __future__ import annotations

import uuid
from typing import Any, ClassVar

import django_filters
from drf_spectacular.utils import extend_schema
from rest_framework import serializers
from rest_framework.request import Request
from rest_framework.response import Response

from accounts.rest.conditional import tagged
from accounts.rest.filters import Filters, FilterSet
from accounts.rest.schema import with_tag
from pipeline.bounds import SEARCH_MAX_CHARACTERS
from voices import selectors
from voices.api.rows import OwnedSerializer, VoicesApi, found
from voices.models import Title


class TitleSerializer(OwnedSerializer):
    url = serializers.CharField(read_only=True, help_text="Its address; empty: not known.")

    class Meta:
        model = Title
        fields: tuple[str, ...] = (
            "id",
            "name",
            "url",
            "owner",
            "team",
            "whose",
            "editable",
            "created_at",
        )
        read_only_fields: tuple[str, ...] = fields


class AppearanceSerializer(serializers.Serializer[Any]):
    actor = serializers.UUIDField()
    name = serializers.CharField()
    sessions = serializers.IntegerField(help_text="In so many sessions of it they were confirmed.")


class TitleDetailSerializer(TitleSerializer):
    cast = AppearanceSerializer(many=True, read_only=True, help_text="Most often heard first.")

    class Meta(TitleSerializer.Meta):
        fields = (*TitleSerializer.Meta.fields, "cast")
        read_only_fields = fields


class TitleFilters(FilterSet):
    q = django_filters.CharFilter(
        field_name="name",
        lookup_expr="icontains",
        max_length=SEARCH_MAX_CHARACTERS,
        help_text="Part of the name, in any case.",
    )

    class Meta:
        model = Title
        fields: ClassVar[list[str]] = []


class TitlesView(VoicesApi):
    tag = "titles"
    serializer_class = TitleSerializer
    queryset = Title.objects.none()
    filter_backends = (Filters,)
    filterset_class = TitleFilters
    ordering = ("name", "id")

    @extend_schema(operation_id="list_titles", responses=TitleSerializer(many=True))
    def get(self, request: Request) -> Response:  # noqa: ARG002 - the framework's signature
        """What your sessions dubbed, by name. A session makes its title by its own."""
        return self.page_of(self.filter_queryset(selectors.titles_of(self.person)))


class TitleView(VoicesApi):
    tag = "titles"
    serializer_class = TitleDetailSerializer

    @extend_schema(operation_id="read_title")
    @with_tag
    def get(self, request: Request, title_id: uuid.UUID) -> Response:
        """One title, with the actors who were heard in it."""
        title = found(selectors.titles_of(self.person), title_id)
        body = TitleSerializer(title, context=self.get_serializer_context()).data
        cast = selectors.cast_of(self.person, title_id)
        return tagged(request, {**body, "cast": AppearanceSerializer(cast, many=True).data}, ())
