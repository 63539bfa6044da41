"""``/api/pairing``: an extension gets a token of its own for a short code."""

from __future__ import annotations

from typing import Any, ClassVar

from django.core.exceptions import ValidationError
from drf_spectacular.utils import extend_schema
from rest_framework import serializers, status
from rest_framework.authentication import SessionAuthentication
from rest_framework.exceptions import PermissionDenied
from rest_framework.permissions import AllowAny
from rest_framework.request import Request
from rest_framework.response import Response

from accounts.pairing import PairingCodeWrongError, exchange_code, issue_code
from accounts.rest.problems import Problem
from accounts.rest.views import Api
from accounts.services import TokenLimitReachedError


class ExchangeSerializer(serializers.Serializer[Any]):
    code = serializers.CharField(max_length=32)
    name = serializers.CharField(max_length=100, help_text="What the extension is to be called.")


class PairedSerializer(serializers.Serializer[Any]):
    token = serializers.CharField(help_text="The token itself, shown this once.")
    id = serializers.IntegerField()
    name = serializers.CharField()
    expires_at = serializers.DateTimeField(allow_null=True)
    account = serializers.EmailField()


class PairingCodeSerializer(serializers.Serializer[Any]):
    code = serializers.CharField()
    expires_at = serializers.DateTimeField()


class PairingExchangeView(Api):
    """Public: the code is the credential, and guesses are limited by address."""

    tag = "tokens"
    authentication_classes = ()
    permission_classes = (AllowAny,)
    serializer_class = PairedSerializer
    rate = "pairing"

    @extend_schema(
        operation_id="exchange_pairing_code",
        request=ExchangeSerializer,
        responses={201: PairedSerializer},
    )
    def post(self, request: Request) -> Response:
        """A token for a code that its owner made. The answer holds it, for the only time."""
        given = ExchangeSerializer(data=request.data)
        given.is_valid(raise_exception=True)
        wanted = given.validated_data
        try:
            new = exchange_code(wanted["code"], name=wanted["name"])
        except PairingCodeWrongError:
            raise Problem("pairing_code_wrong") from None
        except TokenLimitReachedError as reason:
            raise Problem("token_limit", str(reason)) from None
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


class PairingCodesView(Api):
    """For people who are logged in alone: a token must not make others of itself."""

    tag = "tokens"
    scopes: ClassVar[dict[str, str]] = {"POST": "write:tokens"}
    serializer_class = PairingCodeSerializer

    @extend_schema(
        operation_id="create_pairing_code", request=None, responses={201: PairingCodeSerializer}
    )
    def post(self, request: Request) -> Response:
        """A code for ten minutes and one use; for who is logged in, not for a token."""
        if not isinstance(request.successful_authenticator, SessionAuthentication):
            raise PermissionDenied("Only who is logged in can make a code, not a token.")
        new = issue_code(self.person)
        return Response(
            {"code": new.code, "expires_at": new.expires_at},
            status=status.HTTP_201_CREATED,
            headers={"Cache-Control": "no-store"},
        )
