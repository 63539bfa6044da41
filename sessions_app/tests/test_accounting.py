"""What is used is counted once, and nobody has the same rest of a day twice."""

from __future__ import annotations

import uuid
from concurrent.futures import ThreadPoolExecutor
from datetime import UTC, datetime, timedelta
from typing import Any

import pytest
from django.db import connections

from pipeline.bounds import QUOTA_GRACE_S, QUOTA_PORTION_S
from pipeline.guards.usage import Used
from sessions_app import holding, services
from sessions_app.models import DailyUse, DubbingSession, EngineUse, Reservation
from sessions_app.tasks import interrupt_abandoned
from sessions_app.tests.conftest import Person
from sessions_app.usage import accounting
from sessions_app.usage import report as usage
from sessions_app.usage.accounting import Account, Delta
from sessions_app.usage.budget import DayBudget, Standing

SPOKEN = Used("scripted-synthesizer", "synthesis", 30.0, 2)
HEARD = Used("scripted-recognizer", "recognition", 4.5, 1)


def delta(number: int, heard_s: float = 0.0, *used: Used) -> Delta:
    return Delta(number, usage.today(), heard_s, used)


def account(person: Person) -> Account:
    session = services.create_session(person.user)
    return Account(uuid.uuid4(), session.pk, person.user.pk)


def heard(person: Person) -> float:
    return sum(DailyUse.objects.filter(user=person.user).values_list("heard_s", flat=True))


def reserved(person: Person) -> float:
    return sum(Reservation.objects.filter(user=person.user).values_list("seconds", flat=True))


def test_use_is_added_up_by_session_day_engine_and_leg(ana: Person) -> None:
    mine = account(ana)
    accounting.settle(mine, delta(1, 0.0, SPOKEN, HEARD))
    accounting.settle(mine, delta(2, 0.0, SPOKEN))
    rows = EngineUse.objects.order_by("leg").values_list("leg", "unit", "amount", "requests")
    assert list(rows) == [
        ("recognition", "seconds", 4.5, 1),
        ("synthesis", "characters", 60.0, 4),
    ]


def test_a_write_that_comes_again_counts_once(ana: Person, settings: Any) -> None:
    settings.MAX_MINUTES_PER_DAY = 10
    mine = account(ana)
    accounting.reserve(mine)
    for _ in range(3):
        standing = accounting.settle(mine, delta(1, 20.0, SPOKEN))
    assert standing == Standing(QUOTA_PORTION_S, 600.0 - 20.0 - QUOTA_PORTION_S)
    assert EngineUse.objects.get().amount == 30.0
    assert heard(ana) == 20.0


def test_many_that_write_the_same_at_once_count_once(ana: Person, settings: Any) -> None:
    settings.MAX_MINUTES_PER_DAY = 10
    mine = account(ana)

    def write(_: int) -> None:
        try:
            accounting.settle(mine, delta(1, 20.0, SPOKEN, HEARD))
        finally:
            connections.close_all()

    with ThreadPoolExecutor(6) as threads:
        list(threads.map(write, range(6)))
    assert heard(ana) == 20.0
    assert {row.amount for row in EngineUse.objects.all()} == {30.0, 4.5}


def test_sessions_that_reserve_at_once_get_no_more_than_there_is(
    ana: Person, settings: Any
) -> None:
    settings.MAX_MINUTES_PER_DAY = 3
    settings.MAX_SESSIONS_PER_USER = 100

    def open_one(_: int) -> float:
        hold = uuid.uuid4()
        try:
            held = holding.hold_session(uuid.uuid4(), ana.user, hold=hold)
        except holding.NothingLeftTodayError:
            return 0.0
        else:
            assert held.standing is not None
            return held.standing.reserved_s
        finally:
            connections.close_all()

    with ThreadPoolExecutor(8) as threads:
        got = list(threads.map(open_one, range(8)))
    assert sorted(got) == [0.0] * 5 + [60.0] * 3
    assert reserved(ana) == 180.0


def test_what_was_not_used_is_given_back(ana: Person, settings: Any) -> None:
    settings.MAX_MINUTES_PER_DAY = 1
    first, second = account(ana), account(ana)
    assert accounting.reserve(first) == Standing(60.0, 0.0)
    assert accounting.reserve(second) == Standing(0.0, 0.0)
    accounting.settle(first, delta(1, 10.0), closes=True)
    assert accounting.settle(second, None) == Standing(50.0, 0.0)


