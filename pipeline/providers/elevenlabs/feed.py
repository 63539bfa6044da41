"""The sound of one clause between whoever receives it and whoever plays it.

The receiver never waits for the player: one slow listener must not hold up the other
clauses of a socket, nor a place in the vendor's plan. A clause is at most some megabytes.
"""

from __future__ import annotations

import asyncio
from collections.abc import Callable

import numpy as np

from pipeline.bounds import (
    ELEVENLABS_CANCEL_S,
    ELEVENLABS_CLIP_S,
    ELEVENLABS_FIRST_SOUND_S,
    ELEVENLABS_NEXT_SOUND_S,
)
from pipeline.ports import EngineError
from pipeline.providers.elevenlabs.alignment import Alignment
from pipeline.providers.elevenlabs.faults import fault
from pipeline.types import Pcm


class Feed:
    """One writer (``push``, then ``end`` or ``fail``), one reader (``read``).

    ``on_end`` is called exactly once, when the vendor has nothing more to do with the
    clause; ``on_late`` after the failure when it took too long.
    """

    def __init__(self, *, sample_rate_hz: int, on_end: Callable[[], None]) -> None:
        self.sample_rate_hz = sample_rate_hz
        self.alignment = Alignment()
        self.bytes_received = 0
        self.ended = False
        self.failure: EngineError | None = None
        self.cancelled = False
        self.sent: bool | None = None
        """Whether the text went out on a socket; None: it is not for a socket."""
        self.on_late: Callable[[], None] = lambda: None
        self._on_end = on_end
        self._pending = bytearray()
        self._news = asyncio.Event()
        self._loop = asyncio.get_running_loop()
        self._timer: asyncio.TimerHandle | None = None

    @property
    def received_s(self) -> float:
        return self.bytes_received / 2 / self.sample_rate_hz

    def asked(self) -> None:
        """The vendor has the clause now: its time runs."""
        self._expect(ELEVENLABS_FIRST_SOUND_S)

    def push(self, data: bytes, alignment: object = None) -> None:
        """PCM16 little endian, cut anywhere."""
        if self.ended:
            return
        self._expect(ELEVENLABS_CANCEL_S if self.cancelled else ELEVENLABS_NEXT_SOUND_S)
        if self.cancelled:
            return
        if alignment is not None:
            self.alignment.add(alignment, self.received_s)
        self._pending += data
        self.bytes_received += len(data)
        if len(self._pending) > ELEVENLABS_CLIP_S * self.sample_rate_hz * 2:
            self.fail(fault("vendor_malformed", "sound without end"))
        self._news.set()

    def end(self) -> None:
        """All sound has come."""
        if not self.ended and not self.bytes_received and not self.cancelled:
            self.fail(fault("vendor_malformed", "no sound"))
        self._finish()

    def fail(self, error: EngineError) -> None:
        if not self.ended:
            self.failure = self._as_billed(error)
        self._finish()

    def cancel(self) -> None:
        """Nobody reads any more; what still comes is thrown away until the vendor ends it."""
        if not self.ended and not self.cancelled:
            self.cancelled = True
            self._pending.clear()
            self._expect(ELEVENLABS_CANCEL_S)

    async def read(self) -> Pcm | None:
        """What has come since the last call, at least one sample; None at the end.

        Raises EngineError once everything before a failure has been read.
        """
        while True:
            whole = len(self._pending) // 2 * 2
            if whole:
                block: Pcm = np.frombuffer(bytes(self._pending[:whole]), "<i2").astype(np.int16)
                del self._pending[:whole]
                return block
            if self.failure is not None:
                raise self.failure
            if self.ended or self.cancelled:
                return None
            self._news.clear()
            await self._news.wait()

    def _as_billed(self, error: EngineError) -> EngineError:
        """A socket that breaks fails all its clauses; those whose text was sent are billed."""
        if self.sent is False or (self.sent and error.code == "vendor_unreachable"):
            own = EngineError(
                error.code,
                str(error),
                recoverable=error.recoverable,
                detail=error.detail,
                taken=self.sent,
            )
            own.__cause__ = error
            return own
        return error

    def _finish(self) -> None:
        if self.ended:
            return
        self.ended = True
        if self._timer is not None:
            self._timer.cancel()
        self._news.set()
        self._on_end()

    def _expect(self, within_s: float) -> None:
        if self._timer is not None:
            self._timer.cancel()
        self._timer = self._loop.call_later(within_s, self._late)

    def _late(self) -> None:
        self.fail(fault("engine_timeout", "no sound in time"))
        self.on_late()
