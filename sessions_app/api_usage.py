"""``/api/usage``: what engines were used for, and what that cost."""

from __future__ import annotations

from typing import Any, cast

from django.conf import settings
from rest_framework import serializers, status
from rest_framework.exceptions import PermissionDenied
from rest_framework.permissions import IsAuthenticated
from rest_framework.request import Request
from rest_framework.response import Response
from rest_framework.views import APIView

from accounts.authentication import REST_AUTHENTICATION
from accounts.models import User
from pipeline.bounds import USE_DAYS_MAX
from sessions_app import usage


class Asked(serializers.Serializer[Any]):
    days = serializers.IntegerField(min_value=1, max_value=USE_DAYS_MAX, default=30)
    user = serializers.IntegerField(min_value=1, max_value=2**63 - 1, required=False)


class UsageView(APIView):
    authentication_classes = REST_AUTHENTICATION
    permission_classes = (IsAuthenticated,)

    def get(self, request: Request) -> Response:
        """The user's own use of the last ``days``; staff may ask for another ``user``'s."""
        asked = Asked(data=request.query_params)
        asked.is_valid(raise_exception=True)
        days: int = asked.validated_data["days"]
        me = cast(User, request.user)
        wanted: int = asked.validated_data.get("user", me.pk)
        if wanted != me.pk and not me.is_staff:
            raise PermissionDenied("Only staff may see what others used.")
        user = me if wanted == me.pk else User.objects.filter(pk=wanted).first()
        if user is None:
            return Response({"detail": "Not found."}, status=status.HTTP_404_NOT_FOUND)
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
