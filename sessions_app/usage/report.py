"""Reads what engines were used for, and what that cost at today's prices."""

from __future__ import annotations

import functools
from collections.abc import Iterable, Mapping
from datetime import date, timedelta
from typing import Any

from django.conf import settings
from django.db.models import QuerySet, Sum
from django.utils import timezone

from accounts.models import User
from pipeline.guards.prices import Prices, parse_prices
from sessions_app.models import DubbingSession, EngineUse

LEG = ("engine", "leg", "unit")


def usage_of(user: User, *, days: int) -> list[dict[str, Any]]:
    """The user's last ``days`` (UTC, with today) by day, engine and leg, newest day first."""
    rows = EngineUse.objects.filter(user=user, day__gt=today() - timedelta(days=days))
    return _priced(rows, "day", *LEG)


def usage_of_session(session: DubbingSession) -> list[dict[str, Any]]:
    """By engine and leg, over all days and runs."""
    return _priced(EngineUse.objects.filter(session=session), *LEG)


def cost_of_day(user_id: int, day: date) -> float:
    """Of what has a price."""
    return cost_of(_priced(EngineUse.objects.filter(user_id=user_id, day=day), *LEG)) or 0.0


def totals(rows: Iterable[Mapping[str, Any]]) -> list[dict[str, Any]]:
    """Rows of several days, by engine and leg."""
    found: dict[tuple[str, ...], dict[str, Any]] = {}
    for row in rows:
        key = tuple(row[name] for name in LEG)
        total = found.setdefault(
            key, dict(zip(LEG, key, strict=True)) | {"amount": 0.0, "requests": 0, "cost": None}
        )
        total["amount"] += row["amount"]
        total["requests"] += row["requests"]
        total["cost"] = cost_of((total, row))
    return [found[key] for key in sorted(found)]


def cost_of(rows: Iterable[Mapping[str, Any]]) -> float | None:
    """Of the rows together; None when nothing in them has a price."""
    costs = [row["cost"] for row in rows if row["cost"] is not None]
    return sum(costs) if costs else None


def today() -> date:
    return timezone.now().date()


def _priced(rows: QuerySet[EngineUse], *by: str) -> list[dict[str, Any]]:
    found = (
        rows.values(*by)
        .annotate(sum_amount=Sum("amount"), sum_requests=Sum("requests"))
        .order_by(*(f"-{name}" if name == "day" else name for name in by))
    )
    # Computed on reading, never kept: a price that is put right counts for the past too.
    prices = _prices(settings.ENGINE_PRICES)
    priced = []
    for row in found:
        price = prices.get((row["engine"], row["leg"]))
        amount, requests = row.pop("sum_amount"), row.pop("sum_requests")
        cost = price.of(amount) if price else None
        priced.append({**row, "amount": amount, "requests": requests, "cost": cost})
    return priced


@functools.lru_cache(maxsize=4)
def _prices(setting: str) -> Prices:
    return parse_prices(setting)
