"""Everything the server says to one client: bounded, numbered, sent by one task.

What was sent is kept until the client acknowledges it, so a client that comes back says
which message it got last and misses nothing. While it is away messages gather here; when
there is no more room the run waits. What a run says waits for room; answers to the
client's own messages are left out when there is none.
"""

from __future__ import annotations

import asyncio
import contextlib
import itertools
import logging
import re
from collections import deque
from typing import Protocol

import msgspec

from pipeline import metrics
from pipeline.bounds import KEPT_MAX, KEPT_MAX_BYTES, TOLD_MAX, WAITING_MAX, WAITING_MAX_BYTES
from pipeline.events import CueAudio, Event
from pipeline.wire import encode_cue_audio, encode_event
from sessions_app.protocol.messages import Acknowledgement, CloseCode, CueSound
from sessions_app.running.observing import observe

log = logging.getLogger(__name__)

ACKNOWLEDGE_EVERY_S = 0.5
_TOLD = re.compile(
    r'\{"sequence":([0-9]+),'
    r'("type":"(?:ready|language|transcript|translation|speaker|skipped|merged|error|voice_clone|summary)"'
    r".*)"
)
OUT_OF_COUNT = -1
"""Sequence of the messages that stand outside the count."""


class Told(msgspec.Struct, frozen=True, array_like=True):
    """A message that the client has not acknowledged."""

    sequence: int
    body: str
    """Its JSON behind the sequence number."""


class Outlet(Protocol):
    """A connection, as far as sending goes. Waits while the client is slow to read."""

    async def send_text(self, text: str) -> None: ...

    async def send_bytes(self, data: bytes) -> None: ...

    async def say_goodbye(
        self, close_code: CloseCode, code: str, message: str, *, resume: bool
    ) -> None: ...


