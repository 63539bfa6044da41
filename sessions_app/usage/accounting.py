"""Writes: what sessions use, once each; what they reserve of a user's day, and give back.

A user's day is one row; whoever reserves or settles holds it, so that sessions of one user
at once, in whatever process, cannot have the same rest twice.
"""

from __future__ import annotations

import uuid
from dataclasses import dataclass
from datetime import date, timedelta

import msgspec
from django.conf import settings
from django.db import transaction
from django.db.models import F, Sum
from django.utils import timezone

from pipeline.bounds import QUOTA_PORTION_S, RESERVATIONS_KEPT_S
from pipeline.guards.usage import UNITS, Used
from sessions_app.models import HOLD_LASTS, DailyUse, DubbingSession, EngineUse, Reservation
from sessions_app.records.webhook_events import tell_quota_near
from sessions_app.usage import report as usage
from sessions_app.usage.budget import UNLIMITED_S, Standing

RESERVATION_LASTS = HOLD_LASTS
"""A session that has not been heard of for so long is dead; as long as its hold lasts."""
ENDING_SHARE = 0.1
"""The user is told when so little is left of the day's money, and webhooks are."""
NEAR_SHARE = 0.1
"""Webhooks are told when so little is left of the day's minutes."""


@dataclass(frozen=True, slots=True)
class Account:
    """One session in one process."""

    id: uuid.UUID
    session_id: uuid.UUID
    user_id: int


class Delta(msgspec.Struct, frozen=True):
    """What came since the write before; the same ``number`` is counted once for an account."""

    number: int
    day: date
    heard_s: float
    used: tuple[Used, ...]


def limited() -> bool:
    """Users may not use as much as they like."""
    return bool(settings.MAX_MINUTES_PER_DAY or settings.MAX_COST_PER_DAY)


@transaction.atomic
def reserve(account: Account) -> Standing | None:
    """Set a portion of the day aside before the session is dubbed; None: there is no limit.

    What another process had set aside for the session is given back.
    """
    if not limited():
        return None
    today = usage.today()
    _lock_days(account.user_id, today)
    Reservation.objects.filter(session_id=account.session_id, seconds__gt=0).exclude(
        pk=account.id
    ).update(seconds=0)
    reservation = _reservation(account, today)
    standing = _extend(reservation)
    reservation.save()
    return standing


@transaction.atomic
def settle(account: Account, delta: Delta | None, *, closes: bool = False) -> Standing | None:
    """Count ``delta`` unless that was done before; reserve anew, or at the end give back.

    Returns what may be used from here on; None: there is no limit.
    """
    today = usage.today()
    if limited():
        _lock_days(account.user_id, today, *([delta.day] if delta else []))
    reservation = _reservation(account, today)
    if delta is not None and reservation.written < delta.number:
        _count(account, reservation, delta)
        reservation.written = delta.number
        if reservation.day == delta.day:
            reservation.seconds = max(0.0, reservation.seconds - delta.heard_s)
    if reservation.day != today:
        # Nothing of a day that is over can be used any more.
        reservation.day, reservation.seconds = today, 0.0
    reservation.touched_at = timezone.now()
    standing = None
    if closes:
        reservation.seconds = 0.0
    elif limited():
        standing = _extend(reservation)
    reservation.save()
    return standing


def give_back_abandoned() -> int:
    """Reservations of sessions that died with their process; returns how many."""
    now = timezone.now()
    count = Reservation.objects.filter(
        seconds__gt=0, touched_at__lt=now - RESERVATION_LASTS
    ).update(seconds=0)
    kept = timedelta(seconds=RESERVATIONS_KEPT_S)
    Reservation.objects.filter(touched_at__lt=now - kept).delete()
    return count


def _lock_days(user_id: int, *days: date) -> None:
    """In the order of days, as everybody does: nobody waits for one who waits for them."""
    wanted = sorted(set(days))
    rows = DailyUse.objects.filter(user_id=user_id, day__in=wanted).order_by("day")
    if len(rows.select_for_update(no_key=True)) < len(wanted):
        DailyUse.objects.bulk_create(
            [DailyUse(user_id=user_id, day=day) for day in wanted], ignore_conflicts=True
        )
        list(rows.select_for_update(no_key=True))


