"""``/settings/usage``: what was used, what it cost, and how much of the day is left."""

from __future__ import annotations

from collections import defaultdict
from typing import Any, cast

from django.conf import settings
from django.contrib.auth.decorators import login_required
from django.http import HttpRequest, HttpResponse
from django.shortcuts import render
from django.views.decorators.http import require_safe

from accounts.models import User
from sessions_app.models import DailyUse
from sessions_app.usage import report as figures

PERIODS = (7, 30, 90)


@login_required
@require_safe
def usage(request: HttpRequest) -> HttpResponse:
    user = cast(User, request.user)
    asked = request.GET.get("days", "")
    days = int(asked) if asked in map(str, PERIODS) else 30
    rows = figures.usage_of(user, days=days)
    today = figures.today()
    heard = DailyUse.objects.filter(user=user, day=today).values_list("heard_s", flat=True).first()
    spent = figures.cost_of([row for row in rows if row["day"] == today]) or 0.0
    context = {
        "days": days,
        "periods": PERIODS,
        "currency": settings.PRICE_CURRENCY,
        "cost": figures.cost_of(rows),
        "totals": [_shown(row) for row in figures.totals(rows)],
        "by_day": _by_day(rows),
        "minutes_today": (heard or 0.0) / 60,
        "minutes_limit": settings.MAX_MINUTES_PER_DAY,
        "spent_today": spent,
        "cost_limit": settings.MAX_COST_PER_DAY,
    }
    return render(request, "settings/usage.html", context)


def _shown(row: dict[str, Any]) -> dict[str, Any]:
    """Seconds of more than a few minutes read better as minutes."""
    amount, unit = row["amount"], row["unit"]
    if unit == "seconds" and amount >= 300:
        amount, unit = amount / 60, "minutes"
    return {**row, "amount": amount, "unit": unit}


def _by_day(rows: list[dict[str, Any]]) -> list[dict[str, Any]]:
    """Newest first: seconds recognised, characters translated and spoken, the cost."""
    found: dict[Any, dict[str, Any]] = defaultdict(lambda: defaultdict(float))
    for row in rows:
        day = found[row["day"]]
        day[row["leg"]] += row["amount"]
        if row["cost"] is not None:
            day["cost"] += row["cost"]
    return [{"day": day, **legs} for day, legs in sorted(found.items(), reverse=True)]
