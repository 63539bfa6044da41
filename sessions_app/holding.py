"""A session is held by one connection at a time, gets lines from it, and an end."""

from __future__ import annotations

import uuid
from collections.abc import Mapping, Sequence
from dataclasses import asdict, dataclass
from datetime import datetime
from typing import Any

import msgspec
from django.conf import settings
from django.db import transaction
from django.db.models import Max
from django.utils import timezone

from accounts.models import User
from accounts.selectors import edits_in, is_member
from pipeline.bounds import INCIDENTS_MAX
from pipeline.reporting.record import LineRecord
from sessions_app.models import HOLD_LASTS, DubbingSession, Incident, Line, SessionState
from sessions_app.records.figures import summarise
from sessions_app.records.indexing import index_words
from sessions_app.records.webhook_events import tell_state
from sessions_app.usage import accounting
from sessions_app.usage.accounting import Account
from sessions_app.usage.budget import Standing
from voices.models import Title
from voices.selectors import titles_of
from voices.services import ensure_title


class SessionNotYoursError(Exception):
    """The session belongs to somebody else."""


class SessionBusyError(Exception):
    """Another connection is dubbing the session."""


class HoldLostError(Exception):
    """The connection no longer holds the session."""


class TeamUnknownError(Exception):
    """The user edits in no such team."""


class TitleUnknownError(Exception):
    """There is no title of this id that the user may see."""


class TooManySessionsError(Exception):
    """The user dubs as many sessions at once as one may."""


class NothingLeftTodayError(Exception):
    """The user has had as much dubbed today as one may, or live sessions have reserved it."""


@dataclass(frozen=True, slots=True)
class NewIncident:
    """An error or a notice that a listener was told, to be noted."""

    id: uuid.UUID
    kind: str
    code: str
    at: datetime


@dataclass(frozen=True, slots=True)
class Held:
    """What a connection gets with a session."""

    first_line: int
    """Sequence number of the session's next line."""
    standing: Standing | None
    """What is reserved for it of the user's day, under the id of the hold; None: no limit."""


def is_held(session: DubbingSession) -> bool:
    """Whether a connection dubs it, or was lost a moment ago."""
    held_at = session.held_at
    return session.held_by is not None and bool(held_at and held_at > timezone.now() - HOLD_LASTS)


@transaction.atomic
def hold_session(session_id: uuid.UUID, user: User, *, hold: uuid.UUID) -> Held:
    """Give the session to one client; a session that does not exist is created.

    Raises SessionNotYoursError, SessionBusyError, TooManySessionsError,
    NothingLeftTodayError.
    """
    DubbingSession.objects.bulk_create(
        [DubbingSession(id=session_id, owner=user, source_language="auto")], ignore_conflicts=True
    )
    # Without its key: a settlement that refers to the session must not wait for this.
    session = DubbingSession.objects.select_for_update(no_key=True).get(pk=session_id)
    if session.owner_id != user.pk:
        raise SessionNotYoursError(str(session_id))
    now = timezone.now()
    if is_held(session):
        raise SessionBusyError(str(session_id))
    _refuse_too_many(user, session_id)
    standing = accounting.reserve(Account(hold, session_id, user.pk))
    if standing is not None and (standing.spent or not standing.reserved_s):
        raise NothingLeftTodayError(str(user.pk))
    if session.state == SessionState.LIVE:
        _interrupt(session)
    session.held_by, session.held_at = hold, now
    session.save()
    newest = session.lines.aggregate(newest=Max("sequence"))["newest"]
    return Held(0 if newest is None else int(newest) + 1, standing)


def take_over(session_id: uuid.UUID, user: User, *, old: uuid.UUID, new: uuid.UUID) -> Held:
    """Give a session that one process held to the process that goes on with it.

    From then on the old one's writes are refused. Raises SessionNotYoursError,
    HoldLostError.
    """
    with transaction.atomic():
        rows = DubbingSession.objects.select_for_update(no_key=True)
        session = rows.filter(pk=session_id).first()
        if session is None or session.owner_id != user.pk:
            raise SessionNotYoursError(str(session_id))
        if session.held_by not in {old, new}:
            raise HoldLostError(str(session_id))
        session.held_by, session.held_at = new, timezone.now()
        session.save(update_fields=["held_by", "held_at"])
        return Held(0, accounting.reserve(Account(new, session_id, user.pk)))


def _refuse_too_many(user: User, session_id: uuid.UUID) -> None:
    # The lock makes the count hold when two connections come at once.
    User.objects.select_for_update(no_key=True).get(pk=user.pk)
    held = DubbingSession.objects.filter(
        owner=user, held_by__isnull=False, held_at__gt=timezone.now() - HOLD_LASTS
    ).exclude(pk=session_id)
    if held.count() >= settings.MAX_SESSIONS_PER_USER:
        raise TooManySessionsError(str(user.pk))


def _refuse_strange_team(user_id: int, team: int | None) -> None:
    if team is not None and not edits_in(user_id, team):
        raise TeamUnknownError(str(team))


def keep_hold(session_id: uuid.UUID, *, hold: uuid.UUID) -> bool:
    """Say that the connection lives; False when it has lost the session."""
    changed = DubbingSession.objects.filter(pk=session_id, held_by=hold).update(
        held_at=timezone.now()
    )
    return changed > 0


def release_session(
    session_id: uuid.UUID, *, hold: uuid.UUID, media_s: float, lost_lines: int
) -> None:
    """The connection is gone; a run that it left open was interrupted."""
    with transaction.atomic():
        session = (
            DubbingSession.objects.select_for_update().filter(pk=session_id, held_by=hold).first()
        )
        if session is None:
            return
        if session.state == SessionState.LIVE:
            session.media_s += media_s
            session.lost_lines += lost_lines
            _interrupt(session)
        session.held_by = session.held_at = None
        session.save()


