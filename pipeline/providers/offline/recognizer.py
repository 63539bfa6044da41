"""English speech recognition with pocketsphinx: a pool of worker processes."""

from __future__ import annotations

import asyncio
import contextlib
import logging
from collections.abc import Callable
from typing import TypeAlias

from pipeline import metrics
from pipeline.bounds import RECOGNISER_START_S as START_TIMEOUT_S
from pipeline.bounds import SPHINX_BACKLOG_S
from pipeline.ports import EngineError, RecognitionOptions, RecognizerStream
from pipeline.providers.offline.recognizer_worker import Ready, Reply, Request, Whole
from pipeline.providers.process_stream import ProcessStream
from pipeline.providers.speech_messages import Heard, Piece, Taken
from pipeline.runtime.worker import WorkerProcess

log = logging.getLogger(__name__)

WORKER = "pipeline.providers.offline.recognizer_worker"

Worker: TypeAlias = WorkerProcess[Request, Reply]


class PocketSphinxRecognizer:
    """Fills ``Recognizer``. One loaded process waits in reserve for the next stream.

    A process serves one stream and ends with it, and everything it heard with it. One that
    searches whole utterances keeps nothing of them, and is loaded once for many streams.
    """

    name = "pocketsphinx"
    languages = frozenset({"en"})
    punctuates = False
    candidates_max = 1
    finds_any = False

    def __init__(self, *, streams_max: int) -> None:
        self._streams_max = streams_max
        self._streams: set[ProcessStream] = set()
        self._opening = 0
        self._reserve: asyncio.Task[Worker] | None = None
        self._at_rest: Worker | None = None
        """Searches whole utterances, and waits for its next stream."""
        self._closed = False

    async def connect(self) -> None:
        """Load the process in reserve now, so that the first ``open`` is quick too."""
        self._refill()
        if self._reserve is not None:
            await asyncio.shield(self._reserve)

    async def open(self, options: RecognitionOptions) -> RecognizerStream:
        """Raises EngineError: language_unsupported, recognizer_busy, engine_stopped."""
        language = options.languages[0] if len(options.languages) == 1 else "auto"
        if language not in self.languages:
            raise EngineError(
                "language_unsupported",
                f"This recogniser understands English (en) only, not “{language}”.",
                recoverable=False,
            )
        if self._closed:
            raise EngineError("engine_stopped", "The recogniser is shut down.", recoverable=False)
        if len(self._streams) + self._opening >= self._streams_max:
            raise EngineError(
                "recognizer_busy",
                f"All {self._streams_max} speech recognisers are in use: "
                "end another session or raise the number of recogniser streams.",
            )
        self._opening += 1
        try:
            if options.whole:
                lane: OwnProcess = LentProcess(await self._whole_worker(), self._take_back)
            else:
                lane = OwnProcess(await self._loaded_worker())
        finally:
            self._opening -= 1
        closed = self._streams.discard if options.whole else self._forget
        stream = ProcessStream(lane, on_closed=closed, ahead_s=SPHINX_BACKLOG_S)
        self._streams.add(stream)
        if not options.whole:
            self._refill()
        return stream

    async def aclose(self) -> None:
        """End all streams and processes. Idempotent."""
        self._closed = True
        await asyncio.gather(*(stream.aclose() for stream in tuple(self._streams)))
        if self._at_rest is not None:
            await self._at_rest.aclose()
            self._at_rest = None
        reserve, self._reserve = self._reserve, None
        if reserve is not None:
            # Not cancelled: a start is bounded, and cutting it short could leave a child.
            with contextlib.suppress(EngineError):
                await (await reserve).aclose()

    async def _loaded_worker(self) -> Worker:
        for _ in range(2):
            if self._reserve is None:
                self._reserve = asyncio.create_task(_start(), name="recogniser in reserve")
            reserve = self._reserve
            # Whoever waits for it first takes it; a cancelled taker leaves it in reserve.
            await asyncio.wait({reserve})
            if self._reserve is reserve:
                self._reserve = None
                worker = reserve.result()
                if worker.alive:
                    return worker
                log.warning("recogniser in reserve had died", extra={"pid": worker.pid})
                metrics.worker_restarted(self.name)
                await worker.aclose()
        return await _start()

    async def _whole_worker(self) -> Worker:
        worker, self._at_rest = self._at_rest, None
        if worker is not None:
            if worker.alive:
                return worker
            await worker.aclose()
        worker = await self._loaded_worker()
        await worker.send(Whole())
        return worker

    def _take_back(self, worker: Worker) -> bool:
        """Whether the process is kept for the next stream."""
        if self._closed or self._at_rest is not None or not worker.alive:
            return False
        self._at_rest = worker
        return True

    def _refill(self) -> None:
        used = len(self._streams) + self._opening
        if self._reserve is None and not self._closed and used < self._streams_max:
            self._reserve = asyncio.create_task(_start(), name="recogniser in reserve")

    def _forget(self, stream: ProcessStream) -> None:
        self._streams.discard(stream)
        self._refill()


class OwnProcess:
    """Fills ``Lane`` for a process that serves one stream."""

    def __init__(self, worker: Worker) -> None:
        self._worker = worker
        self.pid = worker.pid

    async def send(self, piece: Piece) -> None:
        await self._worker.send(piece)

    async def receive(self) -> Heard | Taken:
        reply = await self._worker.receive()
        assert not isinstance(reply, Ready), "said once, before the stream had the process"
        return reply

    def kill(self) -> None:
        self._worker.kill()

    async def leave(self) -> None:
        # It may be in the middle of a search that nobody wants any more.
        self._worker.kill()
        await self._worker.aclose()


class LentProcess(OwnProcess):
    """Given back at the end of a stream of which nothing is under way any more."""

    def __init__(self, worker: Worker, give_back: Callable[[Worker], bool]) -> None:
        super().__init__(worker)
        self._give_back = give_back
        self._under_way = 0

    async def send(self, piece: Piece) -> None:
        self._under_way += 1
        await super().send(piece)

    async def receive(self) -> Heard | Taken:
        reply = await super().receive()
        if isinstance(reply, Taken):
            self._under_way -= 1
        return reply

    async def leave(self) -> None:
        if self._under_way or not self._give_back(self._worker):
            await super().leave()


async def _start() -> Worker:
    """A process that has loaded its models; raises EngineError("engine_stopped")."""
    try:
        worker: Worker = await WorkerProcess.start(WORKER, reply_type=Reply, niceness=5)
    except OSError as error:
        raise EngineError(
            "engine_stopped", "The recogniser's process could not be started."
        ) from error
    try:
        ready = await asyncio.wait_for(worker.receive(), START_TIMEOUT_S)
        if not isinstance(ready, Ready):
            raise EngineError("engine_stopped", "The recogniser's process did not start well.")
    except BaseException as error:
        worker.kill()
        await worker.aclose()
        if isinstance(error, TimeoutError):
            raise EngineError(
                "engine_stopped", "The recogniser did not load in time: the machine is overloaded."
            ) from error
        raise
    return worker
