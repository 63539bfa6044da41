"""``/api/engines`` and ``/api/engine-keys/check``: what can be chosen, and does it work?"""

from __future__ import annotations

from typing import Any, ClassVar

from drf_spectacular.utils import extend_schema
from rest_framework import serializers
from rest_framework.request import Request
from rest_framework.response import Response

from accounts.rest.scopes import ANY
from accounts.rest.views import Api
from sessions_app.engines.engine_access import access_of
from sessions_app.engines.engine_list import check_keys_of, engines_for


class EngineSerializer(serializers.Serializer[Any]):
    engine = serializers.CharField()
    available = serializers.BooleanField()
    code = serializers.CharField(allow_blank=True, help_text="Why it cannot be used.")
    reason = serializers.CharField(allow_blank=True)
    key = serializers.CharField(allow_null=True, help_text="Whose: `yours` or `installation`.")
    chosen = serializers.BooleanField(help_text="A session gets it that wishes for nothing.")


class EngineProblemSerializer(serializers.Serializer[Any]):
    code = serializers.CharField()
    message = serializers.CharField()


class EnginesSerializer(serializers.Serializer[Any]):
    engines = serializers.DictField(
        child=EngineSerializer(many=True), help_text="Role → the engines that can fill it."
    )
    problem = EngineProblemSerializer(
        allow_null=True, help_text="Why a session would get no engines at all."
    )


class CheckSerializer(serializers.Serializer[Any]):
    engine = serializers.CharField()
    key = serializers.CharField(allow_null=True)
    ok = serializers.BooleanField()
    code = serializers.CharField(allow_blank=True)
    message = serializers.CharField(allow_blank=True)
    details = serializers.DictField()


class ChecksSerializer(serializers.Serializer[Any]):
    checks = CheckSerializer(many=True)


class EnginesView(Api):
    tag = "engines"
    scopes: ClassVar[dict[str, str]] = {"GET": ANY}
    serializer_class = EnginesSerializer
    pagination_class = None

    @extend_schema(operation_id="list_engines")
    def get(self, request: Request) -> Response:  # noqa: ARG002 - the framework's signature
        """The engines that your sessions may choose from, by role."""
        return Response(engines_for(access_of(self.person.pk)))


class CheckKeysView(Api):
    tag = "engines"
    scopes: ClassVar[dict[str, str]] = {"POST": "write:keys"}
    serializer_class = ChecksSerializer
    pagination_class = None
    # Every check is a call to a vendor, on somebody's account.
    rate = "engine_check"

    @extend_schema(operation_id="check_engine_keys", request=None)
    def post(self, request: Request) -> Response:  # noqa: ARG002 - the framework's signature
        """Try each of your own keys with one cheap call."""
        found = check_keys_of(self.person.pk)
        return Response({"checks": [one.shown() for one in found]})
