"""``/api/usage``: what engines were used for, and what that cost."""

from __future__ import annotations

from typing import Any, ClassVar

from django.conf import settings
from drf_spectacular.utils import extend_schema
from rest_framework import serializers
from rest_framework.exceptions import NotFound, PermissionDenied
from rest_framework.request import Request
from rest_framework.response import Response

from accounts.models import User
from accounts.rest.schema import also_answers
from accounts.rest.views import Api
from pipeline.bounds import USE_DAYS_MAX
from sessions_app.usage import report as usage


class Asked(serializers.Serializer[Any]):
    days = serializers.IntegerField(min_value=1, max_value=USE_DAYS_MAX, default=30)
    user = serializers.IntegerField(
        min_value=1, max_value=2**63 - 1, required=False, help_text="For staff: whose use."
    )


class UsedSerializer(serializers.Serializer[Any]):
    engine = serializers.CharField()
    leg = serializers.CharField(help_text="`recognition`, `translation` or `synthesis`.")
    unit = serializers.CharField(help_text="What the amount counts.")
    amount = serializers.FloatField()
    requests = serializers.IntegerField()
    cost = serializers.FloatField(allow_null=True, help_text="`null`: it has no price here.")


class UsedOnDaySerializer(UsedSerializer):
    day = serializers.DateField()


class UsageSerializer(serializers.Serializer[Any]):
    user = serializers.IntegerField()
    days = serializers.IntegerField()
    currency = serializers.CharField()
    usage = UsedOnDaySerializer(many=True)
    totals = UsedSerializer(many=True)
    cost = serializers.FloatField(allow_null=True)


class UsageView(Api):
    tag = "usage"
    scopes: ClassVar[dict[str, str]] = {"GET": "read:usage"}
    serializer_class = UsageSerializer
    pagination_class = None

    @extend_schema(operation_id="read_usage", parameters=[Asked])
    @also_answers("404")
    def get(self, request: Request) -> Response:
        """Your own use of the last days, by day, engine and leg."""
        asked = Asked(data=request.query_params)
        asked.is_valid(raise_exception=True)
        days: int = asked.validated_data["days"]
        me = self.person
        wanted: int = asked.validated_data.get("user", me.pk)
        if wanted != me.pk and not me.is_staff:
            raise PermissionDenied("Only staff may see what others used.")
        user = me if wanted == me.pk else User.objects.filter(pk=wanted).first()
        if user is None:
            raise NotFound
        rows = usage.usage_of(user, days=days)
        return Response(
            {
                "user": user.pk,
                "days": days,
                "currency": settings.PRICE_CURRENCY,
                "usage": [shown(row) for row in rows],
                "totals": [shown(row) for row in usage.totals(rows)],
                "cost": money(usage.cost_of(rows)),
            }
        )


def shown(row: dict[str, Any]) -> dict[str, Any]:
    """A row for people: sums of fractions end somewhere."""
    return {**row, "amount": round(row["amount"], 3), "cost": money(row["cost"])}


def money(cost: float | None) -> float | None:
    return None if cost is None else round(cost, 6)
