"""``/api/engine-keys``: a person's own keys of vendors; given, listed by a hint, taken away."""

from __future__ import annotations

from typing import Any, ClassVar

from django.conf import settings
from drf_spectacular.utils import OpenApiParameter, extend_schema
from rest_framework import serializers, status
from rest_framework.exceptions import NotFound
from rest_framework.request import Request
from rest_framework.response import Response

from accounts.models import EngineKey
from accounts.rest.fields import ChoiceField, choose_one_of
from accounts.rest.problems import Problem
from accounts.rest.schema import also_answers
from accounts.rest.views import Api
from accounts.selectors import engine_keys_of, opened
from accounts.services import UserKeysOffError, forget_engine_key, keep_engine_key
from pipeline.bounds import ENGINE_KEY_MAX_CHARS
from pipeline.providers.catalogue import VENDORS
from pipeline.providers.keys import KeyShapeError

UNREADABLE = "This key can no longer be read, because the server's own key changed: enter it again."


class GivenKey(serializers.Serializer[Any]):
    vendor = ChoiceField(choices=list(VENDORS))
    key = serializers.CharField(
        max_length=ENGINE_KEY_MAX_CHARS, trim_whitespace=True, write_only=True
    )


class EngineKeySerializer(serializers.ModelSerializer[EngineKey]):
    status = serializers.SerializerMethodField(
        help_text="What the last check found: `ok` or an error's code; empty: there was none."
    )
    message = serializers.SerializerMethodField()

    class Meta:
        model = EngineKey
        fields: tuple[str, ...] = (
            "vendor",
            "kind",
            "hint",
            "created_at",
            "last_used_at",
            "last_checked_at",
            "status",
            "message",
        )

    def get_status(self, key: EngineKey) -> str:
        return key.status if opened(key) is not None else "key_unreadable"

    def get_message(self, key: EngineKey) -> str:
        return "" if opened(key) is not None else UNREADABLE


class EngineKeysSerializer(serializers.Serializer[Any]):
    allowed = serializers.BooleanField(help_text="Whether this server uses people's own keys.")
    keys = EngineKeySerializer(many=True)


class EngineKeysView(Api):
    tag = "engines"
    scopes: ClassVar[dict[str, str]] = {
        "GET": "read:keys",
        "PUT": "write:keys",
        "DELETE": "write:keys",
    }
    serializer_class = EngineKeysSerializer
    pagination_class = None

    @extend_schema(operation_id="list_engine_keys")
    def get(self, request: Request) -> Response:  # noqa: ARG002 - the framework's signature
        """Your own keys of vendors: never the keys themselves."""
        keys = EngineKeySerializer(engine_keys_of(self.person), many=True).data
        return Response({"allowed": settings.ALLOW_USER_KEYS, "keys": keys})

    @extend_schema(operation_id="give_engine_key", request=GivenKey, responses=EngineKeySerializer)
    def put(self, request: Request) -> Response:
        """Give a key; one of the same vendor's that was there before is replaced."""
        given = GivenKey(data=request.data)
        given.is_valid(raise_exception=True)
        try:
            key = keep_engine_key(
                self.person,
                vendor=given.validated_data["vendor"],
                text=given.validated_data["key"],
            )
        except KeyShapeError as wrong:
            raise serializers.ValidationError({"key": [str(wrong)]}) from None
        except UserKeysOffError as reason:
            raise Problem("user_keys_off", str(reason)) from None
        return Response(EngineKeySerializer(key).data, headers={"Cache-Control": "no-store"})

    @extend_schema(
        operation_id="forget_engine_key",
        parameters=[
            OpenApiParameter("vendor", required=True, enum=list(VENDORS), description="Whose key.")
        ],
        responses={204: None},
    )
    @also_answers("404")
    def delete(self, request: Request) -> Response:
        """Take the key of a vendor away."""
        vendor = request.query_params.get("vendor", "")
        if vendor not in VENDORS:
            raise serializers.ValidationError({"vendor": choose_one_of(VENDORS)})
        if not forget_engine_key(self.person, vendor=vendor):
            raise NotFound
        return Response(status=status.HTTP_204_NO_CONTENT)
