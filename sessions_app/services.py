"""Writes: sessions come to be, are held by one connection, get lines and an end."""

from __future__ import annotations

import uuid
from collections.abc import Mapping, Sequence
from dataclasses import asdict, dataclass
from datetime import timedelta
from typing import Any

import msgspec
from django.conf import settings
from django.db import transaction
from django.db.models import F, Max
from django.utils import timezone

from accounts.models import User
from pipeline.record import LineRecord
from sessions_app.figures import summarise
from sessions_app.models import DailyUse, DubbingSession, Line, SessionState

HOLD_LASTS = timedelta(seconds=45)
"""A connection that has not been heard of for so long has lost its session."""


class SessionNotYoursError(Exception):
    """The session belongs to somebody else."""


class SessionBusyError(Exception):
    """Another connection is dubbing the session."""


class HoldLostError(Exception):
    """The connection no longer holds the session."""


class TooManySessionsError(Exception):
    """The user dubs as many sessions at once as one may."""


class NothingLeftTodayError(Exception):
    """The user has had as many minutes dubbed today as one may."""


@dataclass(frozen=True, slots=True)
class Held:
    """What a connection gets with a session."""

    first_line: int
    """Sequence number of the session's next line."""
    left_s: float | None
    """Source audio that the user may still have dubbed today, seconds; None: any."""


def create_session(
    owner: User,
    *,
    source_language: str = "auto",
    target_language: str = "",
    preserve_voice: bool = True,
) -> DubbingSession:
    return DubbingSession.objects.create(
        owner=owner,
        source_language=source_language,
        target_language=target_language,
        preserve_voice=preserve_voice,
    )


@transaction.atomic
def hold_session(session_id: uuid.UUID, user: User, *, hold: uuid.UUID) -> Held:
    """Give the session to one client; a session that does not exist is created.

    Raises SessionNotYoursError, SessionBusyError, TooManySessionsError,
    NothingLeftTodayError.
    """
    DubbingSession.objects.bulk_create(
        [DubbingSession(id=session_id, owner=user, source_language="auto")], ignore_conflicts=True
    )
    session = DubbingSession.objects.select_for_update().get(pk=session_id)
    if session.owner_id != user.pk:
        raise SessionNotYoursError(str(session_id))
    now = timezone.now()
    if session.held_by is not None and session.held_at and session.held_at > now - HOLD_LASTS:
        raise SessionBusyError(str(session_id))
    _refuse_beyond_limits(user, session_id)
    if session.state == SessionState.LIVE:
        _interrupt(session)
    session.held_by, session.held_at = hold, now
    session.save()
    newest = session.lines.aggregate(newest=Max("sequence"))["newest"]
    return Held(0 if newest is None else int(newest) + 1, left_today_s(user.pk))


def take_over(session_id: uuid.UUID, user: User, *, old: uuid.UUID, new: uuid.UUID) -> Held:
    """Give a session that one process held to the process that goes on with it.

    From then on the old one's writes are refused. Raises SessionNotYoursError,
    HoldLostError.
    """
    with transaction.atomic():
        session = DubbingSession.objects.select_for_update().filter(pk=session_id).first()
        if session is None or session.owner_id != user.pk:
            raise SessionNotYoursError(str(session_id))
        if session.held_by not in {old, new}:
            raise HoldLostError(str(session_id))
        session.held_by, session.held_at = new, timezone.now()
        session.save(update_fields=["held_by", "held_at"])
        return Held(0, left_today_s(user.pk))


def _refuse_beyond_limits(user: User, session_id: uuid.UUID) -> None:
    # The lock makes the count hold when two connections come at once.
    User.objects.select_for_update().get(pk=user.pk)
    held = DubbingSession.objects.filter(
        owner=user, held_by__isnull=False, held_at__gt=timezone.now() - HOLD_LASTS
    ).exclude(pk=session_id)
    if held.count() >= settings.MAX_SESSIONS_PER_USER:
        raise TooManySessionsError(str(user.pk))
    left_s = left_today_s(user.pk)
    if left_s is not None and left_s <= 0:
        raise NothingLeftTodayError(str(user.pk))


def left_today_s(user_id: int) -> float | None:
    """Source audio that the user may still have dubbed today (UTC); None: any amount."""
    if not settings.MAX_MINUTES_PER_DAY:
        return None
    used = DailyUse.objects.filter(user_id=user_id, day=timezone.now().date()).first()
    return settings.MAX_MINUTES_PER_DAY * 60 - (used.heard_s if used else 0.0)


def add_use(user_id: int, heard_s: float) -> float | None:
    """Count source audio against today; returns what is left, as ``left_today_s``."""
    if heard_s > 0:
        today = timezone.now().date()
        DailyUse.objects.bulk_create([DailyUse(user_id=user_id, day=today)], ignore_conflicts=True)
        DailyUse.objects.filter(user_id=user_id, day=today).update(heard_s=F("heard_s") + heard_s)
    return left_today_s(user_id)


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


@transaction.atomic
def begin_run(
    session_id: uuid.UUID,
    *,
    hold: uuid.UUID,
    source_language: str,
    target_language: str,
    preserve_voice: bool,
    engines: Mapping[str, str],
) -> None:
    """The session goes live. Raises HoldLostError, IllegalTransitionError."""
    session = _held(session_id, hold)
    session.move_to(SessionState.LIVE)
    session.source_language = source_language
    session.target_language = target_language
    session.preserve_voice = preserve_voice
    session.engines = dict(engines)
    session.started_at = session.started_at or timezone.now()
    session.ended_at = None
    session.save()


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


def save_lines(
    session_id: uuid.UUID, lines: Sequence[LineRecord], *, hold: uuid.UUID | None = None
) -> None:
    """Write finished lines; those that were written before are left as they are."""
    Line.objects.bulk_create(
        [_as_row(session_id, line) for line in lines], ignore_conflicts=True, batch_size=500
    )
    if hold is not None:
        keep_hold(session_id, hold=hold)


def interrupt_abandoned_sessions() -> int:
    """Sessions whose connection died with its process are marked; returns how many."""
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
    session = DubbingSession.objects.select_for_update().filter(pk=session_id, held_by=hold).first()
    if session is None:
        raise HoldLostError(str(session_id))
    return session


def _interrupt(session: DubbingSession) -> None:
    session.move_to(SessionState.INTERRUPTED)
    session.ended_at = session.held_at or timezone.now()
    _summarise(session)


def _summarise(session: DubbingSession) -> None:
    rows = session.lines.values_list("speaker", "skipped_reason", "latencies")
    session.summary = {
        **summarise(rows),
        "errors": session.summary.get("errors", 0),
        "media_s": round(session.media_s, 3),
        "lost_lines": session.lost_lines,
    }


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
