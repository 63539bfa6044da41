"""``/api/engine-keys``: a person's own keys of vendors; given, listed by a hint, taken away."""

from __future__ import annotations

from typing import Any, cast

from django.conf import settings
from rest_framework import serializers, status
from rest_framework.permissions import IsAuthenticated
from rest_framework.request import Request
from rest_framework.response import Response
from rest_framework.views import APIView

from accounts.authentication import REST_AUTHENTICATION
from accounts.models import EngineKey, User
from accounts.selectors import engine_keys_of, opened
from accounts.services import UserKeysOffError, forget_engine_key, keep_engine_key
from pipeline.bounds import ENGINE_KEY_MAX_CHARS
from pipeline.providers.catalogue import VENDORS
from pipeline.providers.keys import KeyShapeError

UNREADABLE = "This key can no longer be read, because the server's own key changed: enter it again."


class GivenKey(serializers.Serializer[Any]):
    vendor = serializers.ChoiceField(choices=list(VENDORS))
    key = serializers.CharField(
        max_length=ENGINE_KEY_MAX_CHARS, trim_whitespace=True, write_only=True
    )


class EngineKeysView(APIView):
    authentication_classes = REST_AUTHENTICATION
    permission_classes = (IsAuthenticated,)

    def get(self, request: Request) -> Response:
        """The user's own keys: never the keys themselves."""
        keys = [_shown(key) for key in engine_keys_of(_user(request))]
        return Response({"allowed": settings.ALLOW_USER_KEYS, "keys": keys})

    def put(self, request: Request) -> Response:
        """Give a key; one of the same vendor's that was there before is replaced."""
        given = GivenKey(data=request.data)
        given.is_valid(raise_exception=True)
        try:
            key = keep_engine_key(
                _user(request),
                vendor=given.validated_data["vendor"],
                text=given.validated_data["key"],
            )
        except KeyShapeError as wrong:
            raise serializers.ValidationError({"key": [str(wrong)]}) from None
        except UserKeysOffError as reason:
            body = {"code": "user_keys_off", "message": str(reason)}
            return Response(body, status=status.HTTP_403_FORBIDDEN)
        return Response(_shown(key), headers={"Cache-Control": "no-store"})

    def delete(self, request: Request) -> Response:
        """Take the key of ``?vendor=`` away."""
        vendor = request.query_params.get("vendor", "")
        if vendor not in VENDORS:
            raise serializers.ValidationError({"vendor": f"Choose one of: {', '.join(VENDORS)}."})
        if not forget_engine_key(_user(request), vendor=vendor):
            return Response({"detail": "Not found."}, status=status.HTTP_404_NOT_FOUND)
        return Response(status=status.HTTP_204_NO_CONTENT)


def _user(request: Request) -> User:
    return cast(User, request.user)


def _shown(key: EngineKey) -> dict[str, Any]:
    readable = opened(key) is not None
    return {
        "vendor": key.vendor,
        "kind": key.kind,
        "hint": key.hint,
        "created_at": key.created_at,
        "last_used_at": key.last_used_at,
        "last_checked_at": key.last_checked_at,
        "status": key.status if readable else "key_unreadable",
        "message": "" if readable else UNREADABLE,
    }
