"""What is said reaches the client once and in order, over however many connections."""

from __future__ import annotations

import asyncio
import json
import random

import pytest

from pipeline.bounds import KEPT_MAX, KEPT_MAX_BYTES, WAITING_MAX, WAITING_MAX_BYTES
from pipeline.events import CueAudio, Event, Notice
from pipeline.tests.waiting import until
from pipeline.wire import decode_cue_frame
from sessions_app.protocol.messages import CloseCode, Resumed
from sessions_app.running.outbox import Outbox

SOUND = CueAudio(cue=0, start_s=0.0, sample_rate=16_000, pcm=b"\0\0" * 800)


class Connection:
    """A connection that may be slow, and may break in the middle of a message."""

    def __init__(self, *, breaks_after: int = 1_000_000) -> None:
        self.got: list[str | bytes] = []
        self.open = asyncio.Event()
        self.open.set()
        self._left = breaks_after

    async def send_text(self, text: str) -> None:
        await self._take(text)

    async def send_bytes(self, data: bytes) -> None:
        await self._take(data)

    async def _take(self, message: str | bytes) -> None:
        await self.open.wait()
        if not self._left:
            raise ConnectionResetError
        self._left -= 1
        self.got.append(message)

    async def say_goodbye(
        self, close_code: CloseCode, code: str, message: str, *, resume: bool
    ) -> None:
        pass

    def sequences(self) -> list[int]:
        return [
            decode_cue_frame(message).sequence
            if isinstance(message, bytes)
            else json.loads(message)["sequence"]
            for message in self.got
        ]


def notice(text: str = "y") -> Event:
    return Notice(code="x", message=text)


async def test_messages_of_both_kinds_are_counted_together() -> None:
    outbox, connection = Outbox(binary=True), Connection()
    outbox.attach(connection, after=-1)
    for event in (notice(), SOUND, notice(), SOUND):
        await outbox.put(event)
    assert await outbox.flush(timeout_s=30)
    assert connection.sequences() == [0, 1, 2, 3]
    await outbox.aclose()


async def test_what_was_said_while_the_client_was_away_follows() -> None:
    outbox, first, second = Outbox(binary=True), Connection(), Connection()
    outbox.attach(first, after=-1)
    for _ in range(5):
        await outbox.put(notice())
    await outbox.flush(timeout_s=30)
    assert outbox.detach(first)
    for _ in range(5):
        await outbox.put(SOUND)
    greeting = Resumed(session_id="x", how="same", chunk=3, number=1)
    assert outbox.attach(second, after=2, greeting=greeting) == 0
    await outbox.flush(timeout_s=30)
    # Two of the first five had been sent into nowhere.
    assert second.sequences() == [-1, *range(3, 10)]
    await outbox.aclose()


async def test_a_late_goodbye_of_the_old_connection_does_not_end_the_new_one() -> None:
    outbox, old, new = Outbox(binary=True), Connection(), Connection()
    outbox.attach(old, after=-1)
    outbox.attach(new, after=-1)
    assert not outbox.detach(old)
    await outbox.put(notice())
    await outbox.flush(timeout_s=30)
    assert new.sequences() == [0]
    await outbox.aclose()


async def test_a_connection_that_hangs_is_left_for_the_next() -> None:
    outbox, stuck, new = Outbox(binary=True), Connection(), Connection()
    stuck.open.clear()
    outbox.attach(stuck, after=-1)
    await outbox.put(notice())
    await asyncio.sleep(0.01)
    outbox.attach(new, after=-1)
    assert await outbox.flush(timeout_s=30)
    assert new.sequences() == [0]
    await outbox.aclose()


@pytest.mark.parametrize("seed", range(20))
async def test_every_message_comes_once_whenever_connections_break(seed: int) -> None:
    chance = random.Random(seed)
    outbox, total = Outbox(binary=True), 400
    got: list[int] = []

    async def say() -> None:
        for n in range(total):
            await outbox.put(SOUND if n % 3 else notice(str(n)))
            if chance.random() < 0.1:
                await asyncio.sleep(0)

    saying = asyncio.create_task(say())
    while len(got) < total:
        connection = Connection(breaks_after=chance.randrange(1, 60))
        last = got[-1] if got else -1
        outbox.attach(connection, after=last)
        for _ in range(chance.randrange(1, 30)):
            await asyncio.sleep(0)
        outbox.detach(connection)
        # The client may not have got the last of what was sent.
        arrived = connection.sequences()[: chance.randrange(0, 61)]
        got += arrived
        if chance.random() < 0.5 and got:
            outbox.forget(got[-1])
    await saying
    assert got == list(range(total))
    await outbox.aclose()


