"""``/api/tokens`` and ``/api/ticket``: a person's own tokens, and passes to one socket."""

from __future__ import annotations

from datetime import timedelta
from typing import Any, ClassVar

from django.core.exceptions import ValidationError
from django.db import transaction
from drf_spectacular.utils import extend_schema
from rest_framework import serializers, status
from rest_framework.exceptions import NotFound
from rest_framework.request import Request
from rest_framework.response import Response

from accounts.models import ApiToken
from accounts.rest.conditional import check_match, tagged
from accounts.rest.fields import ChoiceField
from accounts.rest.idempotency import idempotent
from accounts.rest.problems import Problem
from accounts.rest.schema import edits, with_tag
from accounts.rest.scopes import DUB, EVERYTHING, SCOPES, TokenAccess
from accounts.rest.views import Api
from accounts.selectors import tokens_of
from accounts.services import (
    TICKET_LASTS,
    TokenLimitReachedError,
    create_token,
    issue_ticket,
    rename_token,
    revoke_token,
)
from accounts.socket_authentication import TICKET_SUBPROTOCOL

EDITABLE = ("name",)


class TokenSerializer(serializers.ModelSerializer[ApiToken]):
    prefix = serializers.SerializerMethodField(help_text="The first characters of the token.")
    created_at = serializers.DateTimeField(source="auth_token.created", read_only=True)
    expires_at = serializers.DateTimeField(
        source="auth_token.expiry", read_only=True, allow_null=True
    )
    scopes = serializers.ListField(child=serializers.ChoiceField(choices=list(SCOPES)))

    class Meta:
        model = ApiToken
        fields: tuple[str, ...] = (
            "id",
            "name",
            "prefix",
            "scopes",
            "created_at",
            "expires_at",
            "last_used_at",
        )
        read_only_fields: tuple[str, ...] = ("scopes", "last_used_at")

    def get_prefix(self, record: ApiToken) -> str:
        return str(record.auth_token.token_key[:8])


class NewTokenSerializer(serializers.Serializer[Any]):
    name = serializers.CharField(max_length=100)
    expires_in_days = serializers.IntegerField(
        min_value=1, max_value=3650, required=False, help_text="A year if it is left out."
    )
    scopes = serializers.ListField(
        child=ChoiceField(choices=list(SCOPES)),
        min_length=1,
        max_length=len(SCOPES),
        default=[EVERYTHING],
        help_text="What it may do; everything if it is left out. No more than the token that "
        "asks for it.",
    )


class MadeTokenSerializer(TokenSerializer):
    token = serializers.CharField(help_text="The token itself, shown this once.")

    class Meta(TokenSerializer.Meta):
        fields: tuple[str, ...] = (*TokenSerializer.Meta.fields, "token")


class RenamedTokenSerializer(serializers.Serializer[Any]):
    name = serializers.CharField(max_length=100)


class TicketSerializer(serializers.Serializer[Any]):
    ticket = serializers.CharField()
    subprotocol = serializers.CharField(help_text="What a browser offers in the handshake.")
    expires_in_s = serializers.FloatField()


class TokensView(Api):
    tag = "tokens"
    scopes: ClassVar[dict[str, str]] = {"GET": "read:tokens", "POST": "write:tokens"}
    serializer_class = TokenSerializer
    ordering = ("-auth_token__created", "-pk")

    @extend_schema(operation_id="list_tokens", responses=TokenSerializer(many=True))
    def get(self, request: Request) -> Response:  # noqa: ARG002 - the framework's signature
        """Your tokens, newest first; never the tokens themselves."""
        return self.page_of(tokens_of(self.person))

    @extend_schema(
        operation_id="create_token",
        request=NewTokenSerializer,
        responses={201: MadeTokenSerializer},
    )
    @idempotent
    def post(self, request: Request) -> Response:
        """Make a token. The answer holds it, for the only time."""
        given = NewTokenSerializer(data=request.data)
        given.is_valid(raise_exception=True)
        wanted = given.validated_data
        _refuse_more(request, frozenset(wanted["scopes"]))
        days = wanted.get("expires_in_days")
        try:
            new = create_token(
                self.person,
                name=wanted["name"],
                lasts=timedelta(days=days) if days else None,
                scopes=wanted["scopes"],
            )
        except TokenLimitReachedError as reason:
            raise Problem("token_limit", str(reason)) from None
        except ValidationError as wrong:
            raise serializers.ValidationError({"name": wrong.messages}) from None
        shown = {**TokenSerializer(new.record).data, "token": new.token}
        headers = {"Location": f"/api/tokens/{new.record.pk}", "Cache-Control": "no-store"}
        return Response(shown, status=status.HTTP_201_CREATED, headers=headers)


class TokenView(Api):
    tag = "tokens"
    scopes: ClassVar[dict[str, str]] = {
        "GET": "read:tokens",
        "PATCH": "write:tokens",
        "DELETE": "write:tokens",
    }
    serializer_class = TokenSerializer

    @extend_schema(operation_id="read_token")
    @with_tag
    def get(self, request: Request, token_id: int) -> Response:
        """One of your tokens."""
        return tagged(request, TokenSerializer(self._found(token_id)).data, EDITABLE)

    @extend_schema(operation_id="rename_token", request=RenamedTokenSerializer)
    @edits
    def patch(self, request: Request, token_id: int) -> Response:
        """Give a token another name."""
        given = RenamedTokenSerializer(data=request.data)
        given.is_valid(raise_exception=True)
        with transaction.atomic():
            record = self._found(token_id, locked=True)
            check_match(request, TokenSerializer(record).data, EDITABLE)
            rename_token(record, name=given.validated_data["name"])
        return tagged(request, TokenSerializer(record).data, EDITABLE)

    @extend_schema(operation_id="revoke_token", responses={204: None})
    @edits
    def delete(self, request: Request, token_id: int) -> Response:
        """Revoke a token: from now on it opens nothing."""
        with transaction.atomic():
            record = self._found(token_id, locked=True)
            check_match(request, TokenSerializer(record).data, EDITABLE, required=False)
            revoke_token(self.person, token_id=token_id)
        return Response(status=status.HTTP_204_NO_CONTENT)

    def _found(self, token_id: int, *, locked: bool = False) -> ApiToken:
        rows = tokens_of(self.person).filter(pk=token_id)
        record = rows.select_for_update(of=("self",)).first() if locked else rows.first()
        if record is None:
            raise NotFound
        return record


class TicketView(Api):
    tag = "tokens"
    scopes: ClassVar[dict[str, str]] = {"POST": DUB}
    serializer_class = TicketSerializer

    @extend_schema(operation_id="create_ticket", request=None, responses={201: TicketSerializer})
    def post(self, request: Request) -> Response:  # noqa: ARG002 - the framework's signature
        """A pass to one socket: offer ``subprotocol`` in the handshake within the time."""
        ticket = issue_ticket(self.person)
        body = {
            "ticket": ticket,
            "subprotocol": f"{TICKET_SUBPROTOCOL}{ticket}",
            "expires_in_s": TICKET_LASTS.total_seconds(),
        }
        return Response(body, status=status.HTTP_201_CREATED, headers={"Cache-Control": "no-store"})


def _refuse_more(request: Request, scopes: frozenset[str]) -> None:
    """A token makes none that may do more than itself."""
    access = request.auth
    if isinstance(access, TokenAccess) and not access.covers(scopes):
        beyond = ", ".join(sorted(scopes - access.scopes))
        raise Problem("scope_missing", f"This token may not give away what it lacks: {beyond}.")
