"""The server's side of a Whisper process: who shares it, and what is for whom."""

from __future__ import annotations

import asyncio
import logging
from collections import deque
from itertools import count

from pipeline.bounds import WHISPER_REPLIES_MAX as REPLIES_MAX
from pipeline.bounds import WHISPER_START_S as START_S
from pipeline.bounds import WHISPER_STREAMS_PER_PROCESS as STREAMS_MAX
from pipeline.ports import EngineError
from pipeline.providers.speech_messages import Heard, Piece, Taken
from pipeline.providers.whisper.messages import (
    Answer,
    Close,
    Failed,
    Load,
    Loaded,
    Open,
    Reply,
    Request,
    Said,
)
from pipeline.runtime.worker import WorkerProcess

log = logging.getLogger(__name__)

WORKER = "pipeline.providers.whisper.worker"


class SharedProcess:
    """One process, begun at once, that loads a model and serves several streams.

    When it dies, all of them fail; it is not started again.
    """

    def __init__(self, load: Load) -> None:
        self._load = load
        self._lanes: dict[int, SharedLane] = {}
        self._numbers = count()
        self._sending = asyncio.Lock()
        self._goodbyes: set[asyncio.Task[None]] = set()
        self._worker: WorkerProcess[Request, Reply] | None = None
        self._gone: EngineError | None = None
        self._cleaning = False
        self._loaded: asyncio.Future[Loaded] = asyncio.get_running_loop().create_future()
        # Nobody may be waiting for it when it fails.
        self._loaded.add_done_callback(lambda done: done.cancelled() or done.exception())
        self._running = asyncio.create_task(self._run(), name="whisper process")

    @property
    def alive(self) -> bool:
        return self._gone is None

    @property
    def ended(self) -> bool:
        """Whether nothing is left of it."""
        return self._running.done()

    @property
    def has_room(self) -> bool:
        return self.alive and len(self._lanes) < STREAMS_MAX

    @property
    def pid(self) -> int:
        assert self._worker is not None, "it has been started"
        return self._worker.pid

    async def loaded(self) -> Loaded:
        """Raises EngineError: model_missing, model_unusable, engine_stopped."""
        return await asyncio.shield(self._loaded)

    def lane(self) -> SharedLane:
        """A place for a stream, taken at once."""
        lane = SharedLane(self, next(self._numbers))
        self._lanes[lane.number] = lane
        return lane

    async def tell(self, request: Request) -> None:
        """Raises EngineError("engine_stopped") once the process is gone."""
        # Streams share the pipe, and it is for one sender at a time.
        async with self._sending:
            if self._gone is not None or self._worker is None:
                raise self._gone or _stopped()
            await self._worker.send(request)

    def kill(self) -> None:
        if self._worker is not None:
            self._worker.kill()

    def forget(self, lane: SharedLane) -> None:
        """The lane's place is free, and the process is told as soon as it listens."""
        if self._lanes.pop(lane.number, None) is None or not self.alive:
            return
        goodbye = asyncio.create_task(self._say_goodbye(lane.number), name="whisper goodbye")
        self._goodbyes.add(goodbye)
        goodbye.add_done_callback(self._goodbyes.discard)

    async def aclose(self) -> None:
        """End the process and every stream in it. Idempotent."""
        # Cleaning up is bounded; cut short, it would leave the pipes open.
        if not self._cleaning:
            self._running.cancel()
        await asyncio.gather(self._running, *self._goodbyes, return_exceptions=True)
        # Where it was cancelled before it began.
        self._end(_stopped())

    async def _say_goodbye(self, number: int) -> None:
        try:
            await asyncio.wait_for(self.tell(Close(number)), START_S)
        except (EngineError, TimeoutError):
            # What is told to a process that does not listen fails the next stream's stall.
            self.kill()

    async def _run(self) -> None:
        try:
            await self._start()
            await self._read()
        except EngineError as error:
            log.warning("whisper process ended", extra={"code": error.code})
            self._end(error)
        finally:
            self._cleaning = True
            self._end(_stopped())
            if self._worker is not None:
                self._worker.kill()
                await self._worker.aclose()

    async def _start(self) -> None:
        try:
            await self._spawn()
            assert self._worker is not None
            await self._worker.send(self._load)
            reply = await asyncio.wait_for(self._worker.receive(), START_S)
        except OSError as error:  # TimeoutError is one
            raise EngineError(
                "engine_stopped", "The Whisper process did not start in time."
            ) from error
        if isinstance(reply, Failed):
            raise EngineError(reply.code, reply.message, recoverable=False, detail=reply.detail)
        if not isinstance(reply, Loaded):
            raise _stopped()
        self._loaded.set_result(reply)

    async def _spawn(self) -> None:
        # Not cut short, which could leave a child that nobody knows of.
        spawning = asyncio.ensure_future(
            WorkerProcess[Request, Reply].start(WORKER, reply_type=Reply, niceness=5)
        )
        try:
            await asyncio.shield(spawning)
        finally:
            self._worker = await spawning

    async def _read(self) -> None:
        assert self._worker is not None
        while True:
            reply = await self._worker.receive()
            # A stream that was closed meanwhile is not there any more.
            if isinstance(reply, Answer) and (lane := self._lanes.get(reply.stream)):
                lane.put(reply.what)

    def _end(self, error: EngineError) -> None:
        self._gone = self._gone or error
        if not self._loaded.done():
            self._loaded.set_exception(error)
        for lane in self._lanes.values():
            lane.fail(error)


class SharedLane:
    """Fills ``Lane``: one stream's share of a process."""

    def __init__(self, process: SharedProcess, number: int) -> None:
        self.process = process
        self.number = number
        self._replies: deque[Heard | Taken] = deque(maxlen=REPLIES_MAX)
        self._failure: EngineError | None = None
        self._changed = asyncio.Event()

    @property
    def pid(self) -> int:
        return self.process.pid

    async def open(self, languages: tuple[str, ...]) -> None:
        await self.process.tell(Open(self.number, languages))

    async def send(self, piece: Piece) -> None:
        await self.process.tell(Said(self.number, piece))

    async def receive(self) -> Heard | Taken:
        while not self._replies:
            if self._failure is not None:
                raise self._failure
            self._changed.clear()
            await self._changed.wait()
        return self._replies.popleft()

    def put(self, reply: Heard | Taken) -> None:
        # The deque would drop the oldest, and the stream's count would be wrong from then on.
        if len(self._replies) == REPLIES_MAX:
            self.fail(_stopped())
        else:
            self._replies.append(reply)
            self._changed.set()

    def fail(self, error: EngineError) -> None:
        self._failure = self._failure or error
        self._changed.set()

    def kill(self) -> None:
        self.process.kill()

    async def leave(self) -> None:
        self.process.forget(self)


def _stopped() -> EngineError:
    return EngineError("engine_stopped", "The Whisper process stopped; it is being restarted.")