async def test_a_client_that_never_acknowledges_bounds_what_is_kept() -> None:
    outbox, connection = Outbox(binary=True), Connection()
    outbox.attach(connection, after=-1)
    for _ in range(KEPT_MAX * 2):
        await outbox.put(SOUND)
    await outbox.flush(timeout_s=30)
    assert len(outbox._kept) <= KEPT_MAX
    assert outbox._kept_bytes <= KEPT_MAX_BYTES
    late = Connection()
    lost = outbox.attach(late, after=0)
    await outbox.flush(timeout_s=30)
    assert lost == outbox.next_sequence - len(late.got) - 1 > 0
    await outbox.aclose()


async def test_while_the_client_is_away_a_run_waits_when_the_room_is_used_up() -> None:
    outbox = Outbox(binary=True)
    connection = Connection()
    outbox.attach(connection, after=-1)
    outbox.detach(connection)
    said = 0

    async def say() -> None:
        nonlocal said
        for _ in range(KEPT_MAX * 2):
            await outbox.put(SOUND)
            said += 1

    saying = asyncio.create_task(say())
    await asyncio.sleep(0.2)
    assert not saying.done()
    assert said <= KEPT_MAX + WAITING_MAX
    assert outbox._kept_bytes <= KEPT_MAX_BYTES + len(SOUND.pcm) + 20
    back = Connection()
    outbox.attach(back, after=-1)
    await saying
    await outbox.flush(timeout_s=30)
    assert back.sequences() == list(range(KEPT_MAX * 2))
    await outbox.aclose()


async def test_a_client_that_reads_nothing_bounds_what_waits_for_it() -> None:
    outbox, connection = Outbox(binary=True), Connection()
    connection.open.clear()
    outbox.attach(connection, after=-1)
    for _ in range(WAITING_MAX * 2):
        outbox.offer(notice())
        await asyncio.sleep(0)
    assert outbox.left_out >= WAITING_MAX - 2
    must = asyncio.create_task(outbox.put(SOUND))
    await asyncio.sleep(0.01)
    assert not must.done()
    connection.open.set()
    await asyncio.wait_for(must, 30)
    await outbox.aclose()


async def test_a_client_that_reads_nothing_bounds_the_sound_that_waits_for_it() -> None:
    outbox, connection = Outbox(binary=True), Connection()
    connection.open.clear()
    outbox.attach(connection, after=-1)
    # As an engine gives it that speaks a whole line in one piece.
    large = CueAudio(cue=0, start_s=0.0, sample_rate=48_000, pcm=bytes(480_000))
    said = 0

    async def say() -> None:
        nonlocal said
        for _ in range(WAITING_MAX // 2):
            await outbox.put(large)
            said += 1

    saying = asyncio.create_task(say())
    await asyncio.sleep(0.05)
    assert not saying.done()
    assert said <= WAITING_MAX_BYTES // len(large.pcm) + 2
    assert outbox._waiting_bytes < WAITING_MAX_BYTES + len(large.pcm)
    outbox.offer(notice())
    assert outbox.left_out == 1
    connection.open.set()
    await asyncio.wait_for(saying, 30)
    assert await outbox.flush(timeout_s=30)
    assert outbox._waiting_bytes == 0
    assert connection.sequences() == list(range(WAITING_MAX // 2))
    await outbox.aclose()


async def test_acknowledgements_come_at_a_bounded_rate_and_only_when_something_changed(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setattr("sessions_app.running.outbox.ACKNOWLEDGE_EVERY_S", 0.02)
    outbox, connection = Outbox(binary=True), Connection()
    outbox.attach(connection, after=-1)
    for chunk in range(100):
        outbox.acknowledge(chunk=chunk, number=1)
    await until(lambda: bool(connection.got))
    outbox.acknowledge(chunk=99, number=1)
    await asyncio.sleep(0.06)
    (only,) = [json.loads(message) for message in connection.got]
    assert (only["chunk"], only["number"]) == (99, 1)
    await outbox.aclose()
