"""Running Apertium pipelines: one request after another through null-flushed pipes.

Starting a direction costs 50 to 1000 ms, a request through a running one 1 to
5 ms, so pipelines are kept and pooled. Each holds 160 to 400 MB of mostly shared
memory: pools open no second one before requests queue up, and close idle ones.
"""

from __future__ import annotations

import asyncio
import contextlib
import logging
import os
import re
import signal
import time
from collections.abc import Coroutine
from typing import Any

from pipeline import metrics
from pipeline.bounds import (
    APERTIUM_IDLE_S,
    APERTIUM_IN_FLIGHT_MAX,
    APERTIUM_PIPES_MAX,
    APERTIUM_REPLY_MAX_BYTES,
    APERTIUM_REPLY_S,
    APERTIUM_START_S,
)
from pipeline.ports import EngineError
from pipeline.providers.offline.apertium_modes import Mode
from pipeline.runtime.worker import end_process

logger = logging.getLogger(__name__)

ENGINE = "apertium"
_SPECIAL = re.compile(r"([\^$@<>{}\[\]/~\\])")
# What Apertium's own deformatters end a document with, so that the tagger, which
# decides sentence by sentence, never waits for more.
_END = ".[]\n"


class PipeBrokenError(Exception):
    """The pipeline died or did not answer in time; what it holds is lost."""


def escape(text: str) -> str:
    """``text`` as the stream format wants it; control characters become spaces."""
    plain = "".join(character if character.isprintable() else " " for character in text)
    return _SPECIAL.sub(r"\\\1", plain)


class ApertiumPipe:
    """One running pipeline; ``exchange`` is for one task at a time."""

    def __init__(self, process: asyncio.subprocess.Process) -> None:
        self._process = process

    @classmethod
    async def start(cls, mode: Mode) -> ApertiumPipe:
        process = await asyncio.create_subprocess_exec(
            "bash",
            "-c",
            mode.shell_line,
            stdin=asyncio.subprocess.PIPE,
            stdout=asyncio.subprocess.PIPE,
            # The stages' complaints quote the text, which must not reach a log.
            stderr=asyncio.subprocess.DEVNULL,
            limit=APERTIUM_REPLY_MAX_BYTES,
            # Its own process group, so that all stages can be killed at once.
            start_new_session=True,
        )
        return cls(process)

    @property
    def pid(self) -> int:
        """Of the group's leader; also the process group's id."""
        return self._process.pid

    @property
    def alive(self) -> bool:
        return self._process.returncode is None

    async def exchange(self, text: str, *, timeout_s: float) -> str:
        """Translate one text; the reply is still in the stream format.

        Raises PipeBrokenError, after which the pipe must be closed.
        """
        assert self._process.stdin is not None
        assert self._process.stdout is not None
        try:
            async with asyncio.timeout(timeout_s):
                self._process.stdin.write((escape(text) + _END + "\0").encode())
                await self._process.stdin.drain()
                reply = await self._process.stdout.readuntil(b"\0")
        except (TimeoutError, OSError, asyncio.IncompleteReadError, asyncio.LimitOverrunError) as e:
            raise PipeBrokenError(type(e).__name__) from e
        text, end, _ = reply[:-1].decode(errors="replace").rpartition(_END.rstrip())
        if not end:
            # A stage has died: those behind it still end what they were given nothing of.
            raise PipeBrokenError("incomplete")
        return text

    async def aclose(self, *, grace_s: float = 0.5) -> None:
        """Let the stages read end-of-file, then kill the process group. Idempotent."""
        await end_process(self._process, kill=self.kill, grace_s=grace_s)

    def kill(self) -> None:
        if self.alive:
            with contextlib.suppress(ProcessLookupError):
                os.killpg(self.pid, signal.SIGKILL)


