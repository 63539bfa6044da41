"""A client of the live socket in Python: what the demo and the measurements use.

Speaks ``dub.v1``: sound in binary frames both ways, everything else as JSON.
"""

from __future__ import annotations

import asyncio
import json
import time
import uuid
from collections.abc import AsyncIterator, Iterable
from contextlib import asynccontextmanager
from dataclasses import dataclass, field
from typing import Any

import numpy as np
from websockets.asyncio.client import ClientConnection, connect

from pipeline.types import SAMPLE_RATE_HZ, Pcm
from pipeline.wire import SUBPROTOCOL, AudioFrame, decode_cue_frame, encode_source_audio

FRAME_SAMPLES = 1024
OPEN_TIMEOUT_S = 10.0
MESSAGE_MAX_BYTES = 4 * 1024 * 1024


@dataclass(slots=True)
class HeardLine:
    """Everything the server said of one line, and its sound."""

    line: int
    speaker: str | None = None
    source_text: str = ""
    target_text: str = ""
    start_s: float = 0.0
    end_s: float = 0.0
    cue_start_s: float | None = None
    tempo: float = 1.0
    sample_rate: int = 0
    latencies: dict[str, float] = field(default_factory=dict)
    skipped: str | None = None
    blocks: list[Pcm] = field(default_factory=list)

    @property
    def pcm(self) -> Pcm:
        return np.concatenate(self.blocks) if self.blocks else np.zeros(0, dtype=np.int16)

    @property
    def duration_s(self) -> float:
        return sum(map(len, self.blocks)) / self.sample_rate if self.sample_rate else 0.0


class LiveClient:
    """One connection to ``/ws/{connection_id}/{session_id}``."""

    def __init__(self, socket: ClientConnection, session_id: str) -> None:
        self._socket = socket
        self.session_id = session_id
        self.lines: dict[int, HeardLine] = {}
        self.speakers: dict[str, dict[str, Any]] = {}
        self.errors: list[dict[str, Any]] = []
        self.summary: dict[str, Any] | None = None
        self._line_of_cue: dict[int, HeardLine] = {}
        self._sent = 0
        self._sent_samples = 0

    @classmethod
    @asynccontextmanager
    async def connect(
        cls, server: str, token: str, *, session_id: str | None = None
    ) -> AsyncIterator[LiveClient]:
        """``server`` is like ``ws://127.0.0.1:8000``; the token goes in a header."""
        session_id = session_id or str(uuid.uuid4())
        async with connect(
            f"{server}/ws/{uuid.uuid4().hex}/{session_id}",
            subprotocols=[SUBPROTOCOL],  # type: ignore[list-item]  # the library's own NewType
            additional_headers={"Authorization": f"Token {token}"},
            open_timeout=OPEN_TIMEOUT_S,
            max_size=MESSAGE_MAX_BYTES,
            compression=None,
        ) as socket:
            yield cls(socket, session_id)

    async def send(self, **message: Any) -> None:
        await self._socket.send(json.dumps(message))

    async def send_audio(self, pcm: Pcm) -> None:
        frame = AudioFrame(
            self._sent,
            round(self._sent_samples * 1_000_000 / SAMPLE_RATE_HZ),
            pcm.astype("<i2", copy=False).tobytes(),
        )
        self._sent += 1
        self._sent_samples += len(pcm)
        await self._socket.send(encode_source_audio(frame))

    async def stream(self, blocks: Iterable[Pcm]) -> None:
        """Send 16 kHz audio at the pace of real time, then say that it is over."""
        began = time.monotonic()
        for pcm in _frames(blocks):
            await self.send_audio(pcm)
            ahead_s = self._sent_samples / SAMPLE_RATE_HZ - (time.monotonic() - began)
            if ahead_s > 0:
                await asyncio.sleep(ahead_s)
        await self.send(type="stop_dubbing")

    async def events(self) -> AsyncIterator[dict[str, Any]]:
        """JSON messages as they come; sound is filed under its line. Ends at the summary."""
        async for message in self._socket:
            if isinstance(message, bytes):
                frame = decode_cue_frame(message)
                if line := self._line_of_cue.get(frame.cue):
                    line.blocks.append(np.frombuffer(frame.pcm, dtype="<i2"))
                continue
            event = json.loads(message)
            self._note(event)
            yield event
            if event["type"] == "summary":
                self.summary = event
                return

    def _note(self, event: dict[str, Any]) -> None:
        kind = event["type"]
        if kind == "error":
            self.errors.append(event)
        elif kind == "speaker":
            self.speakers[event["speaker"]] = event
        elif kind in {"transcript", "translation", "cue", "skipped"}:
            line = self.lines.setdefault(event["line"], HeardLine(event["line"]))
            if kind == "transcript":
                line.speaker, line.source_text = event["speaker"], event["text"]
                line.start_s, line.end_s = event["start_s"], event["end_s"]
            elif kind == "translation":
                line.target_text = event["text"]
            elif kind == "skipped":
                line.skipped = event["reason"]
            else:
                self._line_of_cue[event["cue"]] = line
                line.cue_start_s, line.tempo = event["start_s"], event["tempo"]
                line.sample_rate, line.latencies = event["sample_rate"], event["latencies"]


def _frames(blocks: Iterable[Pcm]) -> Iterable[Pcm]:
    """Blocks of any size cut into frames of FRAME_SAMPLES; the last may be shorter."""
    rest = np.zeros(0, dtype=np.int16)
    for block in blocks:
        rest = np.concatenate([rest, block])
        while len(rest) >= FRAME_SAMPLES:
            yield rest[:FRAME_SAMPLES]
            rest = rest[FRAME_SAMPLES:]
    if len(rest):
        yield rest
