"""Reads about sessions; every one takes the acting user and sees only what is theirs."""

from __future__ import annotations

import uuid

from django.db.models import QuerySet

from accounts.models import User
from sessions_app.models import DubbingSession, Line


def sessions_of(user: User) -> QuerySet[DubbingSession]:
    """The user's sessions, newest first."""
    return DubbingSession.objects.filter(owner=user)


def session_of(user: User, session_id: uuid.UUID) -> DubbingSession | None:
    """The session, or None when there is none or it is somebody else's."""
    return sessions_of(user).filter(pk=session_id).first()


def lines_of(session: DubbingSession, *, after: int, limit: int) -> list[Line]:
    """Lines with a sequence greater than ``after``, in order."""
    return list(session.lines.filter(sequence__gt=after).order_by("sequence")[:limit])
