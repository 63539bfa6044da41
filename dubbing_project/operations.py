"""``/staff/operations``: is everything well, who is dubbing, what waits, what goes wrong."""

from __future__ import annotations

from datetime import datetime, timedelta
from typing import Any

import redis
from django.conf import settings
from django.contrib.auth.decorators import login_required
from django.core.exceptions import PermissionDenied
from django.db.models import Count
from django.http import HttpRequest, HttpResponse
from django.shortcuts import render
from django.utils import timezone
from django.views.decorators.cache import never_cache
from django.views.decorators.http import require_safe

from dubbing_project.health import report
from pipeline import metrics
from pipeline.bounds import PROBE_SECONDS
from sessions_app.models import DubbingSession

QUEUE = "celery"
SESSIONS_SHOWN = 50
COUNTERS = {
    "Errors told to clients": "dubbing_errors",
    "Connections refused or closed": "dubbing_refusals",
    "Calls of vendors that failed": "dubbing_vendor_failures",
    "Lines another engine stood in for": "dubbing_stand_ins",
    "Lines skipped": "dubbing_lines_skipped",
    "Engine processes replaced": "dubbing_worker_restarts",
}


@never_cache
@login_required
@require_safe
def operations(request: HttpRequest) -> HttpResponse:
    # Not a redirect to the login: who is logged in already would come round in circles.
    if not request.user.is_staff:
        raise PermissionDenied
    found = report.detail(report.current())
    live = DubbingSession.objects.filter(held_by__isnull=False).select_related("owner")
    context = {
        "status": found["status"],
        "parts": {name: found[name] for name in ("database", "redis", "worker", "disk", "engines")},
        "faults": [
            {**fault, "since": datetime.fromisoformat(fault["since"])} for fault in found["faults"]
        ],
        "versions": found["versions"],
        "begun_at": datetime.fromisoformat(found["begun_at"]),
        "loop_lag_ms": found["loop_lag_s"] * 1000,
        "sets": found["engines"].get("sets", []),
        "live": live.order_by("-held_at")[:SESSIONS_SHOWN],
        "live_count": live.count(),
        "here": found["sessions"],
        "tasks_waiting": _tasks_waiting(),
        "outcomes": _outcomes(),
        "counters": {
            title: [(", ".join(labels.values()), int(value)) for labels, value in rows]
            for title, name in COUNTERS.items()
            if (rows := metrics.totals(name)[:12])
        },
    }
    return render(request, "staff/operations.html", context)


def _tasks_waiting() -> int | None:
    """Tasks that no worker has taken; None while Redis is away."""
    client = redis.Redis.from_url(
        settings.REDIS_URL, socket_connect_timeout=PROBE_SECONDS, socket_timeout=PROBE_SECONDS
    )
    try:
        return int(client.llen(QUEUE))
    except redis.RedisError:
        return None
    finally:
        client.close()


def _outcomes() -> dict[str, Any]:
    """How the sessions that began within a day stand: state → how many."""
    begun = DubbingSession.objects.filter(created_at__gte=timezone.now() - timedelta(days=1))
    counts = begun.order_by().values_list("state").annotate(Count("pk"))
    return dict(counts)
