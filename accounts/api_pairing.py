"""``/api/pairing``: an extension gets a token of its own for a short code."""

from __future__ import annotations

from typing import Any

from django.core.exceptions import ValidationError
from drf_spectacular.utils import extend_schema
from rest_framework import serializers, status
from rest_framework.authentication import SessionAuthentication
from rest_framework.exceptions import PermissionDenied
from rest_framework.permissions import AllowAny
from rest_framework.request import Request
from rest_framework.response import Response

from accounts.api import MadeTokenSerializer, TokenSerializer
from accounts.pairing import PairingCodeWrongError, exchange_code, issue_code
from accounts.rest.problems import Problem
from accounts.rest.views import Api
from accounts.services import TokenLimitReachedError


class ExchangeSerializer(serializers.Serializer[Any]):
    code = serializers.CharField(
        max_length=32, help_text="As it was shown, in any case, with or without the hyphen."
    )
    name = serializers.CharField(max_length=100, help_text="Of the browser, for people.")


class PairedSerializer(MadeTokenSerializer):
    account = serializers.EmailField(help_text="Whose token it is.")

    class Meta(MadeTokenSerializer.Meta):
        fields: tuple[str, ...] = (*MadeTokenSerializer.Meta.fields, "account")


class CodeSerializer(serializers.Serializer[Any]):
    code = serializers.CharField(help_text="Counts once.")
    expires_at = serializers.DateTimeField()


class PairingExchangeView(Api):
    """Public: the code is the credential, and guesses are limited by address."""

    tag = "pairing"
    authentication_classes = ()
    permission_classes = (AllowAny,)
    rate = "pairing"
    serializer_class = ExchangeSerializer

    @extend_schema(
        operation_id="exchange_pairing_code",
        request=ExchangeSerializer,
        responses={201: PairedSerializer},
    )
    def post(self, request: Request) -> Response:
        """A token for a pairing code. The answer holds it, for the only time."""
        wanted = self.valid(request)
        try:
            new = exchange_code(wanted["code"], name=wanted["name"])
        except PairingCodeWrongError:
            raise Problem("pairing_code_wrong") from None
        except TokenLimitReachedError as reason:
            raise Problem("token_limit", str(reason)) from None
        except ValidationError as wrong:
            raise serializers.ValidationError({"name": wrong.messages}) from None
        shown = {
            **TokenSerializer(new.record).data,
            "token": new.token,
            "account": new.record.auth_token.user.email,
        }
        headers = {"Cache-Control": "no-store"}
        return Response(shown, status=status.HTTP_201_CREATED, headers=headers)


class PairingCodesView(Api):
    """For people who are logged in alone: a token must not make others of itself."""

    tag = "pairing"
    serializer_class = CodeSerializer

    @extend_schema(
        operation_id="create_pairing_code", request=None, responses={201: CodeSerializer}
    )
    def post(self, request: Request) -> Response:
        """A pairing code for ten minutes and one use; not for tokens."""
        if not isinstance(request.successful_authenticator, SessionAuthentication):
            raise PermissionDenied("Only who is logged in can make a code, not a token.")
        new = issue_code(self.person)
        shown = {"code": new.code, "expires_at": new.expires_at}
        headers = {"Cache-Control": "no-store"}
        return Response(shown, status=status.HTTP_201_CREATED, headers=headers)
