"""Engine work in its own process: length-prefixed MessagePack over two pipes.

The parent speaks asyncio, the child blocks; one message is one msgspec Struct.
A child whose parent dies reads end-of-file and leaves, so nothing is left behind
even after SIGKILL.
"""

from __future__ import annotations

import asyncio
import contextlib
import logging
import os
import struct
import sys
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any, Generic, TypeVar

import msgspec

from pipeline.bounds import KILL_S, MESSAGE_MAX_BYTES
from pipeline.ports import EngineError

log = logging.getLogger(__name__)

_ROOT = str(Path(__file__).resolve().parents[2])
_LENGTH = struct.Struct("<I")

Request = TypeVar("Request")
Reply = TypeVar("Reply")


class WorkerProcess(Generic[Request, Reply]):
    """One child process and the typed messages to and from it.

    ``send`` and ``receive`` are each for one task at a time; replies come in the
    order in which the child writes them.
    """

    def __init__(self, process: asyncio.subprocess.Process, reply_type: Any) -> None:
        self._process = process
        self._encoder = msgspec.msgpack.Encoder()
        self._decoder: msgspec.msgpack.Decoder[Reply] = msgspec.msgpack.Decoder(reply_type)

    @classmethod
    async def start(
        cls, module: str, *arguments: str, reply_type: Any, niceness: int = 0
    ) -> WorkerProcess[Request, Reply]:
        """Run ``python -m module``; the child's stderr goes to our log."""
        command = [sys.executable, "-m", module, *arguments]
        if niceness:
            command = ["nice", "-n", str(niceness), *command]
        process = await asyncio.create_subprocess_exec(
            *command,
            stdin=asyncio.subprocess.PIPE,
            stdout=asyncio.subprocess.PIPE,
            env={
                **os.environ,
                # The child finds this package from whichever folder we were started in.
                "PYTHONPATH": os.pathsep.join(filter(None, (_ROOT, os.environ.get("PYTHONPATH")))),
                # Numeric libraries would otherwise start one thread a core in every child.
                "OMP_NUM_THREADS": "1",
                "OPENBLAS_NUM_THREADS": "1",
            },
        )
        return cls(process, reply_type)

    @property
    def pid(self) -> int:
        return self._process.pid

    @property
    def alive(self) -> bool:
        return self._process.returncode is None

    async def send(self, message: Request) -> None:
        """Queue a message; waits while the child is slower than the pipe's buffer."""
        assert self._process.stdin is not None
        body = self._encoder.encode(message)
        try:
            self._process.stdin.write(_LENGTH.pack(len(body)) + body)
            await self._process.stdin.drain()
        except (BrokenPipeError, ConnectionResetError, RuntimeError) as gone:
            raise _stopped() from gone

    async def receive(self) -> Reply:
        """The next reply; raises EngineError("engine_stopped") when the child has died."""
        assert self._process.stdout is not None
        try:
            (length,) = _LENGTH.unpack(await self._process.stdout.readexactly(_LENGTH.size))
            if length > MESSAGE_MAX_BYTES:
                raise _stopped()
            return self._decoder.decode(await self._process.stdout.readexactly(length))
        except (asyncio.IncompleteReadError, ConnectionResetError) as gone:
            raise _stopped() from gone

    async def aclose(self, *, grace_s: float = 1.0) -> None:
        """Close the pipe, give the child a moment, then kill it. Idempotent."""
        await end_process(self._process, kill=self.kill, grace_s=grace_s)

    def kill(self) -> None:
        if self.alive:
            with contextlib.suppress(ProcessLookupError):
                self._process.kill()


async def end_process(
    process: asyncio.subprocess.Process, *, kill: Callable[[], None], grace_s: float
) -> None:
    """Close the pipe to it, give it a moment, then ``kill``. Idempotent."""
    if process.stdin is not None:
        process.stdin.close()
    if process.returncode is None:
        try:
            await asyncio.wait_for(process.wait(), grace_s)
        except TimeoutError:
            kill()
            await _gone(process)
    # Without this the pipe's transport outlives the loop and warns.
    with contextlib.suppress(Exception):
        process._transport.close()  # type: ignore[attr-defined]  # no public way


async def _gone(process: asyncio.subprocess.Process) -> None:
    """Wait until a process that was killed has gone, for a while: one that is stuck in the
    system must not hold up whoever stops it."""
    try:
        await asyncio.wait_for(process.wait(), KILL_S)
    except TimeoutError:
        log.warning("a killed process has not gone", extra={"pid": process.pid})


def _stopped() -> EngineError:
    return EngineError("engine_stopped", "The engine's process stopped; it is being restarted.")


class ParentPipe(Generic[Request, Reply]):
    """The child's end: iterate for requests, ``reply`` to answer.

    File descriptor 1 is moved away first, so that a library which prints cannot
    break the protocol.
    """

    def __init__(self, request_type: Any) -> None:
        self._input = os.fdopen(os.dup(0), "rb")
        self._output = os.fdopen(os.dup(1), "wb")
        os.dup2(2, 1)
        self._encoder = msgspec.msgpack.Encoder()
        self._decoder: msgspec.msgpack.Decoder[Request] = msgspec.msgpack.Decoder(request_type)

    def __iter__(self) -> Iterator[Request]:
        while head := self._input.read(_LENGTH.size):
            (length,) = _LENGTH.unpack(head)
            yield self._decoder.decode(self._input.read(length))

    def reply(self, message: Reply) -> None:
        body = self._encoder.encode(message)
        try:
            self._output.write(_LENGTH.pack(len(body)) + body)
            self._output.flush()
        except BrokenPipeError:
            sys.exit(0)
