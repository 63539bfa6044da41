"""``/api/webhooks``: where events go."""

from __future__ import annotations

import uuid
from typing import Any, ClassVar

from django.conf import settings
from django.db import transaction
from drf_spectacular.utils import extend_schema
from rest_framework import serializers, status
from rest_framework.exceptions import NotFound
from rest_framework.request import Request
from rest_framework.response import Response

from accounts.models import Team
from accounts.rest.conditional import check_match, tagged
from accounts.rest.idempotency import idempotent
from accounts.rest.problems import Problem
from accounts.rest.schema import edits, with_tag
from accounts.rest.scopes import ANY
from accounts.rest.views import Api
from accounts.selectors import editing_teams_of
from accounts.webhooks import services
from accounts.webhooks.addresses import AddressRefusedError, check_url
from accounts.webhooks.event_types import EVENT_TYPES, EVERY
from accounts.webhooks.models import WebhookEndpoint
from pipeline.bounds import WEBHOOK_URL_MAX

EDITABLE = ("url", "description", "event_types", "team", "enabled")
READS: dict[str, str] = {"GET": "read:webhooks"}
WRITES: dict[str, str] = {"POST": "write:webhooks"}


class WebhookSerializer(serializers.ModelSerializer[WebhookEndpoint]):
    team = serializers.PrimaryKeyRelatedField[Any](
        read_only=True,
        allow_null=True,
        help_text="Told of what this team shares; `null`: of everything of yours.",
    )
    event_types = serializers.ListField(child=serializers.CharField())
    disabled_reason = serializers.CharField(
        read_only=True,
        allow_blank=True,
        help_text="Why the server disabled it: `failing` or `gone`.",
    )

    class Meta:
        model = WebhookEndpoint
        fields: tuple[str, ...] = (
            "id",
            "url",
            "description",
            "event_types",
            "team",
            "enabled",
            "disabled_reason",
            "failing_since",
            "created_at",
        )
        read_only_fields: tuple[str, ...] = fields


class MadeWebhookSerializer(WebhookSerializer):
    secret = serializers.CharField(help_text="What deliveries are signed with, shown this once.")

    class Meta(WebhookSerializer.Meta):
        fields: tuple[str, ...] = (*WebhookSerializer.Meta.fields, "secret")
        read_only_fields: tuple[str, ...] = fields


class SecretSerializer(serializers.Serializer[Any]):
    secret = serializers.CharField()
    before_until = serializers.DateTimeField(
        help_text="Until then deliveries are signed with the secret before it, too."
    )


class NewWebhookSerializer(serializers.Serializer[Any]):
    url = serializers.CharField(max_length=WEBHOOK_URL_MAX, help_text="An https:// address.")
    description = serializers.CharField(max_length=200, allow_blank=True, default="")
    event_types = serializers.ListField(
        child=serializers.CharField(max_length=64),
        min_length=1,
        max_length=100,
        default=[EVERY],
        help_text="Of `GET /api/webhooks/event-types`; `*` is every event.",
    )
    team = serializers.IntegerField(
        min_value=1,
        max_value=2**63 - 1,
        allow_null=True,
        default=None,
        help_text="A team in which you edit, to be told of what it shares.",
    )

    def validate_url(self, url: str) -> str:
        try:
            check_url(url, private=settings.WEBHOOKS_PRIVATE_ADDRESSES)
        except AddressRefusedError as refused:
            raise serializers.ValidationError(str(refused)) from None
        return url

    def validate_event_types(self, names: list[str]) -> list[str]:
        unknown = [name for name in names if name != EVERY and name not in EVENT_TYPES]
        if unknown:
            raise serializers.ValidationError(
                f"There is no event “{unknown[0]}”; there are: {', '.join(EVENT_TYPES)}."
            )
        return [EVERY] if EVERY in names else list(dict.fromkeys(names))


class EditedWebhookSerializer(NewWebhookSerializer):
    """What is left out stays as it is."""

    enabled = serializers.BooleanField()

    def __init__(self, *args: Any, **kwargs: Any) -> None:
        super().__init__(*args, partial=True, **kwargs)

    def validate(self, attrs: dict[str, Any]) -> dict[str, Any]:
        if not attrs:
            raise serializers.ValidationError(f"Name what to change: {', '.join(EDITABLE)}.")
        return attrs


class EventTypeSerializer(serializers.Serializer[Any]):
    name = serializers.CharField()
    description = serializers.CharField()
    example = serializers.DictField(help_text="Of the `data` of its body.")


class EventTypesSerializer(serializers.Serializer[Any]):
    event_types = EventTypeSerializer(many=True)


