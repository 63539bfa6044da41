"""Reads about sessions; every one takes the acting user and sees only what is theirs."""

from __future__ import annotations

import uuid

from django.contrib.postgres.search import SearchQuery
from django.db.models import Q, QuerySet
from django.utils import timezone

from accounts.models import User
from sessions_app.models import (
    HOLD_LASTS,
    LINE_WORDS,
    WORDS_OF,
    DubbingSession,
    Line,
    SessionState,
)


def sessions_of(user: User) -> QuerySet[DubbingSession]:
    """The user's sessions and those of their teams, newest first."""
    found: QuerySet[DubbingSession] = DubbingSession.objects.visible_to(user)
    return found


def session_of(user: User, session_id: uuid.UUID) -> DubbingSession | None:
    """The session, or None when there is none or the user may not see it."""
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


def editable_session(user: User, session_id: uuid.UUID) -> DubbingSession | None:
    """The session, locked, or None when there is none or the user may not change it."""
    rows: QuerySet[DubbingSession] = DubbingSession.objects.editable_by(user)
    return rows.select_for_update(of=("self",)).filter(pk=session_id).first()


def saying(sessions: QuerySet[DubbingSession], words: str) -> QuerySet[DubbingSession]:
    """Those of the sessions with the words in their title, or in a line of theirs."""
    # One look into the index of words, not one for each session.
    lines = lines_saying(Line.objects.filter(session__in=sessions.order_by().values("pk")), words)
    return sessions.filter(Q(title__icontains=words) | Q(pk__in=lines.values("session")))


def lines_saying(lines: QuerySet[Line], words: str) -> QuerySet[Line]:
    """Those of the lines with the words in either language, as a search engine takes them."""
    query = SearchQuery(words, config=WORDS_OF, search_type="websearch")
    return lines.annotate(words=LINE_WORDS).filter(words=query)
