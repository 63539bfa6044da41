"""``/api/webhooks/{id}/deliveries``: how events arrived; a test event, and sending again."""

from __future__ import annotations

import uuid
from datetime import timedelta
from typing import Any, ClassVar

import django_filters
from django.db.models import QuerySet
from django.utils import timezone
from drf_spectacular.utils import extend_schema
from rest_framework import serializers, status
from rest_framework.exceptions import NotFound
from rest_framework.request import Request
from rest_framework.response import Response

from accounts.rest.conditional import tagged
from accounts.rest.filters import Filters, FilterSet
from accounts.rest.problems import Problem
from accounts.rest.schema import with_tag
from accounts.webhooks import services
from accounts.webhooks.api import READS, WRITES, Webhooks
from accounts.webhooks.models import DeliveryStatus, WebhookDelivery, WebhookEndpoint
from pipeline.bounds import WEBHOOK_KEPT_DAYS


class TrySerializer(serializers.Serializer[Any]):
    at = serializers.DateTimeField()
    code = serializers.IntegerField(allow_null=True)
    error = serializers.CharField(allow_blank=True)
    duration_ms = serializers.IntegerField()


class DeliverySerializer(serializers.ModelSerializer[WebhookDelivery]):
    event = serializers.CharField(source="event_id", help_text="The `webhook-id` of its requests.")
    event_type = serializers.CharField(source="event.type")
    code = serializers.IntegerField(allow_null=True, help_text="HTTP status of the last answer.")

    class Meta:
        model = WebhookDelivery
        fields: tuple[str, ...] = (
            "id",
            "event",
            "event_type",
            "status",
            "attempts",
            "code",
            "error",
            "duration_ms",
            "created_at",
            "last_try_at",
            "next_try_at",
        )
        read_only_fields: tuple[str, ...] = fields


class DeliveryDetailSerializer(DeliverySerializer):
    log = TrySerializer(many=True)
    body = serializers.DictField(source="event.body", help_text="What is sent.")

    class Meta(DeliverySerializer.Meta):
        fields: tuple[str, ...] = (*DeliverySerializer.Meta.fields, "log", "body")
        read_only_fields: tuple[str, ...] = fields


class ReplaySerializer(serializers.Serializer[Any]):
    since = serializers.DateTimeField(
        required=False, help_text=f"What failed since then; {WEBHOOK_KEPT_DAYS} days at most."
    )


class ReplayedSerializer(serializers.Serializer[Any]):
    replayed = serializers.IntegerField()


class DeliveryFilters(FilterSet):
    status = django_filters.MultipleChoiceFilter(choices=DeliveryStatus.choices)
    event_type = django_filters.CharFilter(field_name="event__type", max_length=64)

    class Meta:
        model = WebhookDelivery
        fields: ClassVar[list[str]] = []


class Deliveries(Webhooks):
    """What the views of a webhook's deliveries share."""

    serializer_class: type[serializers.BaseSerializer[Any]] = DeliverySerializer

    def delivery(self, webhook_id: uuid.UUID, delivery_id: uuid.UUID) -> WebhookDelivery:
        rows = self.found(webhook_id).deliveries.select_related("event")
        delivery = rows.filter(pk=delivery_id).first()
        if delivery is None:
            raise NotFound
        return delivery


class WebhookTestView(Deliveries):
    scopes = WRITES
    rate = "webhook_test"

    @extend_schema(operation_id="test_webhook", request=None, responses={202: DeliverySerializer})
    def post(self, request: Request, webhook_id: uuid.UUID) -> Response:  # noqa: ARG002 - the framework's signature
        """Have a `webhook.test` event sent to it; look at the delivery to see how it went."""
        endpoint = self.found(webhook_id)
        refuse_disabled(endpoint)
        delivery = services.send_test(endpoint)
        return Response(DeliverySerializer(delivery).data, status=status.HTTP_202_ACCEPTED)


class WebhookReplayView(Deliveries):
    scopes = WRITES
    serializer_class = ReplayedSerializer

    @extend_schema(
        operation_id="replay_failed",
        request=ReplaySerializer,
        responses={202: ReplayedSerializer},
    )
    def post(self, request: Request, webhook_id: uuid.UUID) -> Response:
        """Send everything again that failed for good."""
        given = ReplaySerializer(data=request.data or {})
        given.is_valid(raise_exception=True)
        endpoint = self.found(webhook_id)
        refuse_disabled(endpoint)
        oldest = timezone.now() - timedelta(days=WEBHOOK_KEPT_DAYS)
        since = max(given.validated_data.get("since") or oldest, oldest)
        count = services.replay_failed(endpoint, since=since)
        return Response({"replayed": count}, status=status.HTTP_202_ACCEPTED)


class DeliveriesView(Deliveries):
    scopes = READS
    queryset = WebhookDelivery.objects.none()
    filter_backends = (Filters,)
    filterset_class = DeliveryFilters
    ordering = ("-created_at", "-id")

    @extend_schema(operation_id="list_deliveries", responses=DeliverySerializer(many=True))
    def get(self, request: Request, webhook_id: uuid.UUID) -> Response:  # noqa: ARG002 - the framework's signature
        """The log of a webhook's deliveries, newest first."""
        rows: QuerySet[WebhookDelivery] = self.found(webhook_id).deliveries.select_related("event")
        return self.page_of(self.filter_queryset(rows))


class DeliveryView(Deliveries):
    scopes = READS
    serializer_class = DeliveryDetailSerializer

    @extend_schema(operation_id="read_delivery")
    @with_tag
    def get(self, request: Request, webhook_id: uuid.UUID, delivery_id: uuid.UUID) -> Response:
        """One delivery: what was sent, and how each try went."""
        shown = DeliveryDetailSerializer(self.delivery(webhook_id, delivery_id)).data
        return tagged(request, shown, ())


class DeliveryReplayView(Deliveries):
    scopes = WRITES

    @extend_schema(
        operation_id="replay_delivery", request=None, responses={202: DeliverySerializer}
    )
    def post(self, request: Request, webhook_id: uuid.UUID, delivery_id: uuid.UUID) -> Response:  # noqa: ARG002 - the framework's signature
        """Send an event again, under the id that it had: receivers know it by that."""
        delivery = self.delivery(webhook_id, delivery_id)
        refuse_disabled(delivery.endpoint)
        services.replay(delivery)
        return Response(DeliverySerializer(delivery).data, status=status.HTTP_202_ACCEPTED)


def refuse_disabled(endpoint: WebhookEndpoint) -> None:
    if not endpoint.enabled:
        raise Problem("webhook_disabled")
