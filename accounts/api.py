"""``/api/tokens``: a person's own tokens, made, listed and revoked."""

from __future__ import annotations

from datetime import timedelta
from typing import Any, cast

from django.core.exceptions import ValidationError
from rest_framework import serializers, status
from rest_framework.permissions import IsAuthenticated
from rest_framework.request import Request
from rest_framework.response import Response
from rest_framework.views import APIView

from accounts.authentication import REST_AUTHENTICATION
from accounts.models import ApiToken, User
from accounts.selectors import tokens_of
from accounts.services import (
    TICKET_LASTS,
    TokenLimitReachedError,
    create_token,
    issue_ticket,
    revoke_token,
)
from accounts.socket_authentication import TICKET_SUBPROTOCOL


class NewTokenSerializer(serializers.Serializer[Any]):
    name = serializers.CharField(max_length=100)
    expires_in_days = serializers.IntegerField(min_value=1, max_value=3650, required=False)


class TokensView(APIView):
    authentication_classes = REST_AUTHENTICATION
    permission_classes = (IsAuthenticated,)

    def get(self, request: Request) -> Response:
        return Response({"tokens": [_shown(record) for record in tokens_of(_user(request))]})

    def post(self, request: Request) -> Response:
        """The answer holds the token itself, for the only time."""
        wanted = NewTokenSerializer(data=request.data)
        wanted.is_valid(raise_exception=True)
        days = wanted.validated_data.get("expires_in_days")
        try:
            new = create_token(
                _user(request),
                name=wanted.validated_data["name"],
                lasts=timedelta(days=days) if days else None,
            )
        except TokenLimitReachedError as reason:
            body = {"code": "token_limit", "message": str(reason)}
            return Response(body, status=status.HTTP_409_CONFLICT)
        except ValidationError as wrong:
            raise serializers.ValidationError({"name": wrong.messages}) from None
        return Response({**_shown(new.record), "token": new.token}, status=status.HTTP_201_CREATED)


class TokenView(APIView):
    authentication_classes = REST_AUTHENTICATION
    permission_classes = (IsAuthenticated,)

    def delete(self, request: Request, token_id: int) -> Response:
        if not revoke_token(_user(request), token_id=token_id):
            return Response({"detail": "Not found."}, status=status.HTTP_404_NOT_FOUND)
        return Response(status=status.HTTP_204_NO_CONTENT)


class TicketView(APIView):
    authentication_classes = REST_AUTHENTICATION
    permission_classes = (IsAuthenticated,)

    def post(self, request: Request) -> Response:
        """A pass to one socket: offer ``subprotocol`` in the handshake within the time."""
        ticket = issue_ticket(_user(request))
        body = {
            "ticket": ticket,
            "subprotocol": f"{TICKET_SUBPROTOCOL}{ticket}",
            "expires_in_s": TICKET_LASTS.total_seconds(),
        }
        return Response(body, status=status.HTTP_201_CREATED, headers={"Cache-Control": "no-store"})


def _user(request: Request) -> User:
    return cast(User, request.user)


def _shown(record: ApiToken) -> dict[str, Any]:
    return {
        "id": record.pk,
        "name": record.name,
        "prefix": record.auth_token.token_key[:8],
        "created_at": record.auth_token.created,
        "expires_at": record.auth_token.expiry,
    }
