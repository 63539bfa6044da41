"""Reads about sessions; every one takes the acting user and sees only what is theirs."""

from __future__ import annotations

import uuid

from django.contrib.postgres.search import SearchQuery
from django.db.models import Exists, OuterRef, Q, QuerySet

from accounts.models import User
from sessions_app.models import LINE_WORDS, WORDS_OF, DubbingSession, Line


def sessions_of(user: User) -> QuerySet[DubbingSession]:
    """The user's sessions and those of their teams, newest first."""
    found: QuerySet[DubbingSession] = DubbingSession.objects.visible_to(user)
    return found


def session_of(user: User, session_id: uuid.UUID) -> DubbingSession | None:
    """The session, or None when there is none or the user may not see it."""
    return sessions_of(user).filter(pk=session_id).first()


def editable_session(user: User, session_id: uuid.UUID) -> DubbingSession | None:
    """The session, locked, or None when there is none or the user may not change it."""
    rows: QuerySet[DubbingSession] = DubbingSession.objects.editable_by(user)
    return rows.select_for_update(of=("self",)).filter(pk=session_id).first()


def saying(sessions: QuerySet[DubbingSession], words: str) -> QuerySet[DubbingSession]:
    """Those of the sessions with the words in their title, or in a line of theirs."""
    lines = lines_saying(Line.objects.filter(session=OuterRef("pk")), words)
    return sessions.filter(Q(title__icontains=words) | Exists(lines))


def lines_saying(lines: QuerySet[Line], words: str) -> QuerySet[Line]:
    """Those of the lines with the words in either language, as a search engine takes them."""
    query = SearchQuery(words, config=WORDS_OF, search_type="websearch")
    return lines.annotate(words=LINE_WORDS).filter(words=query)