class Webhooks(Api):
    """What the views of one webhook share."""

    tag = "webhooks"
    serializer_class: type[serializers.BaseSerializer[Any]] = WebhookSerializer

    def found(self, webhook_id: uuid.UUID, *, locked: bool = False) -> WebhookEndpoint:
        """One that the person owns, or whose team they edit in: viewers do not see where a
        team's events go."""
        rows = WebhookEndpoint.objects.editable_by(self.person).filter(pk=webhook_id)
        endpoint = rows.select_for_update(of=("self",)).first() if locked else rows.first()
        if endpoint is None:
            raise NotFound
        return endpoint  # type: ignore[no-any-return]  # what is owned has an untyped manager

    def team(self, team_id: int | None) -> Team | None:
        if team_id is None:
            return None
        team = editing_teams_of(self.person).filter(pk=team_id).first()
        if team is None:
            raise serializers.ValidationError({"team": "You edit in no team of this id."})
        return team


class WebhooksView(Webhooks):
    scopes = READS | WRITES
    ordering = ("-created_at", "-id")

    @extend_schema(operation_id="list_webhooks", responses=WebhookSerializer(many=True))
    def get(self, request: Request) -> Response:  # noqa: ARG002 - the framework's signature
        """Your webhooks, and those of the teams in which you edit."""
        return self.page_of(WebhookEndpoint.objects.editable_by(self.person))

    @extend_schema(
        operation_id="create_webhook",
        request=NewWebhookSerializer,
        responses={201: MadeWebhookSerializer},
    )
    @idempotent
    def post(self, request: Request) -> Response:
        """Have events sent to a server of yours. The answer holds the secret, this once."""
        given = NewWebhookSerializer(data=request.data)
        given.is_valid(raise_exception=True)
        wanted = given.validated_data
        wanted["team"] = self.team(wanted["team"])
        try:
            endpoint, secret = services.create_webhook(self.person, **wanted)
        except services.WebhookLimitReachedError as reason:
            raise Problem("webhook_limit", str(reason)) from None
        shown = {**WebhookSerializer(endpoint).data, "secret": secret}
        headers = {"Location": f"/api/webhooks/{endpoint.pk}", "Cache-Control": "no-store"}
        return tagged(request, shown, EDITABLE, status=status.HTTP_201_CREATED, headers=headers)


class WebhookView(Webhooks):
    scopes: ClassVar[dict[str, str]] = {
        "GET": "read:webhooks",
        "PATCH": "write:webhooks",
        "DELETE": "write:webhooks",
    }

    @extend_schema(operation_id="read_webhook")
    @with_tag
    def get(self, request: Request, webhook_id: uuid.UUID) -> Response:
        """One webhook; never its secret."""
        return tagged(request, WebhookSerializer(self.found(webhook_id)).data, EDITABLE)

    @extend_schema(operation_id="edit_webhook", request=EditedWebhookSerializer)
    @edits
    def patch(self, request: Request, webhook_id: uuid.UUID) -> Response:
        """Change a webhook, disable it, or enable it again."""
        given = EditedWebhookSerializer(data=request.data)
        given.is_valid(raise_exception=True)
        wanted = given.validated_data
        with transaction.atomic():
            endpoint = self.found(webhook_id, locked=True)
            check_match(request, WebhookSerializer(endpoint).data, EDITABLE)
            if "team" in wanted:
                if endpoint.owner_id != self.person.pk:
                    raise Problem("forbidden", "Only its owner moves a webhook between teams.")
                wanted["team"] = self.team(wanted["team"])
            services.edit_webhook(endpoint, **wanted)
        return tagged(request, WebhookSerializer(endpoint).data, EDITABLE)

    @extend_schema(operation_id="delete_webhook", responses={204: None})
    @edits
    def delete(self, request: Request, webhook_id: uuid.UUID) -> Response:
        """Delete a webhook with its log; what waits for it is not sent."""
        with transaction.atomic():
            endpoint = self.found(webhook_id, locked=True)
            check_match(request, WebhookSerializer(endpoint).data, EDITABLE, required=False)
            endpoint.delete()
        return Response(status=status.HTTP_204_NO_CONTENT)


class WebhookSecretView(Webhooks):
    scopes = WRITES
    serializer_class = SecretSerializer

    @extend_schema(operation_id="renew_webhook_secret", request=None)
    def post(self, request: Request, webhook_id: uuid.UUID) -> Response:  # noqa: ARG002 - the framework's signature
        """Give it a new secret. For a day deliveries carry signatures of both."""
        with transaction.atomic():
            endpoint = self.found(webhook_id, locked=True)
            secret = services.renew_secret(endpoint)
        shown = {"secret": secret, "before_until": endpoint.secret_before_until}
        return Response(SecretSerializer(shown).data, headers={"Cache-Control": "no-store"})


class EventTypesView(Webhooks):
    scopes: ClassVar[dict[str, str]] = {"GET": ANY}
    serializer_class = EventTypesSerializer
    pagination_class = None

    @extend_schema(operation_id="list_event_types")
    def get(self, request: Request) -> Response:  # noqa: ARG002 - the framework's signature
        """The events that there are, with an example of each."""
        shown = EventTypeSerializer(list(EVENT_TYPES.values()), many=True).data
        return Response({"event_types": shown})