def let_go(account: Account) -> None:
    """Take ``hold_session`` back: nobody came to dub what was held."""
    if accounting.limited():
        accounting.settle(account, None, closes=True)
    release_session(account.session_id, hold=account.id, media_s=0.0, lost_lines=0)


@transaction.atomic
def begin_run(
    session_id: uuid.UUID,
    *,
    hold: uuid.UUID,
    source_language: str,
    target_language: str,
    preserve_voice: bool,
    engines: Mapping[str, str],
    team: int | None = None,
    follows: uuid.UUID | None = None,
    title: str = "",
) -> None:
    """The session goes live; ``team``, if one is named, may follow it from then on.

    ``title`` is what is dubbed: an id of a title, or a name or address. "": as it was.

    Raises HoldLostError, IllegalTransitionError, TeamUnknownError, TitleUnknownError.
    """
    session = _held(session_id, hold)
    _refuse_strange_team(session.owner_id, team)
    session.move_to(SessionState.LIVE)
    if team is not None:
        session.team_id = team
    elif session.team_id and not is_member(session.owner_id, session.team_id):
        session.team_id = None
    if title:
        session.content = _title_of(session, title)
    session.follows_id = follows
    session.source_language = source_language
    session.target_language = target_language
    session.preserve_voice = preserve_voice
    session.engines = dict(engines)
    session.started_at = session.started_at or timezone.now()
    session.ended_at = None
    session.save()
    tell_state(session)


def _title_of(session: DubbingSession, wish: str) -> Title | None:
    try:
        pk = uuid.UUID(wish)
    except ValueError:
        return ensure_title(wish, owner=session.owner, team=session.team)
    title = titles_of(session.owner).filter(pk=pk).first()
    if title is None:
        raise TitleUnknownError(wish)
    return title


@transaction.atomic
def end_run(
    session_id: uuid.UUID,
    *,
    hold: uuid.UUID,
    failed: bool,
    media_s: float,
    errors: int,
    lost_lines: int,
) -> None:
    """The run is over: the summary is made of all lines written so far. Raises HoldLostError."""
    session = _held(session_id, hold)
    if session.state != SessionState.LIVE:
        # The database was away when the run began.
        session.move_to(SessionState.LIVE)
    session.move_to(SessionState.FAILED if failed else SessionState.ENDED)
    session.ended_at = timezone.now()
    session.media_s += media_s
    session.lost_lines += lost_lines
    session.summary = {"errors": session.summary.get("errors", 0) + errors}
    _summarise(session)
    session.save()
    tell_state(session)


def save_lines(
    session_id: uuid.UUID,
    lines: Sequence[LineRecord],
    *,
    hold: uuid.UUID | None = None,
    incidents: Sequence[NewIncident] = (),
) -> None:
    """Write finished lines, and what the listener was told of; those that were written before
    are left as they are."""
    Line.objects.bulk_create(
        [_as_row(session_id, line) for line in lines], ignore_conflicts=True, batch_size=500
    )
    if incidents:
        room = max(0, INCIDENTS_MAX - Incident.objects.filter(session=session_id).count())
        Incident.objects.bulk_create(
            [Incident(session_id=session_id, **asdict(one)) for one in incidents[:room]],
            ignore_conflicts=True,
        )
    if hold is not None:
        keep_hold(session_id, hold=hold)


def interrupt_abandoned_sessions() -> int:
    """Sessions whose connection died with its process are marked, and what they had reserved
    is given back; returns how many."""
    accounting.give_back_abandoned()
    limit = timezone.now() - HOLD_LASTS
    count = 0
    for session_id in DubbingSession.objects.filter(
        held_by__isnull=False, held_at__lt=limit
    ).values_list("pk", flat=True)[:1000]:
        with transaction.atomic():
            session = (
                DubbingSession.objects.select_for_update(skip_locked=True)
                .filter(pk=session_id, held_by__isnull=False, held_at__lt=limit)
                .first()
            )
            if session is None:
                continue
            if session.state == SessionState.LIVE:
                _interrupt(session)
                count += 1
            session.held_by = session.held_at = None
            session.save()
    return count


def _held(session_id: uuid.UUID, hold: uuid.UUID) -> DubbingSession:
    rows = DubbingSession.objects.select_for_update()
    session: DubbingSession | None = rows.filter(pk=session_id, held_by=hold).first()
    if session is None:
        raise HoldLostError(str(session_id))
    return session


def _interrupt(session: DubbingSession) -> None:
    session.move_to(SessionState.INTERRUPTED)
    session.ended_at = session.held_at or timezone.now()
    _summarise(session)
    tell_state(session)


def _summarise(session: DubbingSession) -> None:
    rows = session.lines.values_list("speaker", "skipped_reason", "latencies")
    session.summary = {
        **summarise(rows),
        "errors": session.summary.get("errors", 0),
        "media_s": round(session.media_s, 3),
        "lost_lines": session.lost_lines,
    }
    index_words(session)


def _as_row(session_id: uuid.UUID, line: LineRecord) -> Line:
    fields: dict[str, Any] = asdict(line) | {
        "speaker": line.speaker or "",
        "skipped_reason": line.skipped_reason or "",
        "latencies": msgspec.structs.asdict(line.latencies) if line.latencies else {},
        # Postgres text cannot hold the character NUL.
        "source_text": line.source_text.replace("\0", ""),
        "target_text": line.target_text.replace("\0", ""),
    }
    return Line(session_id=session_id, **fields)
