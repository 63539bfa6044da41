"""Reads about sessions; every one takes the acting user and sees only what is theirs."""

from __future__ import annotations

import uuid

from django.db.models import QuerySet
from django.utils import timezone

from accounts.models import User
from sessions_app.models import HOLD_LASTS, DubbingSession, Line, SessionState


def sessions_of(user: User) -> QuerySet[DubbingSession]:
    """The user's sessions, newest first."""
    return DubbingSession.objects.filter(owner=user)


def session_of(user: User, session_id: uuid.UUID) -> DubbingSession | None:
    """The session, or None when there is none or it is somebody else's."""
    return sessions_of(user).filter(pk=session_id).first()


def lines_of(session: DubbingSession, *, after: int, limit: int) -> list[Line]:
    """Lines with a sequence greater than ``after``, in order."""
    return list(session.lines.filter(sequence__gt=after).order_by("sequence")[:limit])


def followable_by(user: User) -> QuerySet[DubbingSession]:
    """Sessions of the user and of their teams that are dubbed now, newest first."""
    found: QuerySet[DubbingSession] = (
        DubbingSession.objects.visible_to(user)
        .filter(
            state=SessionState.LIVE, held_at__gt=timezone.now() - HOLD_LASTS, follows__isnull=True
        )
        .select_related("owner")
    )
    return found


def owner_to_follow(user_id: int, session_id: uuid.UUID) -> int | None:
    """Whose the session is, if the user may follow it; None also when there is none.

    Whether it is dubbed just now is not asked: it may be on its way between two processes.
    """
    user = User.objects.filter(pk=user_id, is_active=True).first()
    if user is None:
        return None
    owner: int | None = (
        DubbingSession.objects.visible_to(user)
        .filter(pk=session_id)
        .values_list("owner", flat=True)
        .first()
    )
    return owner
