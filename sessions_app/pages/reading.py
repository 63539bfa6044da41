"""What every page about one session needs of it."""

from __future__ import annotations

import uuid
from dataclasses import dataclass
from typing import Any, cast

from django.http import Http404, HttpRequest

from accounts.models import User
from sessions_app import selectors
from sessions_app.models import DubbingSession, SessionState
from sessions_app.records.naming import duration, languages_of


def user_of(request: HttpRequest) -> User:
    return cast(User, request.user)


def session_or_404(request: HttpRequest, session_id: uuid.UUID) -> DubbingSession:
    """What is somebody else's looks like what does not exist."""
    session = selectors.session_of(user_of(request), session_id)
    if session is None:
        raise Http404("There is no such session.")
    return session


@dataclass(frozen=True, slots=True)
class StateShown:
    label: str
    look: str


STATES = {
    SessionState.CREATED: StateShown("Not started", "badge-quiet"),
    SessionState.LIVE: StateShown("Live", "badge-live"),
    SessionState.ENDED: StateShown("Ended", "badge-good"),
    SessionState.FAILED: StateShown("Failed", "badge-bad"),
    SessionState.INTERRUPTED: StateShown("Interrupted", "badge-warn"),
}


def about(session: DubbingSession, user: User) -> dict[str, Any]:
    """The head of a session's pages."""
    return {
        "session": session,
        "languages": languages_of(session),
        "state": STATES[SessionState(session.state)],
        "duration": duration(session.media_s),
        "editable": selectors.editable_sessions(user).filter(pk=session.pk).exists(),
        "own": session.owner_id == user.pk,
    }
