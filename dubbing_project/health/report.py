"""What the probes found, as much of it as each asker may see."""

from __future__ import annotations

from datetime import UTC, datetime
from typing import Any

from django.conf import settings

from dubbing_project.health.folders import MEGABYTE
from dubbing_project.health.probes import PROBES, Recent, run_probes, versions
from pipeline import metrics
from pipeline.bounds import PROBE_SECONDS
from sessions_app.processes import faults, loop_lag, readiness

KEPT_SECONDS = 1.0
SETTLED = frozenset({"ready", "failed"})
"""Engines that failed are tried again by every session: waiting longer changes nothing."""

Report = dict[str, dict[str, Any]]

_recent = Recent(lambda: run_probes(PROBES, seconds=PROBE_SECONDS), seconds=KEPT_SECONDS)
_begun_at = datetime.now(UTC)


def current() -> Report:
    """Part → ok and what else its probe found; at most a second old. Blocks for as long."""
    return _recent.get()


def unready(report: Report) -> str:
    """Why this process should get no new clients; empty when it should.

    Redis and the worker may be away: dubbing goes on without them.
    """
    if reason := readiness.withdrawn():
        return reason
    if not report["database"]["ok"]:
        return "database_away"
    if report["engines"].get("state") not in SETTLED:
        return "engines_starting"
    return ""


def public(report: Report) -> dict[str, Any]:
    """For everybody: whether it works, not what it is made of."""
    well = all(part["ok"] for part in report.values())
    return {
        "status": "ok" if well else "degraded",
        "live": True,
        "ready": not unready(report),
        **{name: _outline(part) for name, part in report.items()},
    }


def _outline(part: dict[str, Any]) -> dict[str, Any]:
    shown = ("ok", "state")
    outline: dict[str, Any] = {name: part[name] for name in shown if name in part}
    if not part["ok"]:
        outline["reason"] = part.get("reason") or part.get("code") or "unavailable"
    return outline


def detail(report: Report) -> dict[str, Any]:
    """For staff."""
    return {
        **public(report),
        **report,
        "unready": unready(report),
        "faults": [
            {"code": fault.code, "since": fault.since.isoformat(), "message": fault.message}
            for fault in faults.present.current()
        ],
        "versions": versions(),
        "begun_at": _begun_at.isoformat(),
        "sessions": metrics.session_counts(),
        "loop_lag_s": round(loop_lag.recent_s(), 4),
        "disk_free_min_bytes": settings.DISK_FREE_MIN_MB * MEGABYTE,
    }