class Outbox:
    """``first_sequence`` is the number of the first message."""

    def __init__(self, *, binary: bool, first_sequence: int = 0) -> None:
        self.binary = binary
        self._waiting: deque[Event | CueAudio | Told] = deque()
        self._waiting_bytes = 0
        self._kept: deque[str | bytes] = deque()
        self._kept_bytes = 0
        self._kept_from = first_sequence
        self._cursor = first_sequence
        """The message to send next; those before it were sent on this connection or before."""
        self._outlet: Outlet | None = None
        self._greeting: str | None = None
        self._sender: asyncio.Task[None] | None = None
        self._wake = asyncio.Event()
        self._room = asyncio.Event()
        self._empty = asyncio.Event()
        self._acknowledged = (-1, 0)
        self._said = (-1, 0)
        self._timer: asyncio.TimerHandle | None = None
        self.left_out = 0
        metrics.track_queue("outbox_waiting", self, lambda outbox: len(outbox._waiting))
        metrics.track_queue("outbox_waiting_bytes", self, lambda outbox: outbox._waiting_bytes)
        metrics.track_queue("outbox_kept", self, lambda outbox: len(outbox._kept))
        metrics.track_queue("outbox_kept_bytes", self, lambda outbox: outbox._kept_bytes)

    # Connections -------------------------------------------------------------------

    @property
    def next_sequence(self) -> int:
        """Number of the next message that will be numbered."""
        return self._kept_from + len(self._kept)

    @property
    def outlet(self) -> Outlet | None:
        """The present connection."""
        return self._outlet

    def attach(self, outlet: Outlet, *, after: int, greeting: Event | None = None) -> int:
        """Send on this connection from now on, beginning behind message ``after``.

        Returns how many messages were not kept long enough to be sent again.
        """
        self._outlet = outlet
        self._greeting = encode_event(greeting, OUT_OF_COUNT) if greeting else None
        self._cursor = min(max(after + 1, self._kept_from), self.next_sequence)
        self.forget(after)
        # A send on the old connection may wait for ever; its message is kept.
        self._restart()
        return max(0, self._kept_from - (after + 1))

    def detach(self, outlet: Outlet) -> bool:
        """The connection is gone; False when another one had taken its place already."""
        if self._outlet is not outlet:
            return False
        self._outlet = None
        self._restart()
        return True

    def _restart(self) -> None:
        if self._sender is not None:
            self._sender.cancel()
        self._sender = asyncio.create_task(self._send_all(), name="outbox")

    async def aclose(self) -> None:
        """Send nothing more. Idempotent."""
        self._outlet = None
        if self._timer is not None:
            self._timer.cancel()
        if self._sender is not None:
            self._sender.cancel()
            await asyncio.gather(self._sender, return_exceptions=True)

    async def flush(self, *, timeout_s: float) -> bool:
        """Wait until all that was said is sent; False when the time is up."""
        self._empty.clear()
        self._wake.set()
        with contextlib.suppress(TimeoutError):
            async with asyncio.timeout(timeout_s):
                await self._empty.wait()
        return self._empty.is_set()

    # Saying ------------------------------------------------------------------------

    async def put(self, event: Event | CueAudio) -> None:
        """Say something that must be said; waits while there is no room."""
        while not self._may_wait():
            self._room.clear()
            await self._room.wait()
        self._wait(event)

    def offer(self, event: Event) -> None:
        """Say something that may be left out when there is no room."""
        if not self._may_wait():
            self.left_out += 1
            return
        self._wait(event)

    def acknowledge(self, *, chunk: int, number: int) -> None:
        """Say soon how much of what the client sent was taken; at a bounded rate."""
        self._acknowledged = (chunk, number)
        if self._timer is None:
            loop = asyncio.get_running_loop()
            self._timer = loop.call_later(ACKNOWLEDGE_EVERY_S, self._acknowledge_now)

    def _acknowledge_now(self) -> None:
        self._timer = None
        if self._acknowledged != self._said:
            self._said = self._acknowledged
            chunk, number = self._acknowledged
            self.offer(Acknowledgement(chunk=chunk, number=number))

    def forget(self, sequence: int) -> None:
        """The client has every message up to ``sequence``: they need not be kept."""
        while self._kept and self._kept_from <= sequence and self._kept_from < self._cursor:
            self._drop_oldest()

    # Moving ------------------------------------------------------------------------

    def told(self) -> list[Told]:
        """What was said about lines and not acknowledged, sound and the timing of sound
        left out: lines whose sound did not arrive are spoken anew."""
        newest = itertools.islice(reversed(self._kept), TOLD_MAX)
        matches = [_TOLD.fullmatch(text) for text in newest if isinstance(text, str)]
        return [Told(int(match[1]), match[2]) for match in reversed(matches) if match]

    def tell_again(self, told: Told) -> None:
        """Say what another process said."""
        self._wait(told)

    # Waiting -----------------------------------------------------------------------

    def _may_wait(self) -> bool:
        return len(self._waiting) < WAITING_MAX and self._waiting_bytes < WAITING_MAX_BYTES

    def _wait(self, message: Event | CueAudio | Told) -> None:
        self._waiting.append(message)
        self._waiting_bytes += _sound_bytes(message)
        self._wake.set()

    # Sending -----------------------------------------------------------------------

    async def _send_all(self) -> None:
        while True:
            while (message := self._next()) is not None:
                outlet = self._outlet
                assert outlet is not None
                try:
                    if isinstance(message, str):
                        await outlet.send_text(message)
                    else:
                        await outlet.send_bytes(message)
                        # A line's blocks are made faster than they are sent: others first.
                        await asyncio.sleep(0)
                except Exception as error:  # whatever the server raises on a dead connection
                    log.info("message not sent", extra={"error": type(error).__name__})
                    self._outlet = None
            self._wake.clear()
            await self._wake.wait()

    def _next(self) -> str | bytes | None:
        """The message to send now; None while there is none, or nobody to send it to."""
        if self._outlet is None:
            while self._waiting and self._has_room():
                self._number(self._waiting.popleft())
            return None
        if self._greeting is not None:
            greeting, self._greeting = self._greeting, None
            return greeting
        if self._cursor == self.next_sequence:
            if not self._waiting:
                self._empty.set()
                return None
            self._number(self._waiting.popleft())
            while self._kept_from < self._cursor and not self._has_room():
                self._drop_oldest()
        message = self._kept[self._cursor - self._kept_from]
        self._cursor += 1
        return message

    def _has_room(self) -> bool:
        return len(self._kept) < KEPT_MAX and self._kept_bytes < KEPT_MAX_BYTES

    def _number(self, event: Event | CueAudio | Told) -> None:
        self._waiting_bytes -= _sound_bytes(event)
        self._room.set()
        if isinstance(event, Event):
            observe(event)
        message = self._encoded(event, self.next_sequence)
        self._kept.append(message)
        self._kept_bytes += len(message)

    def _drop_oldest(self) -> None:
        self._kept_bytes -= len(self._kept.popleft())
        self._kept_from += 1

    def _encoded(self, event: Event | CueAudio | Told, sequence: int) -> str | bytes:
        if isinstance(event, Told):
            return f'{{"sequence":{sequence},{event.body}'
        if not isinstance(event, CueAudio):
            return encode_event(event, sequence)
        if self.binary:
            return encode_cue_audio(event, sequence & 0xFFFFFFFF)
        sound = CueSound(
            cue=event.cue,
            start_s=round(event.start_s, 6),
            sample_rate=event.sample_rate,
            last=event.last,
            audio_data=event.pcm,
        )
        return encode_event(sound, sequence)


def _sound_bytes(message: Event | CueAudio | Told) -> int:
    """Sound is what an engine may give in pieces of any size."""
    return len(message.pcm) if isinstance(message, CueAudio) else 0
