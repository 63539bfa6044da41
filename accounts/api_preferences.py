"""``/api/preferences``: which languages a person wants dubbed, for clients of theirs."""

from __future__ import annotations

from typing import Any, cast

from django.core.exceptions import ValidationError
from rest_framework import serializers
from rest_framework.permissions import IsAuthenticated
from rest_framework.request import Request
from rest_framework.response import Response
from rest_framework.views import APIView

from accounts.authentication import REST_AUTHENTICATION
from accounts.models import Preferences, User
from accounts.preferences import preferences_of, set_preferences


class Wanted(serializers.Serializer[Any]):
    target_language = serializers.CharField(max_length=3, allow_blank=True, default="")
    always_dub = serializers.ListField(
        child=serializers.CharField(max_length=3), max_length=200, default=list
    )
    never_dub = serializers.ListField(
        child=serializers.CharField(max_length=3), max_length=200, default=list
    )


class PreferencesView(APIView):
    authentication_classes = REST_AUTHENTICATION
    permission_classes = (IsAuthenticated,)

    def get(self, request: Request) -> Response:
        return Response(_shown(preferences_of(cast(User, request.user))))

    def put(self, request: Request) -> Response:
        """All of them at once; what is left out is empty."""
        wanted = Wanted(data=request.data)
        wanted.is_valid(raise_exception=True)
        try:
            kept = set_preferences(cast(User, request.user), **wanted.validated_data)
        except ValidationError as wrong:
            raise serializers.ValidationError(wrong.message_dict) from None
        return Response(_shown(kept))


def _shown(preferences: Preferences) -> dict[str, Any]:
    return {
        "target_language": preferences.target_language,
        "always_dub": preferences.always_dub,
        "never_dub": preferences.never_dub,
    }