def _reservation(account: Account, today: date) -> Reservation:
    """Locked; made when there is none."""
    found = Reservation.objects.select_for_update(no_key=True).filter(pk=account.id)
    reservation = found.first()
    if reservation is None:
        made = Reservation(
            id=account.id,
            user_id=account.user_id,
            session_id=_kept(account.session_id),
            day=today,
            touched_at=timezone.now(),
        )
        # A write whose caller no longer waits may make it at the same moment.
        Reservation.objects.bulk_create([made], ignore_conflicts=True)
        reservation = found.get()
    return reservation


def _extend(reservation: Reservation) -> Standing:
    """Fill the reservation up to a portion, with what nobody has; the day is locked."""
    reservation.touched_at = timezone.now()
    money = settings.MAX_COST_PER_DAY
    left = money - usage.cost_of_day(reservation.user_id, reservation.day) if money else 0.0
    spent, ending = bool(money) and left <= 0, bool(money) and left <= money * ENDING_SHARE
    if ending:
        tell_quota_near(reservation.user_id, reservation.day, quota="cost", left=left, limit=money)
    if not settings.MAX_MINUTES_PER_DAY:
        return Standing(UNLIMITED_S, 0.0, spent=spent, ending=ending)
    free_s = _free_s(reservation)
    more_s = min(max(0.0, QUOTA_PORTION_S - reservation.seconds), max(0.0, free_s))
    reservation.seconds += more_s
    pool_s = max(0.0, free_s - more_s)
    # What nobody has heard, nor other sessions reserved.
    left_s = free_s + reservation.seconds - more_s
    if left_s <= NEAR_SHARE * settings.MAX_MINUTES_PER_DAY * 60.0:
        tell_quota_near(
            reservation.user_id,
            reservation.day,
            quota="minutes",
            left=left_s / 60.0,
            limit=float(settings.MAX_MINUTES_PER_DAY),
        )
    return Standing(reservation.seconds, pool_s, spent=spent, ending=ending)


def _free_s(mine: Reservation) -> float:
    """Seconds of the day that nobody has heard nor reserved, but for what is ``mine``."""
    day = DailyUse.objects.filter(user_id=mine.user_id, day=mine.day)
    heard_s = day.values_list("heard_s", flat=True).get()
    # One that is dead and not swept yet holds nothing.
    others = Reservation.objects.filter(
        user_id=mine.user_id, day=mine.day, touched_at__gt=timezone.now() - RESERVATION_LASTS
    ).exclude(pk=mine.pk)
    reserved_s = others.aggregate(seconds=Sum("seconds"))["seconds"] or 0.0
    return settings.MAX_MINUTES_PER_DAY * 60.0 - heard_s - float(reserved_s) - mine.seconds


def _count(account: Account, reservation: Reservation, delta: Delta) -> None:
    if delta.heard_s and limited():
        DailyUse.objects.filter(user_id=account.user_id, day=delta.day).update(
            heard_s=F("heard_s") + delta.heard_s
        )
    # In one order, for two processes that write for one session.
    for used in sorted(delta.used, key=lambda one: (one.engine, one.leg)):
        _add(account, reservation.session_id, delta.day, used)


def _add(account: Account, session_id: uuid.UUID | None, day: date, used: Used) -> None:
    row = EngineUse(
        user_id=account.user_id,
        session_id=session_id,
        day=day,
        engine=used.engine[:64],
        leg=used.leg,
        unit=UNITS[used.leg],
    )
    same = EngineUse.objects.filter(session_id=session_id, day=day, engine=row.engine, leg=row.leg)
    more = {"amount": F("amount") + used.amount, "requests": F("requests") + used.requests}
    if session_id is None:
        row.amount, row.requests = used.amount, used.requests
        row.save()
    elif not same.update(**more):
        EngineUse.objects.bulk_create([row], ignore_conflicts=True)
        same.update(**more)


def _kept(session_id: uuid.UUID) -> uuid.UUID | None:
    """The session's id, unless its row was deleted."""
    return session_id if DubbingSession.objects.filter(pk=session_id).exists() else None
