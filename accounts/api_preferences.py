"""``/api/preferences``: which languages a person wants dubbed, for clients of theirs."""

from __future__ import annotations

from typing import Any, ClassVar

from drf_spectacular.utils import extend_schema
from rest_framework import serializers
from rest_framework.request import Request
from rest_framework.response import Response

from accounts.preferences import preferences_of, set_preferences
from accounts.rest.views import Api


class PreferencesSerializer(serializers.Serializer[Any]):
    target_language = serializers.CharField(max_length=3, allow_blank=True, default="")
    always_dub = serializers.ListField(
        child=serializers.CharField(max_length=3), max_length=200, default=list
    )
    never_dub = serializers.ListField(
        child=serializers.CharField(max_length=3), max_length=200, default=list
    )


class PreferencesView(Api):
    tag = "preferences"
    scopes: ClassVar[dict[str, str]] = {"GET": "read:preferences", "PUT": "write:preferences"}
    serializer_class = PreferencesSerializer
    pagination_class = None

    @extend_schema(operation_id="read_preferences")
    def get(self, request: Request) -> Response:  # noqa: ARG002 - the framework's signature
        """Which languages you want dubbed, and into which."""
        return Response(PreferencesSerializer(preferences_of(self.person)).data)

    @extend_schema(operation_id="set_preferences")
    def put(self, request: Request) -> Response:
        """All of them at once; what is left out is empty."""
        wanted = self.valid(request)
        return Response(PreferencesSerializer(set_preferences(self.person, **wanted)).data)
