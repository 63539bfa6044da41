"""A small pool of espeak-ng processes: warm, replaced when one dies, never unbounded."""

from __future__ import annotations

import asyncio
import contextlib
import logging

from pipeline import metrics
from pipeline.bounds import ESPEAK_REPLY_S, ESPEAK_START_S, ESPEAK_WAIT_S
from pipeline.ports import EngineError
from pipeline.providers.offline.espeak_voices import ENGINE
from pipeline.providers.offline.espeak_worker import SpeakJob, Spoken
from pipeline.runtime.worker import WorkerProcess

_MODULE = "pipeline.providers.offline.espeak_worker"
_ATTEMPTS = 2

_log = logging.getLogger(__name__)

_Worker = WorkerProcess[SpeakJob, Spoken]


class EspeakPool:
    """``size`` processes, at most ``waiting`` jobs in line for them."""

    def __init__(self, *, size: int, waiting: int) -> None:
        self.size = size
        self._slots: asyncio.LifoQueue[_Worker | None] = asyncio.LifoQueue(size)
        for _ in range(size):
            self._slots.put_nowait(None)
        self._waiting = waiting
        self._in_line = 0
        self._live: set[_Worker] = set()
        self._closed = False
        metrics.track_queue("espeak_waiting", self, lambda pool: pool._in_line)

    async def start(self) -> None:
        """Start every process now, so that the first clause does not wait for it."""
        slots = [self._slots.get_nowait() for _ in range(self._slots.qsize())]
        try:
            slots = list(await asyncio.gather(*(self._ready(slot) for slot in slots)))
        finally:
            for slot in slots:
                self._slots.put_nowait(slot)

    async def run(self, job: SpeakJob) -> Spoken:
        """The job's speech; a process that dies or hangs is replaced and the job tried again.

        Raises EngineError: ``engine_busy`` when the line is full, ``engine_stopped`` when
        two processes in a row failed, ``engine_missing`` when espeak-ng cannot start.
        """
        if self._closed:
            raise EngineError("engine_stopped", "The voice engine is closed.", recoverable=False)
        if self._in_line >= self._waiting:
            raise EngineError("engine_busy", "The voice engine has too much to say at once.")
        self._in_line += 1
        try:
            slot = await asyncio.wait_for(self._slots.get(), ESPEAK_WAIT_S)
        except TimeoutError:
            raise EngineError("engine_busy", "The voice engine has too much to say.") from None
        finally:
            self._in_line -= 1
        try:
            for attempt in range(1, _ATTEMPTS + 1):
                try:
                    slot = await self._ready(slot)
                    return await self._ask(slot, job)
                except EngineError as error:
                    if error.code != "engine_stopped" or attempt == _ATTEMPTS:
                        raise
                    _log.warning("espeak-ng process stopped; replacing it")
        finally:
            # A process whose reply was not awaited is out of step; _ask has killed it.
            self._slots.put_nowait(slot)
        raise AssertionError("unreachable")

    async def aclose(self) -> None:
        self._closed = True
        live, self._live = list(self._live), set()
        await asyncio.gather(*(worker.aclose() for worker in live))

    async def _ready(self, slot: _Worker | None) -> _Worker:
        if slot is not None and slot in self._live and slot.alive:
            return slot
        if slot is not None:
            metrics.worker_restarted(ENGINE)
            await self._discard(slot)
        worker: _Worker = await WorkerProcess.start(_MODULE, reply_type=Spoken)
        self._live.add(worker)
        try:
            hello = await asyncio.wait_for(worker.receive(), ESPEAK_START_S)
        except BaseException as error:
            await asyncio.shield(self._discard(worker))
            if isinstance(error, TimeoutError):
                raise EngineError("engine_stopped", "espeak-ng did not start in time.") from error
            raise
        if hello.error:
            await self._discard(worker)
            raise EngineError(
                "engine_missing",
                "espeak-ng cannot be loaded: run `apt-get install espeak-ng`.",
                recoverable=False,
            )
        return worker

    async def _ask(self, worker: _Worker, job: SpeakJob) -> Spoken:
        try:
            async with asyncio.timeout(ESPEAK_REPLY_S):
                await worker.send(job)
                return await worker.receive()
        except BaseException as error:
            worker.kill()
            self._live.discard(worker)
            closing = asyncio.ensure_future(worker.aclose())
            with contextlib.suppress(asyncio.CancelledError):
                await asyncio.shield(closing)
            if isinstance(error, TimeoutError):
                raise EngineError("engine_stopped", "espeak-ng did not answer.") from error
            raise

    async def _discard(self, worker: _Worker) -> None:
        self._live.discard(worker)
        worker.kill()
        await worker.aclose()
