"""One source stream recognised over one vendor stream after another (``relay``).

A vendor stream spans utterances as long as speech goes on, because the recogniser's context
is worth keeping, and is half-closed ``patience_s`` after an utterance's end when nothing
follows. The half-close makes the vendor tell its final at once. Against the emulator, with
150 ms for a final, an utterance was closed 305–320 ms after its end that way; fed with silence
instead, it waits for the vendor's own endpointing of 500 ms beside, and an interim that covers
the end early still has its newest words wrong. Silence is thus never sent or billed, the
service's idle limit is not met, and the next stream costs a millisecond on an open connection.
"""

from __future__ import annotations

import asyncio
import time
from collections import deque
from collections.abc import AsyncIterator, Callable

from google.cloud.speech_v2.types import cloud_speech as speech

from pipeline import metrics
from pipeline.bounds import GOOGLE_AHEAD_MAX_S
from pipeline.ports import EngineError
from pipeline.providers.google.channels import Connection
from pipeline.providers.google.pacing import Pacing
from pipeline.providers.google.relay import Relay
from pipeline.types import SAMPLE_RATE_HZ, Hypothesis, SpeechPiece

_TICK_S = 0.05
_LAST_PART = 0.85
"""Of a stream's longest life: from then on any pause is good enough to end it."""


class GoogleStream:
    """Fills ``RecognizerStream``; made by the recogniser's ``open``."""

    def __init__(
        self,
        connection: Callable[[], Connection],
        asked: speech.StreamingRecognizeRequest,
        *,
        tells_language: bool,
        pacing: Pacing,
        on_closed: Callable[[GoogleStream], None],
    ) -> None:
        self._pacing = pacing
        self._on_closed = on_closed
        self._wake = asyncio.Event()
        self._room = asyncio.Event()
        self._relay = Relay(
            connection,
            asked,
            tells_language=tells_language,
            pacing=pacing,
            on_change=self._look,
        )
        self._pieces: deque[SpeechPiece] = deque()
        self._waiting = 0
        """Samples in them."""
        self._quiet_since: float | None = None
        """When the last of an utterance was sent, and nothing after it."""
        self._finished = False
        self._tasks = [
            asyncio.create_task(self._pump(), name="google recogniser audio"),
            asyncio.create_task(self._watch(), name="google recogniser clock"),
        ]
        metrics.track_queue("google_ahead", self, lambda one: one._waiting_s)

    async def push(self, piece: SpeechPiece) -> None:
        """Raises EngineError once the vendor has failed."""
        if self._finished:
            raise ValueError("a finished stream takes no more pieces")
        unread = self._relay.unread
        while self._pieces and self._waiting_s >= GOOGLE_AHEAD_MAX_S and not unread.is_over:
            self._room.clear()
            await self._room.wait()
        if unread.failure is not None:
            raise unread.failure
        if unread.is_over:
            raise EngineError("engine_stopped", "The recognition was closed.")
        self._pieces.append(piece)
        self._waiting += len(piece.pcm)
        self._wake.set()

    async def __aiter__(self) -> AsyncIterator[Hypothesis]:
        while (hypothesis := await self._relay.unread.next()) is not None:
            yield hypothesis

    async def finish(self) -> None:
        self._finished = True
        self._wake.set()

    async def aclose(self) -> None:
        self._relay.unread.end()
        self._room.set()
        for task in self._tasks:
            task.cancel()
        self._relay.drop()
        await asyncio.gather(*self._tasks, return_exceptions=True)
        self._on_closed(self)

    @property
    def billed_s(self) -> float:
        return self._relay.billed_s

    @property
    def _waiting_s(self) -> float:
        return self._waiting / SAMPLE_RATE_HZ

    def _look(self) -> None:
        self._wake.set()
        if self._relay.unread.is_over:
            self._room.set()

    async def _pump(self) -> None:
        relay = self._relay
        try:
            while not relay.unread.is_over:
                self._wake.clear()
                if self._pieces and self._may_send():
                    piece = self._pieces.popleft()
                    self._waiting -= len(piece.pcm)
                    self._room.set()
                    await self._take(piece)
                elif not await self._rest():
                    await self._sleep(_TICK_S if relay.utterances or relay.is_telling else None)
        except Exception as error:
            relay.fail(error)

    async def _sleep(self, seconds: float | None) -> None:
        try:
            await asyncio.wait_for(self._wake.wait(), seconds)
        except TimeoutError:
            return

    def _may_send(self) -> bool:
        pacing, leg = self._pacing, self._relay.sending
        if pacing.speed is None or leg is None:
            return True
        age_s = time.monotonic() - leg.opened_at
        return leg.timeline.sent_s <= pacing.burst_s + pacing.speed * age_s

    async def _take(self, piece: SpeechPiece) -> None:
        relay = self._relay
        if not relay.utterances:
            relay.begin_at(piece.start)
        relay.utterances.begin(piece)
        self._quiet_since = None
        await relay.send(piece.start, piece.pcm)
        if not piece.ends:
            return
        leg = relay.sending
        paused = piece.speech_end is not None and piece.speech_end < piece.end
        if leg is not None and paused:
            # Not where speech goes on: the silence that fills the message up would cut a word.
            await leg.flush()
        self._quiet_since = time.monotonic()
        relay.utterances.end(piece, self._quiet_since)
        if leg is not None and paused and leg.age_s >= _LAST_PART * self._pacing.stream_s:
            await leg.half_close()
        relay.settle()

    async def _rest(self) -> bool:
        """What is to be done while no audio may be sent; whether anything was."""
        relay = self._relay
        leg = relay.sending
        if leg is None and relay.owes:
            await relay.open()
            return True
        if leg is not None and not self._pieces:
            quiet_s = time.monotonic() - self._quiet_since if self._quiet_since else 0.0
            if self._finished or quiet_s >= self._pacing.patience_s:
                await leg.half_close()
                return True
        if self._finished and not self._pieces and not relay.is_telling:
            relay.settle()
            if late := relay.utterances.leftovers():
                relay.unread.put(late)
            relay.unread.end()
        return False

    async def _watch(self) -> None:
        relay = self._relay
        while not relay.unread.is_over:
            await asyncio.sleep(_TICK_S)
            try:
                relay.check(time.monotonic())
            except Exception as error:
                relay.fail(error)
