"""``/api/pairing``: an extension gets a token of its own for a short code."""

from __future__ import annotations

from typing import Any, cast

from django.core.exceptions import ValidationError
from rest_framework import serializers, status
from rest_framework.authentication import SessionAuthentication
from rest_framework.exceptions import PermissionDenied
from rest_framework.permissions import AllowAny, IsAuthenticated
from rest_framework.request import Request
from rest_framework.response import Response
from rest_framework.throttling import ScopedRateThrottle
from rest_framework.views import APIView

from accounts.authentication import REST_AUTHENTICATION
from accounts.models import User
from accounts.pairing import PairingCodeWrongError, exchange_code, issue_code
from accounts.services import TokenLimitReachedError

WRONG = "This code is wrong, was used already or has expired. Make a new one on the settings page."


class Exchange(serializers.Serializer[Any]):
    code = serializers.CharField(max_length=32)
    name = serializers.CharField(max_length=100)


class PairingExchangeView(APIView):
    """Public: the code is the credential, and guesses are limited by address."""

    authentication_classes = ()
    permission_classes = (AllowAny,)
    throttle_classes = (ScopedRateThrottle,)
    throttle_scope = "pairing"

    def post(self, request: Request) -> Response:
        """The answer holds the token itself, for the only time."""
        wanted = Exchange(data=request.data)
        wanted.is_valid(raise_exception=True)
        try:
            new = exchange_code(wanted.validated_data["code"], name=wanted.validated_data["name"])
        except PairingCodeWrongError:
            body = {"code": "pairing_code_wrong", "message": WRONG}
            return Response(body, status=status.HTTP_403_FORBIDDEN)
        except TokenLimitReachedError as reason:
            body = {"code": "token_limit", "message": str(reason)}
            return Response(body, status=status.HTTP_409_CONFLICT)
        except ValidationError as wrong:
            raise serializers.ValidationError({"name": wrong.messages}) from None
        record = new.record
        return Response(
            {
                "token": new.token,
                "id": record.pk,
                "name": record.name,
                "expires_at": record.auth_token.expiry,
                "account": record.auth_token.user.email,
            },
            status=status.HTTP_201_CREATED,
            headers={"Cache-Control": "no-store"},
        )


class PairingCodesView(APIView):
    """For people who are logged in alone: a token must not make others of itself."""

    authentication_classes = REST_AUTHENTICATION
    permission_classes = (IsAuthenticated,)

    def post(self, request: Request) -> Response:
        """A code for ten minutes and one use."""
        if not isinstance(request.successful_authenticator, SessionAuthentication):
            raise PermissionDenied("Only who is logged in can make a code, not a token.")
        new = issue_code(cast(User, request.user))
        return Response(
            {"code": new.code, "expires_at": new.expires_at},
            status=status.HTTP_201_CREATED,
            headers={"Cache-Control": "no-store"},
        )
