"""A connection to the server under check: every wait is bounded and says what it waited for."""

from __future__ import annotations

import asyncio
import json
import time
import uuid
from collections.abc import AsyncIterator, Iterable
from contextlib import asynccontextmanager
from typing import Any

import numpy as np
from websockets.asyncio.client import ClientConnection, connect
from websockets.exceptions import ConnectionClosed, InvalidHandshake

from pipeline.types import SAMPLE_RATE_HZ, Pcm
from pipeline.wire import (
    SUBPROTOCOL,
    AudioFrame,
    CueFrame,
    decode_cue_frame,
    encode_source_audio,
)

WAIT_S = 20.0
"""For any one answer; a line's dub needs its clause to end first."""
FINISH_S = 70.0
CLOSE_S = 5.0
FRAME_SAMPLES = 1024
MESSAGE_MAX_BYTES = 4 * 1024 * 1024


class StepFailedError(Exception):
    """The server did something else than it should."""

    def __init__(self, expected: str, came: str) -> None:
        super().__init__(f"expected {expected}, came {came}")
        self.expected = expected
        self.came = came


def expect(true: object, expected: str, came: object) -> None:
    """Raises StepFailedError unless ``true``."""
    if not true:
        raise StepFailedError(expected, in_short(came))


def in_short(what: object) -> str:
    text = what if isinstance(what, str) else json.dumps(what, ensure_ascii=False, default=str)
    return text if len(text) <= 300 else f"{text[:300]} …"


class Probe:
    """What was received is kept: JSON in ``events``, sound in ``frames``."""

    def __init__(self, socket: ClientConnection, session_id: str) -> None:
        self._socket = socket
        self.session_id = session_id
        self.events: list[dict[str, Any]] = []
        self.frames: list[CueFrame] = []
        self._frame = 0
        self._samples = 0

    @property
    def subprotocol(self) -> str | None:
        return self._socket.subprotocol

    async def send(self, **message: Any) -> None:
        await self.send_raw(json.dumps(message))

    async def send_raw(self, data: str | bytes) -> None:
        try:
            await self._socket.send(data)
        except ConnectionClosed as closed:
            raise StepFailedError("an open connection", _closing(closed)) from None

    async def send_audio(self, pcm: Pcm) -> None:
        """Binary frames at the pace of real time, 16 kHz."""
        began = time.monotonic()
        for begin in range(0, len(pcm), FRAME_SAMPLES):
            block = pcm[begin : begin + FRAME_SAMPLES]
            await asyncio.sleep(began + begin / SAMPLE_RATE_HZ - time.monotonic())
            media_time_us = round(self._samples * 1e6 / SAMPLE_RATE_HZ)
            frame = AudioFrame(self._frame, media_time_us, block.astype("<i2").tobytes())
            await self.send_raw(encode_source_audio(frame))
            self._frame += 1
            self._samples += len(block)

    async def receive(self) -> dict[str, Any]:
        """The next JSON message; sound before it is kept."""
        while True:
            data = await self._socket.recv()
            if isinstance(data, str):
                event: dict[str, Any] = json.loads(data)
                self.events.append(event)
                return event
            self.frames.append(decode_cue_frame(data))

    async def until(self, *kinds: str, wait_s: float = WAIT_S) -> dict[str, Any]:
        """The next message of one of these kinds; everything before it is kept."""
        expected = f"a message {' or '.join(kinds)} within {wait_s:.0f} s"
        seen = len(self.events)
        try:
            async with asyncio.timeout(wait_s):
                while (event := await self.receive())["type"] not in kinds:
                    if event["type"] == "error":
                        # Nothing that is waited for comes after it.
                        raise StepFailedError(expected, in_short(event))
        except TimeoutError:
            came = [other["type"] for other in self.events[seen:]] or "nothing"
            raise StepFailedError(expected, in_short(came)) from None
        except ConnectionClosed as closed:
            raise StepFailedError(expected, _closing(closed)) from None
        return event

    async def closed(self) -> int:
        """The code with which the server closes; what it says before is kept."""
        seen = len(self.events)
        try:
            async with asyncio.timeout(WAIT_S):
                while True:
                    await self.receive()
        except ConnectionClosed as closed:
            return closed.rcvd.code if closed.rcvd else 1006
        except TimeoutError:
            came = self.events[seen:] or "nothing"
            raise StepFailedError("the server to close the connection", in_short(came)) from None

    async def alive(self) -> None:
        """The session still answers."""
        await self.send(type="ping", id="alive")
        pong = await self.until("pong")
        expect(pong.get("id") == "alive", "the answer to our ping", pong)

    async def start(self, target: str, source: str, **more: Any) -> dict[str, Any]:
        await self.send(
            type="start_dubbing", target_language=target, source_language=source, **more
        )
        return await self.until("ready", wait_s=40.0)

    async def stop(self) -> dict[str, Any]:
        await self.send(type="stop_dubbing")
        return await self.until("summary", wait_s=FINISH_S)

    def heard(self, kind: str) -> list[dict[str, Any]]:
        return [event for event in self.events if event["type"] == kind]

    def sound(self, cue: int) -> Pcm:
        blocks = [frame.pcm for frame in self.frames if frame.cue == cue]
        return np.frombuffer(b"".join(blocks), dtype="<i2")


@asynccontextmanager
async def probe(
    server: str,
    *,
    token: str | None = None,
    subprotocols: Iterable[str] = (SUBPROTOCOL,),
    session_id: str | None = None,
    path: str | None = None,
    scheme: str = "Token",
) -> AsyncIterator[Probe]:
    """A connection to ``server``, like ``ws://127.0.0.1:8000``; raises StepFailedError."""
    session_id = session_id or str(uuid.uuid4())
    headers = {"Authorization": f"{scheme} {token}"} if token else {}
    connecting = connect(
        f"{server}{path or f'/ws/check/{session_id}'}",
        subprotocols=list(subprotocols) or None,  # type: ignore[arg-type]  # the library's NewType
        additional_headers=headers,
        open_timeout=WAIT_S,
        close_timeout=CLOSE_S,
        max_size=MESSAGE_MAX_BYTES,
    )
    try:
        socket = await connecting
    except (OSError, InvalidHandshake, TimeoutError) as error:
        raise StepFailedError(f"a WebSocket at {server}", str(error) or "no answer") from None
    try:
        yield Probe(socket, session_id)
    finally:
        await socket.close()


def _closing(closed: ConnectionClosed) -> str:
    if closed.rcvd is None:
        return "the connection broke"
    return f"the server closed with {closed.rcvd.code} {closed.rcvd.reason}".rstrip()