def test_the_sweep_gives_back_what_the_dead_reserved(ana: Person, settings: Any) -> None:
    settings.MAX_MINUTES_PER_DAY = 2
    dead, alive = account(ana), account(ana)
    accounting.reserve(dead)
    accounting.reserve(alive)
    long_ago = datetime.now(UTC) - accounting.RESERVATION_LASTS - timedelta(seconds=1)
    Reservation.objects.filter(pk=dead.id).update(touched_at=long_ago)
    # What nobody keeps alive is free already before the sweep comes.
    assert accounting.settle(alive, None) == Standing(60.0, 60.0)
    interrupt_abandoned()
    assert reserved(ana) == 60.0
    assert Reservation.objects.get(pk=alive.id).seconds == 60.0
    # A process that lived after all goes on, and its use counts.
    accounting.settle(dead, delta(1, 5.0))
    assert heard(ana) == 5.0
    Reservation.objects.update(touched_at=datetime.now(UTC) - timedelta(days=2))
    interrupt_abandoned()
    assert not Reservation.objects.exists()


def test_another_process_takes_the_reservation_over(ana: Person, settings: Any) -> None:
    settings.MAX_MINUTES_PER_DAY = 1
    session_id, old, new = uuid.uuid4(), uuid.uuid4(), uuid.uuid4()
    holding.hold_session(session_id, ana.user, hold=old)
    held = holding.take_over(session_id, ana.user, old=old, new=new)
    assert held.standing == Standing(60.0, 0.0)
    assert reserved(ana) == 60.0


def test_a_new_day_is_a_new_quota(ana: Person, settings: Any) -> None:
    settings.MAX_MINUTES_PER_DAY = 1
    mine = account(ana)
    accounting.reserve(mine)
    yesterday = usage.today() - timedelta(days=1)
    Reservation.objects.update(day=yesterday)
    standing = accounting.settle(mine, Delta(1, yesterday, 40.0, (HEARD,)))
    assert standing == Standing(60.0, 0.0)
    assert EngineUse.objects.get().day == yesterday
    assert DailyUse.objects.get(day=yesterday).heard_s == 40.0


def test_a_session_that_was_deleted_still_counts(ana: Person) -> None:
    gone = Account(uuid.uuid4(), uuid.uuid4(), ana.user.pk)
    accounting.settle(gone, delta(1, 0.0, SPOKEN))
    accounting.settle(gone, delta(2, 0.0, SPOKEN))
    kept = account(ana)
    accounting.settle(kept, delta(1, 0.0, SPOKEN))
    DubbingSession.objects.all().delete()
    assert sum(row.amount for row in EngineUse.objects.filter(user=ana.user)) == 90.0


def test_the_money_of_a_day_is_a_limit_too(ana: Person, settings: Any) -> None:
    settings.MAX_COST_PER_DAY = 1.0
    settings.ENGINE_PRICES = "scripted-synthesizer:synthesis=1/1000"
    mine = account(ana)
    first = accounting.settle(mine, delta(1, 0.0, SPOKEN, HEARD))
    assert first is not None
    assert (first.spent, first.ending) == (False, False)
    much = Used("scripted-synthesizer", "synthesis", 900.0, 1)
    second = accounting.settle(mine, delta(2, 0.0, much))
    assert second is not None
    assert (second.spent, second.ending) == (False, True)
    third = accounting.settle(mine, delta(3, 0.0, much))
    assert third is not None
    assert third.spent
    with pytest.raises(holding.NothingLeftTodayError):
        holding.hold_session(uuid.uuid4(), ana.user, hold=uuid.uuid4())


# What the session makes of it ----------------------------------------------------------


def is_over(budget: DayBudget) -> bool:
    """Asked anew each time."""
    return budget.over


def test_a_budget_goes_on_without_an_answer_but_not_for_ever() -> None:
    budget = DayBudget(Standing(60.0, 1000.0))
    assert not budget.use(30.0)
    assert not budget.ask_for_more()
    budget.use(1.0)
    assert budget.ask_for_more()
    assert not budget.ask_for_more()
    taken = budget.take()
    budget.use(28.0 + QUOTA_GRACE_S)
    assert not is_over(budget)
    budget.use(1.0)
    assert is_over(budget)
    assert budget.unanswered
    budget.settle(taken, Standing(60.0, 1000.0 - taken))
    assert not is_over(budget)


def test_a_budget_never_passes_what_was_left_in_all() -> None:
    budget = DayBudget(Standing(60.0, 5.0))
    assert not budget.use(4.9)
    assert budget.use(0.1)
    assert not budget.use(59.9)
    assert not is_over(budget)
    budget.use(0.1)
    assert is_over(budget)
    assert not budget.unanswered
    assert budget.standing() == Standing(0.0, 0.0)
