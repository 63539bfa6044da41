"""Faults begin after failing twice, end at once, and are told to whoever subscribed."""

from __future__ import annotations

from collections.abc import Iterator
from datetime import UTC, datetime, timedelta

import pytest

from pipeline import metrics
from sessions_app.processes import faults
from sessions_app.processes.faults import KINDS, FaultChange, Faults

NOW = datetime(2026, 1, 1, tzinfo=UTC)


def report(*failing: str) -> dict[str, dict[str, object]]:
    return {part: {"ok": part not in failing} for part in KINDS}


def told(changes: list[FaultChange]) -> list[tuple[str, bool]]:
    return [(change.code, change.over) for change in changes]


@pytest.fixture
def fresh(monkeypatch: pytest.MonkeyPatch) -> Iterator[Faults]:
    monkeypatch.setattr(faults, "present", Faults())
    yield faults.present
    for kind in KINDS.values():
        metrics.set_fault(kind.code, present=False)


def test_one_unlucky_probe_is_no_fault() -> None:
    known = Faults()
    suspected = []
    for failing in (["database"], [], ["database"]):
        assert known.update(report(*failing)) == []
        suspected.append(known.suspected)
    assert suspected == [True, False, True]


def test_a_fault_begins_once_and_ends_once_and_knows_since_when() -> None:
    known = Faults()
    known.update(report("redis"), at=NOW)
    later = NOW + timedelta(seconds=1)
    (begun,) = known.update(report("redis"), at=later)
    assert (begun.code, begun.over, begun.since) == ("redis_away", False, NOW)
    assert "this server process only" in begun.message
    assert known.update(report("redis"), at=later) == []
    assert known.since == {"redis": NOW}
    assert known.current() == [begun]
    (ended,) = known.update(report(), at=later)
    assert (ended.code, ended.over, ended.since) == ("redis_away", True, NOW)
    assert known.update(report()) == []
    assert known.current() == []


@pytest.mark.parametrize(
    ("part", "code"),
    [
        ("database", "database_away"),
        ("redis", "redis_away"),
        ("worker", "worker_away"),
        ("disk", "disk_full"),
        ("engines", "engines_failed"),
    ],
)
def test_every_part_has_its_code(part: str, code: str) -> None:
    known = Faults()
    changes = [change for _ in range(5) for change in known.update(report(part))]
    assert told(changes) == [(code, False)]


def test_without_redis_nothing_is_said_of_the_worker() -> None:
    known = Faults()
    changes = [change for _ in range(9) for change in known.update(report("redis", "worker"))]
    assert told(changes) == [("redis_away", False)]
    assert told(known.update(report())) == [("redis_away", True)]


def test_a_part_that_was_not_looked_at_stays_as_it_is() -> None:
    known = Faults()
    for _ in range(2):
        known.update(report("disk"))
    assert known.update({"database": {"ok": True}}) == []
    assert told(known.update(report())) == [("disk_full", True)]


def test_subscribers_are_told_though_another_one_fails(fresh: Faults) -> None:
    def failing(change: FaultChange) -> None:
        raise RuntimeError("of the subscriber's own")

    heard: list[FaultChange] = []
    stop_failing = faults.subscribe(failing)
    stop = faults.subscribe(heard.append)
    for _ in range(2):
        faults.take_report(report("database"))
    assert told(heard) == [("database_away", False)]
    assert metrics.REGISTRY.get_sample_value("dubbing_fault", {"code": "database_away"}) == 1
    stop()
    stop()
    stop_failing()
    faults.take_report(report())
    assert told(heard) == [("database_away", False)]
    assert metrics.REGISTRY.get_sample_value("dubbing_fault", {"code": "database_away"}) == 0
