"""What webhooks are told of sessions: ids, states and figures, never what was said."""

from __future__ import annotations

from datetime import date
from typing import Any, Literal

from accounts.webhooks import event_types
from accounts.webhooks.events import emit
from sessions_app.models import DubbingSession, SessionState

_EXAMPLE: dict[str, Any] = {
    "session": "5d3b2f60-8a8b-4a0e-a1f1-3a4b5c6d7e8f",
    "title": "Lecture 4",
    "state": "ended",
    "source_language": "en",
    "target_language": "es",
    "started_at": "2026-11-27T14:00:00+00:00",
    "ended_at": "2026-11-27T14:45:10+00:00",
    "media_s": 2710.4,
    "lines": 512,
    "skipped": 3,
}
STARTED = event_types.register(
    "session.started",
    "Somebody began to dub a session, for the first time or again.",
    _EXAMPLE | {"state": "live", "ended_at": None, "media_s": 0.0, "lines": 0, "skipped": 0},
)
ENDED = event_types.register(
    "session.ended", "A session ended: its lines and its summary are complete.", _EXAMPLE
)
FAILED = event_types.register(
    "session.failed",
    "A session ended by a fault, or was cut off: `state` is `failed` or `interrupted`.",
    _EXAMPLE | {"state": "failed"},
)
QUOTA_NEAR = event_types.register(
    "quota.near",
    "A tenth or less is left of what a user may use today. Once a day for `minutes`, once for "
    "`cost`.",
    {"user": 7, "day": "2026-11-27", "quota": "minutes", "left": 5.5, "limit": 60.0},
)

_BY_STATE = {
    SessionState.LIVE: STARTED,
    SessionState.ENDED: ENDED,
    SessionState.FAILED: FAILED,
    SessionState.INTERRUPTED: FAILED,
}


def tell_state(session: DubbingSession) -> None:
    """The session has just come to its state; in the transaction of that."""
    summary = session.summary
    emit(
        _BY_STATE[SessionState(session.state)],
        owner_id=session.owner_id,
        team_id=session.team_id,
        data={
            "session": str(session.pk),
            "title": session.title,
            "state": str(session.state),
            "source_language": session.source_language,
            "target_language": session.target_language,
            "started_at": session.started_at and session.started_at.isoformat(),
            "ended_at": session.ended_at and session.ended_at.isoformat(),
            "media_s": round(session.media_s, 3),
            "lines": int(summary.get("lines", 0)),
            "skipped": int(summary.get("skipped", 0)),
        },
    )


def tell_quota_near(
    user_id: int, day: date, *, quota: Literal["minutes", "cost"], left: float, limit: float
) -> None:
    """Little is left of a user's day; only the first time of a day counts."""
    emit(
        QUOTA_NEAR,
        owner_id=user_id,
        data={
            "user": user_id,
            "day": day.isoformat(),
            "quota": quota,
            "left": round(max(0.0, left), 2),
            "limit": limit,
        },
        once=f"quota.near:{quota}:{user_id}:{day.isoformat()}",
    )