class PipePool:
    """The pipelines of one direction.

    Starts with the first request, grows to ``size`` when requests queue up, and
    closes everything after ``idle_s`` without a request.
    """

    def __init__(
        self,
        mode: Mode,
        *,
        size: int = APERTIUM_PIPES_MAX,
        in_flight_max: int = APERTIUM_IN_FLIGHT_MAX,
        grow_at: int = 8,
        idle_s: float = APERTIUM_IDLE_S,
        timeout_s: float = APERTIUM_REPLY_S,
        start_timeout_s: float = APERTIUM_START_S,
    ) -> None:
        self._mode = mode
        self._size = size
        self._in_flight_max = in_flight_max
        self._grow_at = grow_at
        self._idle_s = idle_s
        self._timeout_s = timeout_s
        self._start_timeout_s = start_timeout_s
        # Free places: a waiting pipeline, or None for one that has yet to be started.
        self._places: asyncio.LifoQueue[ApertiumPipe | None] = asyncio.LifoQueue(size)
        self._places.put_nowait(None)
        self._place_count = 1
        self._pipes: set[ApertiumPipe] = set()
        self._tasks: set[asyncio.Task[Any]] = set()
        self._closers: set[asyncio.Task[Any]] = set()
        self._in_flight = 0
        self._used_at = 0.0
        self._reaper: asyncio.TimerHandle | None = None
        self._closed = False
        metrics.track_queue("apertium_in_flight", self, lambda pool: pool._in_flight)

    @property
    def pids(self) -> list[int]:
        """Process groups of the running pipelines."""
        return [pipe.pid for pipe in self._pipes if pipe.alive]

    async def exchange(self, text: str) -> str:
        """Translate one text through a free pipeline; restarts a dead one once.

        Raises EngineError: engine_busy, engine_timeout or engine_stopped.
        """
        if self._closed:
            raise EngineError("engine_closed", "The translator has been closed.", recoverable=False)
        if self._in_flight >= self._in_flight_max:
            raise EngineError("engine_busy", "Too many texts wait for translation; try again soon.")
        self._in_flight += 1
        # A caller that gives up must not leave a pipe with an unread reply: the
        # exchange goes on to its end without it.
        task = _spawn(self._tasks, self._exchange(text))
        task.add_done_callback(self._landed)
        try:
            return await asyncio.shield(task)
        except asyncio.CancelledError:
            if task.cancelled():
                # By ``aclose``, not by whoever waits here.
                raise EngineError(
                    "engine_closed", "The translator has been closed.", recoverable=False
                ) from None
            raise

    def _landed(self, _: asyncio.Task[str]) -> None:
        self._in_flight -= 1

    async def _exchange(self, text: str) -> str:
        try:
            if self._in_flight > self._grow_at and self._place_count < self._size:
                self._place_count += 1
                _spawn(self._tasks, self._grow())
            try:
                return await self._attempt(text)
            except PipeBrokenError as broken:
                logger.warning("translation pipe %s: %s, restarting", self._name, broken)
                metrics.worker_restarted(ENGINE)
            try:
                return await self._attempt(text)
            except PipeBrokenError as broken:
                code = "engine_timeout" if "Timeout" in str(broken) else "engine_stopped"
                raise EngineError(
                    code, f"The offline translator {self._name} does not answer."
                ) from broken
        finally:
            self._used_at = time.monotonic()
            self._watch_idleness()

    async def _attempt(self, text: str) -> str:
        try:
            wait_s = self._timeout_s + self._start_timeout_s
            pipe = await asyncio.wait_for(self._places.get(), wait_s)
        except TimeoutError:
            raise EngineError("engine_busy", "The offline translator is overloaded.") from None
        # A new pipeline answers its first request only once it has read its data.
        timeout_s = self._timeout_s
        kept: ApertiumPipe | None = None
        try:
            if pipe is None or not pipe.alive:
                pipe = await self._replace(pipe)
                timeout_s = self._start_timeout_s
            reply = await pipe.exchange(text, timeout_s=timeout_s)
            kept = pipe
        except OSError as error:
            raise PipeBrokenError(type(error).__name__) from error
        finally:
            if kept is None and pipe is not None:
                self._discard(pipe)
            self._places.put_nowait(kept)
        return reply

    async def _replace(self, dead: ApertiumPipe | None) -> ApertiumPipe:
        if dead is not None:
            metrics.worker_restarted(ENGINE)
            self._discard(dead)
        started = time.monotonic()
        pipe = await ApertiumPipe.start(self._mode)
        self._pipes.add(pipe)
        spent_ms = 1000 * (time.monotonic() - started)
        logger.info("translation pipe %s started in %.0f ms", self._name, spent_ms)
        return pipe

    async def _grow(self) -> None:
        """Bring up a further pipeline without any request waiting for it."""
        pipe: ApertiumPipe | None = None
        try:
            pipe = await self._replace(None)
            await pipe.exchange(".", timeout_s=self._start_timeout_s)
        except (PipeBrokenError, OSError):
            if pipe is not None:
                self._discard(pipe)
            pipe = None
        self._places.put_nowait(pipe)

    def _discard(self, pipe: ApertiumPipe) -> None:
        if pipe in self._pipes:
            self._pipes.remove(pipe)
            pipe.kill()
            _spawn(self._closers, pipe.aclose())

    def _watch_idleness(self) -> None:
        if self._reaper is None and not self._closed:
            loop = asyncio.get_running_loop()
            self._reaper = loop.call_later(self._idle_s, self._close_idle)

    def _close_idle(self) -> None:
        self._reaper = None
        if self._tasks or time.monotonic() - self._used_at < self._idle_s:
            self._watch_idleness()
            return
        while not self._places.empty():
            pipe = self._places.get_nowait()
            if pipe is not None:
                self._discard(pipe)
        self._places.put_nowait(None)
        self._place_count = 1

    @property
    def _name(self) -> str:
        return f"{self._mode.source}-{self._mode.target}"

    async def aclose(self) -> None:
        """Stop everything and wait until the processes are gone. Idempotent."""
        self._closed = True
        if self._reaper is not None:
            self._reaper.cancel()
        tasks = list(self._tasks)
        for task in tasks:
            task.cancel()
        await asyncio.gather(*tasks, return_exceptions=True)
        for pipe in list(self._pipes):
            self._discard(pipe)
        await asyncio.gather(*self._closers)


def _spawn(owner: set[asyncio.Task[Any]], work: Coroutine[Any, Any, Any]) -> asyncio.Task[Any]:
    task = asyncio.create_task(work)
    owner.add(task)
    task.add_done_callback(owner.discard)
    # Looked at even when the caller is gone; asyncio complains otherwise.
    task.add_done_callback(lambda done: done.cancelled() or done.exception())
    return task
