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
from sessions_app.socket_client.heard import Heard

WAIT_S = 30.0


class Socket:
    def __init__(
        self,
        *,
        token: str | None = None,
        session_id: uuid.UUID | str | None = None,
        path: str | None = None,
        query: str = "",
        subprotocols: Iterable[str] = (SUBPROTOCOL,),
        headers: Iterable[tuple[bytes, bytes]] = (),
    ) -> None:
        self.session_id = str(session_id or uuid.uuid4())
        sent = [(b"host", b"localhost"), *headers]
        if token:
            sent.append((b"authorization", f"Token {token}".encode()))
        self._communicator = WebsocketCommunicator(
            get_default_application(),
            (path or f"/ws/test/{self.session_id}") + query,
            headers=sent,
            subprotocols=list(subprotocols),
        )
        self.audio: list[CueFrame] = []
        self.events: list[dict[str, Any]] = []
        self.sequences: list[int] = []
        self._heard = Heard()
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

    async def closing(self) -> tuple[int, str]:
        """The codes, for machines and for people, with which the server closes.

        Fails when it says something else instead.
        """
        said = await self._communicator.receive_output(timeout=WAIT_S)
        assert said["type"] == "websocket.send", said
        closing = json.loads(said["text"])
        assert closing["type"] == "closing", closing
        assert closing["message"]
        message = await self._communicator.receive_output(timeout=WAIT_S)
        assert message["type"] == "websocket.close", message
        assert int(message["code"]) == closing["close_code"]
        return closing["close_code"], closing["code"]

    async def output(self) -> dict[str, Any]:
        """The next ASGI message as it is."""
        message: dict[str, Any] = await self._communicator.receive_output(timeout=WAIT_S)
        return message

    async def close_code(self) -> int:
        return (await self.closing())[0]

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
                frame = decode_cue_frame(message["bytes"])
                self.audio.append(frame)
                self.sequences.append(frame.sequence)
                self._heard.take(frame)
                continue
            self.received.append(message["text"])
            event: dict[str, Any] = json.loads(message["text"])
            self.events.append(event)
            self.sequences.append(event["sequence"])
            self._heard.take(event)
            return event

    async def until(self, kind: str) -> dict[str, Any]:
        """The next message of a kind; what comes before is kept in ``events``."""
        while (event := await self.receive())["type"] != kind:
            pass
        return event

    @property
    def last_sequence(self) -> int:
        return self._heard.sequence

    @property
    def cue(self) -> int:
        """The first cue whose sound is not complete."""
        return self._heard.cue

    @property
    def cue_samples(self) -> int:
        return self._heard.cue_samples

    def take_up(self, lost: Socket) -> None:
        """Go on hearing where another connection of the same client ended."""
        self._heard = lost._heard

    def go_to_chunk(self, chunk: int, *, block: int = 1024) -> None:
        """The next chunk sent is that one of a recording."""
        self._sequence, self._samples = chunk, chunk * block

    def heard(self, kind: str) -> list[dict[str, Any]]:
        return [event for event in self.events if event["type"] == kind]

    async def leave(self, code: int = 1000) -> None:
        await self._communicator.disconnect(code=code, timeout=WAIT_S)

    async def drop(self) -> None:
        """Go without a word, as a network does."""
        await self.leave(1006)

    def sound(self, cue: int) -> Pcm:
        blocks = [frame.pcm for frame in self.audio if frame.cue == cue]
        return np.frombuffer(b"".join(blocks), dtype="<i2")
