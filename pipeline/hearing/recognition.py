"""One source stream's recognition, kept alive: an engine that breaks is opened anew.

Pieces are kept until their utterance has its final, so a restart repeats what the
engine had not finished and no speech is lost. An engine that never ends an utterance gets
no such promise: beyond ``PIECES_KEPT_MAX`` the oldest that it took are not repeated. Nor does one
that is too slow for speech: ``let_go``.
"""

from __future__ import annotations

import asyncio
import logging
from collections import deque
from collections.abc import AsyncGenerator, Callable

from pipeline import metrics
from pipeline.bounds import PIECES_KEPT_MAX, RESTARTS_MAX, RESTARTS_WITHIN_S
from pipeline.bounds import PIECES_WAITING_MAX as WAITING_MAX
from pipeline.hearing.keeping_up import KeepingUp
from pipeline.ports import EngineError, RecognitionOptions, Recognizer, RecognizerStream
from pipeline.types import SAMPLE_RATE_HZ, Hypothesis, SpeechPiece

log = logging.getLogger(__name__)

REST_S = 1.5
"""An utterance of which no more than that has come is not let go: it costs little lag."""


class Recognition:
    """One producer of pieces, one consumer of hypotheses, both on the event loop."""

    def __init__(
        self, engine: Recognizer, options: RecognitionOptions, on_restart: Callable[[], None]
    ) -> None:
        self._engine = engine
        self._options = options
        self._on_restart = on_restart
        self._stream: RecognizerStream | None = None
        self._pieces: deque[SpeechPiece] = deque()
        self._fed = 0
        """How many of the kept pieces the present stream has been given."""
        self._last: SpeechPiece | None = None
        """What it was given last."""
        self._waiting = 0
        """Samples that it has not been given."""
        self._taken = 0
        """Samples that streams have been given."""
        self._is_fed = False
        """Whether there is a stream that takes what comes."""
        self._keeping_up = KeepingUp()
        self._finished = False
        self._wake = asyncio.Event()
        self._room = asyncio.Event()
        metrics.track_queue("pieces_kept", self, lambda one: len(one._pieces))
        metrics.track_queue("pieces_waiting", self, lambda one: len(one._pieces) - one._fed)

    async def open(self) -> None:
        """Raises EngineError when the engine cannot be opened."""
        self._stream = await self._engine.open(self._options)

    async def push(self, piece: SpeechPiece) -> None:
        """Take the next piece; waits while the engine is far behind."""
        while len(self._pieces) - self._fed >= WAITING_MAX:
            self._room.clear()
            await self._room.wait()
        if len(self._pieces) >= PIECES_KEPT_MAX and self._fed:
            self._pieces.popleft()
            self._fed -= 1
        self._pieces.append(piece)
        self._waiting += len(piece.pcm)
        self._wake.set()

    def is_hopeless(self, now: float) -> bool:
        """Whether more waits than a listener can wait for, and nothing says that it will be less.

        To be asked whenever audio comes; ``now`` is seconds on the caller's clock.
        """
        if not self._is_fed:
            # Being replaced, which takes its time, is not being slow.
            self._keeping_up.begin_anew()
            return False
        waiting_s, taken_s = self._waiting / SAMPLE_RATE_HZ, self._taken / SAMPLE_RATE_HZ
        return self._keeping_up.is_hopeless(now, waiting_s=waiting_s, taken_s=taken_s)

    def let_go(self) -> list[SpeechPiece]:
        """Forget what the engine has not been given; returns that, oldest first.

        What it works on is left to it, so that it never has nothing to do, and so is the
        newest utterance where that has only begun: from its first word on it is understood.
        The utterance that the engine is in the middle of ends where it got to.
        """
        waiting = [self._pieces.pop() for _ in range(len(self._pieces) - self._fed)][::-1]
        last = self._last
        begun = last.utterance if last is not None and not last.ends else None
        newest = waiting[-1].utterance if waiting else None
        rest = [piece for piece in waiting if piece.utterance == newest]
        if newest == begun or sum(len(piece.pcm) for piece in rest) > REST_S * SAMPLE_RATE_HZ:
            rest = []
        gone = waiting[: len(waiting) - len(rest)]
        if gone and last is not None and begun is not None:
            end = SpeechPiece(begun, last.end, last.pcm[:0], ends=True, speech_end=last.end)
            self._pieces.append(end)
        self._pieces.extend(rest)
        self._waiting = sum(len(piece.pcm) for piece in rest)
        self._wake.set()
        self._room.set()
        self._keeping_up.begin_anew()
        seconds = sum(len(piece.pcm) for piece in gone) / SAMPLE_RATE_HZ
        log.warning("recogniser too slow", extra={"let_go_s": round(seconds, 1)})
        return gone

    def finish(self) -> None:
        """No more pieces: the hypotheses end when all were decoded."""
        self._finished = True
        self._wake.set()

    async def hypotheses(self) -> AsyncGenerator[Hypothesis, None]:
        """Raises EngineError when the engine cannot be kept alive."""
        restarts: deque[float] = deque(maxlen=RESTARTS_MAX + 1)
        while True:
            assert self._stream is not None
            feeding = asyncio.create_task(self._feed(self._stream))
            try:
                async for hypothesis in self._stream:
                    if hypothesis.is_final:
                        self._forget(hypothesis.utterance)
                    yield hypothesis
                return
            except EngineError as error:
                now = asyncio.get_running_loop().time()
                restarts.append(now)
                often = len(restarts) > RESTARTS_MAX and now - restarts[0] < RESTARTS_WITHIN_S
                if often or not error.recoverable:
                    raise
                log.warning(
                    "recogniser restarts", extra={"code": error.code, "restart": len(restarts)}
                )
                metrics.worker_restarted(self._engine.name)
                self._on_restart()
            finally:
                feeding.cancel()
                await asyncio.gather(feeding, return_exceptions=True)
                await self._stream.aclose()
            self._fed, self._last = 0, None
            self._waiting = sum(len(piece.pcm) for piece in self._pieces)
            await self.open()

    async def aclose(self) -> None:
        """Stop at once; for a run whose ``hypotheses`` were never begun. Idempotent."""
        if self._stream is not None:
            await self._stream.aclose()

    async def _feed(self, stream: RecognizerStream) -> None:
        self._is_fed = True
        try:
            while True:
                while self._fed < len(self._pieces):
                    piece = self._pieces[self._fed]
                    # Counted first: the final may come, and forget it, while we wait.
                    self._fed += 1
                    self._last = piece
                    self._waiting -= len(piece.pcm)
                    self._taken += len(piece.pcm)
                    self._room.set()
                    await stream.push(piece)
                if self._finished:
                    await stream.finish()
                    return
                self._wake.clear()
                await self._wake.wait()
        except EngineError as error:
            # Whoever reads the hypotheses meets the same failure and restarts.
            log.info("recogniser refused audio", extra={"code": error.code})
        finally:
            self._is_fed = False

    def _forget(self, utterance: int) -> None:
        while self._pieces and self._pieces[0].utterance <= utterance and self._fed:
            self._pieces.popleft()
            self._fed -= 1
