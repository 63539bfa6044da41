"""A client for tests: drives the real application object, middleware included."""

from __future__ import annotations

import json
import uuid
from collections.abc import Iterable
from typing import Any

import numpy as np
from channels.routing import get_default_application
from channels.testing import WebsocketCommunicator

from pipeline.types import SAMPLE_RATE_HZ, Pcm
from pipeline.wire import SUBPROTOCOL, AudioFrame, CueFrame, decode_cue_frame, encode_source_audio

WAIT_S = 10.0


class Socket:
    def __init__(
        self,
        *,
        token: str | None = None,
        session_id: uuid.UUID | str | None = None,
        path: str | None = None,
        subprotocols: Iterable[str] = (SUBPROTOCOL,),
        headers: Iterable[tuple[bytes, bytes]] = (),
    ) -> None:
        self.session_id = str(session_id or uuid.uuid4())
        sent = [(b"host", b"localhost"), *headers]
        if token:
            sent.append((b"authorization", f"Token {token}".encode()))
        self._communicator = WebsocketCommunicator(
            get_default_application(),
            path or f"/ws/test/{self.session_id}",
            headers=sent,
            subprotocols=list(subprotocols),
        )
        self.audio: list[CueFrame] = []
        self.events: list[dict[str, Any]] = []
        self.sent: list[str | bytes] = []
        """Everything that went out, as it went; ``received`` is what came."""
        self.received: list[str | bytes] = []
        self._sequence = 0
        self._samples = 0

    async def connect(self) -> str | None:
        subprotocol: str | None
        connected, subprotocol = await self._communicator.connect(timeout=WAIT_S)
        assert connected
        return subprotocol

    async def close_code(self) -> int:
        """The code with which the server closes; fails when it says something instead."""
        message = await self._communicator.receive_output(timeout=WAIT_S)
        assert message["type"] == "websocket.close", message
        return int(message["code"])

    async def send(self, **message: Any) -> None:
        await self.send_text(json.dumps(message))

    async def send_text(self, text: str) -> None:
        self.sent.append(text)
        await self._communicator.send_to(text_data=text)

    async def send_bytes(self, data: bytes) -> None:
        self.sent.append(data)
        await self._communicator.send_to(bytes_data=data)

    async def send_audio(
        self, pcm: Pcm, *, rate_hz: int = SAMPLE_RATE_HZ, block: int = 1024
    ) -> None:
        """Binary frames, as fast as they go."""
        for begin in range(0, len(pcm), block):
            part = pcm[begin : begin + block]
            media_time_us = round(self._samples * 1_000_000 / rate_hz)
            frame = AudioFrame(self._sequence, media_time_us, part.astype("<i2").tobytes())
            await self.send_bytes(encode_source_audio(frame))
            self._sequence += 1
            self._samples += len(part)

    async def receive(self) -> dict[str, Any]:
        """The next JSON message; sound on the way is kept in ``audio``."""
        while True:
            message = await self._communicator.receive_output(timeout=WAIT_S)
            assert message["type"] == "websocket.send", message
            if message.get("bytes") is not None:
                self.received.append(message["bytes"])
                self.audio.append(decode_cue_frame(message["bytes"]))
                continue
            self.received.append(message["text"])
            event: dict[str, Any] = json.loads(message["text"])
            self.events.append(event)
            return event

    async def until(self, kind: str) -> dict[str, Any]:
        """The next message of a kind; what comes before is kept in ``events``."""
        while (event := await self.receive())["type"] != kind:
            pass
        return event

    def heard(self, kind: str) -> list[dict[str, Any]]:
        return [event for event in self.events if event["type"] == kind]

    async def leave(self) -> None:
        await self._communicator.disconnect(timeout=WAIT_S)

    def sound(self, cue: int) -> Pcm:
        blocks = [frame.pcm for frame in self.audio if frame.cue == cue]
        return np.frombuffer(b"".join(blocks), dtype="<i2")
