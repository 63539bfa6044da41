"""One source stream with a recogniser's process: back-pressure, order, failure.

Whether the process is the stream's own or serves others too is the lane's business.
"""

from __future__ import annotations

import asyncio
import logging
import time
from collections import deque
from collections.abc import AsyncGenerator, AsyncIterator, Callable
from contextlib import aclosing
from typing import Protocol

from pipeline import metrics
from pipeline.bounds import RECOGNISER_BACKLOG_S as BACKLOG_MAX_S
from pipeline.bounds import RECOGNISER_STALL_S as STALL_S
from pipeline.bounds import UNREAD_MAX
from pipeline.ports import EngineError
from pipeline.providers.speech_messages import Heard, Piece, Taken
from pipeline.types import SAMPLE_RATE_HZ, Hypothesis, SpeechPiece

log = logging.getLogger(__name__)


class Lane(Protocol):
    """The way to a process and back for one stream."""

    @property
    def pid(self) -> int:
        """Of the process."""

    async def send(self, piece: Piece) -> None:
        """Raises EngineError("engine_stopped") once the process is gone."""

    async def receive(self) -> Heard | Taken:
        """The next answer. Every piece is answered by one Taken, in order, after what was
        heard in it. Raises EngineError("engine_stopped") once the process is gone."""

    def kill(self) -> None:
        """The process hangs, or its stream has failed: end it."""

    async def leave(self) -> None:
        """Nobody wants what is under way any more: free what the stream takes, at once."""


class ProcessStream:
    """Fills ``RecognizerStream``; made by a recogniser's ``open``."""

    def __init__(
        self,
        lane: Lane,
        *,
        on_closed: Callable[[ProcessStream], None],
        ahead_s: float | None = None,
    ) -> None:
        """``ahead_s`` of audio may be on its way to the search; what is cannot be called back."""
        self._lane = lane
        self._ahead_s = BACKLOG_MAX_S if ahead_s is None else ahead_s
        self._on_closed = on_closed
        self._on_the_way: deque[int] = deque()  # samples of each piece not yet searched
        self._unread: deque[Hypothesis] = deque()
        self._changed = asyncio.Condition()
        self._failure: EngineError | None = None
        self._finished = False
        self.billed_s = 0.0
        self._closed = False
        self._progress_at = time.monotonic()
        self._reader = asyncio.create_task(self._read(), name=f"recogniser {lane.pid}")
        metrics.track_queue("recogniser_backlog", self, lambda stream: stream.waiting_s)
        metrics.track_queue("hypotheses_unread", self, lambda stream: len(stream._unread))

    @property
    def pid(self) -> int:
        """Of the process behind it."""
        return self._lane.pid

    async def push(self, piece: SpeechPiece) -> None:
        """Raises EngineError("engine_stopped") once the process is gone."""
        if self._finished:
            raise ValueError("a finished stream takes no more pieces")
        async with self._changed:
            await self._changed.wait_for(lambda: self._has_room(len(piece.pcm)))
            self._refuse_failed()
            if not self._on_the_way:
                self._progress_at = time.monotonic()
            self._on_the_way.append(len(piece.pcm))
            self.billed_s += len(piece.pcm) / SAMPLE_RATE_HZ
        await self._lane.send(Piece.of(piece))

    async def __aiter__(self) -> AsyncIterator[Hypothesis]:
        while (hypothesis := await self._next()) is not None:
            yield hypothesis

    async def finish(self) -> None:
        async with self._changed:
            self._finished = True
            self._changed.notify_all()

    async def aclose(self) -> None:
        if self._closed:
            return
        self._closed = True
        self._reader.cancel()
        await asyncio.gather(self._reader, return_exceptions=True)
        await self._lane.leave()
        await self._fail(EngineError("engine_stopped", "The recognition was closed."))
        self._on_closed(self)

    @property
    def waiting_s(self) -> float:
        """Audio on its way to the search."""
        return sum(tuple(self._on_the_way)) / SAMPLE_RATE_HZ

    def _has_room(self, samples: int) -> bool:
        if self._failure is not None or not self._on_the_way:
            return True
        return self.waiting_s + samples / SAMPLE_RATE_HZ <= self._ahead_s

    def _refuse_failed(self) -> None:
        if self._failure is not None:
            raise self._failure

    async def _next(self) -> Hypothesis | None:
        async with self._changed:
            await self._changed.wait_for(
                lambda: (
                    self._unread
                    or self._failure is not None
                    or (self._finished and not self._on_the_way)
                )
            )
            if not self._unread:
                if self._closed:
                    return None
                self._refuse_failed()
                return None
            self._changed.notify_all()
            return self._unread.popleft()

    async def _read(self) -> None:
        try:
            async with aclosing(self._replies()) as replies:
                async for reply in replies:
                    await self._take(reply)
        except EngineError as error:
            log.warning("recogniser stopped", extra={"pid": self._lane.pid, "code": error.code})
            self._lane.kill()
            await self._fail(error)
            # The slot is free from now on, even before the stream's owner closes it.
            self._on_closed(self)

    async def _replies(self) -> AsyncGenerator[Heard | Taken, None]:
        while True:
            reply = asyncio.ensure_future(self._lane.receive())
            try:
                while not (await asyncio.wait({reply}, timeout=STALL_S / 4))[0]:
                    if self._on_the_way and time.monotonic() - self._progress_at > STALL_S:
                        raise EngineError("engine_stopped", "The recogniser hangs; restarting it.")
                yield reply.result()
            finally:
                reply.cancel()

    async def _take(self, reply: Heard | Taken) -> None:
        async with self._changed:
            self._progress_at = time.monotonic()
            if isinstance(reply, Taken):
                self._on_the_way.popleft()
            elif isinstance(reply, Heard):
                await self._changed.wait_for(lambda: len(self._unread) < UNREAD_MAX)
                # Only the newest partial is worth reading.
                if self._unread and not self._unread[-1].is_final:
                    self._unread.pop()
                self._unread.append(reply.hypothesis)
            self._changed.notify_all()

    async def _fail(self, error: EngineError) -> None:
        async with self._changed:
            self._failure = self._failure or error
            self._changed.notify_all()
