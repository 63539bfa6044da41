"""Pages of a long list by where they begin, not by how many come before: the thousandth page
costs as much as the first."""

from __future__ import annotations

import uuid
from dataclasses import dataclass
from datetime import datetime

from django.db.models import Q, QuerySet

from sessions_app.models import DubbingSession


@dataclass(frozen=True, slots=True)
class Cursor:
    """A session by its place in the list; as text ``<time>_<id>``."""

    created_at: datetime
    id: uuid.UUID

    def __str__(self) -> str:
        return f"{self.created_at.isoformat()}_{self.id}"


@dataclass(frozen=True, slots=True)
class SessionsPage:
    sessions: list[DubbingSession]
    newer: Cursor | None
    """Its first session, where there are newer ones; None: this is the first page."""
    older: Cursor | None
    """Its last session, where there are older ones."""


def cursor_of(text: str) -> Cursor | None:
    """None for what is no cursor."""
    time, _, name = text.partition("_")
    try:
        cursor = Cursor(datetime.fromisoformat(time), uuid.UUID(name))
    except ValueError:
        return None
    return cursor if cursor.created_at.tzinfo else None


def page_of(
    sessions: QuerySet[DubbingSession],
    *,
    older_than: Cursor | None = None,
    newer_than: Cursor | None = None,
    size: int,
) -> SessionsPage:
    """One page, newest first: the first one, or the one next to a cursor."""
    if newer_than is not None:
        beyond = Q(created_at__gt=newer_than.created_at) | Q(
            created_at=newer_than.created_at, id__gt=newer_than.id
        )
        rows = list(sessions.filter(beyond).order_by("created_at", "id")[: size + 1])
        shown = rows[:size][::-1]
        return SessionsPage(
            shown,
            newer=_place(shown[0]) if len(rows) > size else None,
            older=_place(shown[-1]) if shown else None,
        )
    if older_than is not None:
        sessions = sessions.filter(
            # The first condition alone can be looked up in the index.
            Q(created_at__lte=older_than.created_at)
            & (Q(created_at__lt=older_than.created_at) | Q(id__lt=older_than.id))
        )
    rows = list(sessions.order_by("-created_at", "-id")[: size + 1])
    shown = rows[:size]
    return SessionsPage(
        shown,
        newer=_place(shown[0]) if older_than is not None and shown else None,
        older=_place(shown[-1]) if len(rows) > size else None,
    )


def _place(session: DubbingSession) -> Cursor:
    return Cursor(session.created_at, session.pk)
