"""Reads about sessions; every one takes the acting user and sees only what is theirs."""

from __future__ import annotations

import uuid
from datetime import datetime

from django.contrib.postgres.fields import ArrayField
from django.contrib.postgres.search import SearchQueryField
from django.db import connection, transaction
from django.db.models import BooleanField, Exists, F, Func, OuterRef, Q, QuerySet, UUIDField, Value
from django.db.models.functions import Cast
from django.utils import timezone

from accounts.models import User
from pipeline.bounds import FOUND_MAX, TRANSCRIPT_LINES_MAX
from sessions_app.models import (
    HOLD_LASTS,
    DubbingSession,
    Incident,
    Line,
    SessionState,
    SessionWords,
)
from sessions_app.records.search import as_tsquery, finder, wanted

WAYS_PAST_THE_INDEX = ("enable_seqscan", "enable_nestloop", "enable_mergejoin")
SET_WAYS = "SELECT " + ", ".join(f"set_config('{way}', %s, true)" for way in WAYS_PAST_THE_INDEX)
"""For the rest of the transaction."""


def sessions_of(user: User) -> QuerySet[DubbingSession]:
    """The user's sessions and those of their teams, newest first."""
    found: QuerySet[DubbingSession] = DubbingSession.objects.visible_to(user)
    return found


def editable_sessions(user: User) -> QuerySet[DubbingSession]:
    """Those that the user may name: their own, and their teams' in which they edit."""
    found: QuerySet[DubbingSession] = DubbingSession.objects.editable_by(user)
    return found


def editable_session(user: User, session_id: uuid.UUID) -> DubbingSession | None:
    """The session, locked, or None when there is none or the user may not change it."""
    return editable_sessions(user).select_for_update(of=("self",)).filter(pk=session_id).first()


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


# Finding ------------------------------------------------------------------------------


def found(sessions: QuerySet[DubbingSession], query: str) -> QuerySet[DubbingSession]:
    """Those of the sessions in whose title or lines every word of ``query`` begins a word.

    A session that is live is looked through line by line: its words are gathered at its end.
    """
    beginnings = wanted(query)
    if not beginnings:
        return sessions.none() if query.strip() else sessions
    live = sessions.filter(state=SessionState.LIVE)
    for word in beginnings:
        here = Line.objects.filter(session=OuterRef("pk")).filter(
            Q(source_text__icontains=word) | Q(target_text__icontains=word)
        )
        live = live.filter(Q(Exists(here)) | Q(title__icontains=word))
    places = [*_ended_with(sessions, beginnings), *live.values_list("pk", flat=True)]
    # As one parameter: Django and Postgres would write and read each of thousands by itself.
    among = Func(
        F("pk"),
        Value(places, output_field=ArrayField(UUIDField())),
        template="(%(expressions)s))",
        arg_joiner=" = ANY(",
        output_field=BooleanField(),
    )
    return sessions.alias(among=among).filter(among=True)


def _ended_with(sessions: QuerySet[DubbingSession], beginnings: list[str]) -> list[uuid.UUID]:
    matches = Func(
        F("words"),
        Cast(Value(as_tsquery(beginnings)), SearchQueryField()),
        template="(%(expressions)s)",
        arg_joiner=" @@ ",
        output_field=BooleanField(),
    )
    with transaction.atomic(), connection.cursor() as cursor:
        # The words themselves lie outside of their table, which looks so small without them
        # that the planner would rather read them all, session by session, than use the index.
        cursor.execute(SET_WAYS, ["off"] * len(WAYS_PAST_THE_INDEX))
        there = SessionWords.objects.annotate(matches=matches).filter(matches=True)
        rows = sessions.filter(pk__in=there.values("session"))
        places = list(rows.order_by().values_list("pk", flat=True)[:FOUND_MAX])
        cursor.execute(SET_WAYS, ["on"] * len(WAYS_PAST_THE_INDEX))
    return places


def lines_found(lines: QuerySet[Line], query: str) -> list[int]:
    """Sequences of those lines of one session in which every word of ``query`` begins a word,
    in order."""
    beginnings = wanted(query)
    if not beginnings:
        return []
    holds = finder(beginnings)
    rows = lines.order_by("sequence").values_list("sequence", "source_text", "target_text")
    return [
        sequence
        for sequence, source, target in rows[:TRANSCRIPT_LINES_MAX]
        if holds(f"{source}\n{target}")
    ]


# Figures ------------------------------------------------------------------------------


def incidents_of(session: DubbingSession) -> list[tuple[str, str, datetime]]:
    """Kind, code and time of what the session's listener was told, in order."""
    rows = Incident.objects.filter(session=session).order_by("at")
    return list(rows.values_list("kind", "code", "at"))


def newest_line(session: DubbingSession) -> int:
    """Sequence of its last line; -1 while there is none."""
    newest = session.lines.order_by("-sequence").values_list("sequence", flat=True).first()
    return -1 if newest is None else newest


def speakers_of(session: DubbingSession) -> list[str]:
    """Everybody who says a line of it."""
    return list(session.lines.order_by("speaker").values_list("speaker", flat=True).distinct())
