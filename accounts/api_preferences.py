"""``/api/preferences``: which languages a person wants dubbed, for clients of theirs."""

from __future__ import annotations

from typing import Any, ClassVar

from drf_spectacular.utils import extend_schema
from rest_framework import serializers
from rest_framework.request import Request
from rest_framework.response import Response

from accounts.preferences import preferences_of, set_preferences
from accounts.rest.scopes import ANY
from accounts.rest.views import Api


class PreferencesSerializer(serializers.Serializer[Any]):
    target_language = serializers.CharField(
        max_length=3,
        allow_blank=True,
        default="",
        help_text="Into which language, unless another is chosen; empty: none is preferred.",
    )
    always_dub = serializers.ListField(
        child=serializers.CharField(max_length=3),
        max_length=200,
        default=list,
        help_text="Source languages to dub without being asked.",
    )
    never_dub = serializers.ListField(
        child=serializers.CharField(max_length=3),
        max_length=200,
        default=list,
        help_text="Source languages to leave as they are.",
    )


class PreferencesView(Api):
    tag = "preferences"
    scopes: ClassVar[dict[str, str]] = {"GET": ANY, "PUT": "write:preferences"}
    serializer_class = PreferencesSerializer

    @extend_schema(operation_id="get_preferences", responses=PreferencesSerializer)
    def get(self, request: Request) -> Response:  # noqa: ARG002 - the framework's signature
        """Which languages you want dubbed, as ISO 639 codes."""
        return Response(PreferencesSerializer(preferences_of(self.person)).data)

    @extend_schema(
        operation_id="put_preferences",
        request=PreferencesSerializer,
        responses=PreferencesSerializer,
    )
    def put(self, request: Request) -> Response:
        """Set all of them at once; what is left out is empty."""
        kept = set_preferences(self.person, **self.valid(request))
        return Response(PreferencesSerializer(kept).data)
