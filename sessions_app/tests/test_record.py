"""Lines on their way to the database."""

from __future__ import annotations

import asyncio
import uuid
from collections.abc import Sequence
from datetime import timedelta

import pytest
from django.utils import timezone

from pipeline.bounds import BATCH_MAX, LINES_UNWRITTEN_MAX
from pipeline.events import Latencies
from pipeline.reporting.record import LineRecord
from sessions_app import holding, services
from sessions_app.models import HOLD_LASTS, DubbingSession, IllegalTransitionError, SessionState
from sessions_app.running import record
from sessions_app.running.record import LineWriter
from sessions_app.tasks import interrupt_abandoned
from sessions_app.tests.conftest import Person


def line(sequence: int, *, skipped: str | None = None) -> LineRecord:
    latencies = Latencies(
        endpoint_ms=1, recognition_ms=2, translation_ms=3, synthesis_ms=4, total_ms=5, lag_ms=6
    )
    return LineRecord(
        sequence=sequence,
        speaker="S1",
        source_language="en",
        target_language="es",
        source_text="one\0 two",
        target_text="",
        start_s=0.0,
        end_s=1.0,
        engine="e",
        voice="v",
        latencies=None if skipped else latencies,
        skipped_reason=skipped,
    )


class Store:
    """Keeps what is written; fails as often as it is told to."""

    def __init__(self, failures: int = 0) -> None:
        self.batches: list[list[LineRecord]] = []
        self.failures = failures
        self.saved_thrice = asyncio.Event()

    async def save(self, lines: Sequence[LineRecord]) -> None:
        if self.failures:
            self.failures -= 1
            raise OSError("away")
        self.batches.append(list(lines))
        if len(self.batches) >= 3:
            self.saved_thrice.set()

    def sequences(self) -> list[int]:
        return [each.sequence for batch in self.batches for each in batch]


@pytest.fixture(autouse=True)
def _quick(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(record, "BATCH_WAIT_S", 0.02)
    monkeypatch.setattr(record, "RETRY_FIRST_S", 0.01)
    monkeypatch.setattr(record, "HURRY_S", 0.01)


async def test_lines_are_written_in_batches_and_in_order() -> None:
    store = Store()
    writer = LineWriter(store.save)
    writer.start()
    for n in range(250):
        assert writer.offer(line(n))
    assert await writer.flush()
    await writer.aclose()
    assert store.sequences() == list(range(250))
    assert max(map(len, store.batches)) <= BATCH_MAX
    assert len(store.batches) <= 4


async def test_a_database_that_comes_back_gets_everything() -> None:
    store = Store(failures=3)
    writer = LineWriter(store.save)
    writer.start()
    for n in range(5):
        writer.offer(line(n))
    assert await writer.flush()
    await writer.aclose()
    assert store.sequences() == list(range(5))
    assert writer.lost == 0


async def test_a_flush_does_not_wait_for_the_next_try_of_a_long_outage(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setattr(record, "RETRY_FIRST_S", 60.0)
    store = Store(failures=1)
    writer = LineWriter(store.save)
    writer.start()
    writer.offer(line(0))
    async with asyncio.timeout(30):
        while store.failures:  # noqa: ASYNC110 - seen from outside
            await asyncio.sleep(0.01)
    assert await writer.flush(timeout_s=30)
    await writer.aclose()
    assert store.sequences() == [0]
    assert writer.lost == 0


async def test_a_database_that_stays_away_costs_the_oldest_lines_and_they_are_counted() -> None:
    store = Store(failures=10**9)
    writer = LineWriter(store.save)
    writer.start()
    kept = [writer.offer(line(n)) for n in range(LINES_UNWRITTEN_MAX + 10)]
    assert kept.count(False) == 10
    await writer.aclose(timeout_s=0.05)
    assert writer.lost == LINES_UNWRITTEN_MAX + 10
    assert not store.batches


async def test_an_idle_writer_says_that_the_connection_lives() -> None:
    store = Store()
    writer = LineWriter(store.save, heartbeat_s=0.02)
    writer.start()
    async with asyncio.timeout(30):
        await store.saved_thrice.wait()
    await writer.aclose()
    assert store.sequences() == []


def test_lines_that_come_twice_are_written_once(ana: Person) -> None:
    session = services.create_session(ana.user)
    holding.save_lines(session.pk, [line(0), line(1, skipped="backlog")])
    holding.save_lines(session.pk, [line(1), line(2)])
    assert [row.sequence for row in session.lines.all()] == [0, 1, 2]
    assert session.lines.get(sequence=1).skipped_reason == "backlog"
    assert session.lines.get(sequence=0).source_text == "one two"


def test_abandoned_sessions_are_marked_interrupted(ana: Person) -> None:
    session_id, hold = uuid.uuid4(), uuid.uuid4()
    holding.hold_session(session_id, ana.user, hold=hold)
    holding.begin_run(
        session_id,
        hold=hold,
        source_language="en",
        target_language="es",
        preserve_voice=True,
        engines={},
    )
    holding.save_lines(session_id, [line(0)])
    interrupt_abandoned()
    assert DubbingSession.objects.get(pk=session_id).state == SessionState.LIVE
    long_ago = timezone.now() - HOLD_LASTS - timedelta(seconds=1)
    DubbingSession.objects.filter(pk=session_id).update(held_at=long_ago)
    interrupt_abandoned()
    session = DubbingSession.objects.get(pk=session_id)
    assert session.state == SessionState.INTERRUPTED
    assert session.held_by is None
    assert session.summary["lines"] == 1
    with pytest.raises(holding.HoldLostError):
        holding.end_run(session_id, hold=hold, failed=False, media_s=1.0, errors=0, lost_lines=0)


def test_states_lead_only_where_they_may() -> None:
    session = DubbingSession()
    with pytest.raises(IllegalTransitionError, match="created cannot become ended"):
        session.move_to(SessionState.ENDED)
    session.move_to(SessionState.LIVE)
    session.move_to(SessionState.ENDED)
    session.move_to(SessionState.LIVE)
    with pytest.raises(IllegalTransitionError):
        session.move_to(SessionState.CREATED)
