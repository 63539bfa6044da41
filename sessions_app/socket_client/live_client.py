"""A client of the live socket in Python: what the demo, the tests and measurements use.

Speaks ``dub.v1``: sound in binary frames both ways, everything else as JSON. Given
patience it comes back after a dropped connection and resumes: nothing is lost, nothing
heard twice.
"""

from __future__ import annotations

import asyncio
import json
import logging
import time
import uuid
from collections import deque
from collections.abc import AsyncIterator, Iterable, Sequence
from contextlib import asynccontextmanager
from typing import Any

import numpy as np
from websockets.asyncio.client import ClientConnection, connect
from websockets.exceptions import ConnectionClosed, InvalidHandshake, InvalidMessage

from pipeline.bounds import SOCKET_MESSAGE_MAX_BYTES as MESSAGE_MAX_BYTES
from pipeline.types import SAMPLE_RATE_HZ, Pcm
from pipeline.wire import SUBPROTOCOL, AudioFrame, CueFrame, decode_cue_frame, encode_source_audio
from sessions_app.protocol.messages import CloseCode
from sessions_app.socket_client.heard import Heard

log = logging.getLogger(__name__)

FRAME_SAMPLES = 1024
OPEN_TIMEOUT_S = 10.0
KEEP_S = 15.0
"""Sound kept for another process, even when this one has it."""
ACKNOWLEDGE_EVERY = 32
RETRY_FIRST_S = 0.1
RETRY_MAX_S = 2.0
COMES_BACK = frozenset({1001, 1005, 1006, 1011, CloseCode.RESTART, CloseCode.SESSION_BUSY})
"""Close codes after which the session may go on at once: the connection broke, the server
restarts, or its process died and nobody has noticed yet."""
LATER_S = 1.0
COUNTED = {
    "start_dubbing",
    "follow_dubbing",
    "stop_dubbing",
    "create_voice_clone",
    "identify_speaker",
    "keep_sample",
}
"""Messages that change something, and must not count twice."""


class LiveClient(Heard):
    """One session at ``/ws/{connection_id}/{session_id}``, over any number of connections."""

    def __init__(
        self,
        servers: Sequence[str],
        token: str,
        session_id: str,
        *,
        patience_s: float,
        frame_samples: int,
    ) -> None:
        super().__init__()
        self.session_id = session_id
        self.resumes: list[str] = []
        """How each resume went: same, moved or new."""
        self._servers = servers
        self._token = token
        self._patience_s = patience_s
        self._frame_samples = frame_samples
        self._socket: ClientConnection | None = None
        self._turn = asyncio.Lock()
        """Held while sending: what is sent again goes before what is new."""
        self._kept: deque[tuple[int, int, str | bytes]] = deque()
        """(frame or -1, number or -1, message), as sent."""
        self._chunk_taken = -1
        self._number_taken = 0
        self._frames = 0
        self._frames_samples = 0
        self._numbers = 0
        self._start: dict[str, Any] | None = None
        self._coming_back = False
        """The connection is lost, or what was missed is not sent again yet."""

    @classmethod
    @asynccontextmanager
    async def connect(
        cls,
        server: str | Sequence[str],
        token: str,
        *,
        session_id: str | None = None,
        patience_s: float = 0.0,
        frame_samples: int = FRAME_SAMPLES,
    ) -> AsyncIterator[LiveClient]:
        """``server`` is like ``ws://127.0.0.1:8000``, or several that share their stores.

        The token goes in a header. With ``patience_s`` a dropped connection is opened
        again for so long, at each server in turn.
        """
        servers = [server] if isinstance(server, str) else list(server)
        client = cls(
            servers,
            token,
            session_id or str(uuid.uuid4()),
            patience_s=patience_s,
            frame_samples=frame_samples,
        )
        client._socket = await client._open(servers[0], "")
        try:
            yield client
        finally:
            await client._socket.close()

    async def _open(self, server: str, query: str) -> ClientConnection:
        return await connect(
            f"{server}/ws/{uuid.uuid4().hex}/{self.session_id}{query}",
            subprotocols=[SUBPROTOCOL],  # type: ignore[list-item]  # the library's own NewType
            additional_headers={"Authorization": f"Token {self._token}"},
            open_timeout=OPEN_TIMEOUT_S,
            max_size=MESSAGE_MAX_BYTES,
            compression=None,
        )

    def drop(self) -> None:
        """Lose the connection, as a network does: nothing is said."""
        assert self._socket is not None
        self._socket.transport.abort()

    # Sending -----------------------------------------------------------------------

    async def send(self, **message: Any) -> None:
        """Send a JSON message; those that change something are counted.

        Others are left out while the connection is lost.
        """
        number = -1
        if message["type"] in COUNTED:
            self._numbers += 1
            number = message["number"] = self._numbers
        if message["type"] in {"start_dubbing", "follow_dubbing"}:
            self._start = message
        await self._say(json.dumps(message), number=number)

    async def send_audio(self, pcm: Pcm) -> None:
        """16 kHz audio that follows on what was sent before."""
        frame = AudioFrame(
            self._frames,
            round(self._frames_samples * 1_000_000 / SAMPLE_RATE_HZ),
            pcm.astype("<i2", copy=False).tobytes(),
        )
        self._frames += 1
        self._frames_samples += len(pcm)
        await self._say(encode_source_audio(frame), frame=frame.sequence)

    async def stream(self, blocks: Iterable[Pcm]) -> None:
        """Send 16 kHz audio at the pace of real time, then say that it is over."""
        began = time.monotonic()
        for pcm in _frames(blocks, self._frame_samples):
            await self.send_audio(pcm)
            ahead_s = self._frames_samples / SAMPLE_RATE_HZ - (time.monotonic() - began)
            if ahead_s > 0:
                await asyncio.sleep(ahead_s)
        await self.send(type="stop_dubbing")

    async def _say(self, message: str | bytes, *, frame: int = -1, number: int = -1) -> None:
        async with self._turn:
            if self._patience_s and (frame >= 0 or number >= 0):
                self._kept.append((frame, number, message))
                self._forget()
            if self._coming_back:
                return  # what is kept is sent after the server said what it has
            assert self._socket is not None
            try:
                await self._socket.send(message)
            except ConnectionClosed:
                # Whoever reads the events meets the same end and comes back.
                if not self._patience_s:
                    raise

    def _forget(self) -> None:
        """Drop what the server has, but for the last frames: another one may need them."""
        while self._kept:
            frame, number, _ = self._kept[0]
            kept = round(KEEP_S * SAMPLE_RATE_HZ / self._frame_samples)
            if frame > min(self._chunk_taken, self._frames - 1 - kept):
                return
            if number > self._number_taken:
                return
            self._kept.popleft()

    # Hearing -----------------------------------------------------------------------

    async def events(self) -> AsyncIterator[dict[str, Any]]:
        """JSON messages as they come; sound is filed under its line. Ends at the summary."""
        unacknowledged = 0
        while True:
            assert self._socket is not None
            try:
                message = await self._socket.recv()
            except ConnectionClosed as closed:
                code = closed.rcvd.code if closed.rcvd is not None else 1006
                if not self._patience_s or code not in COMES_BACK | {CloseCode.OVERLOAD}:
                    raise
                if code in {CloseCode.OVERLOAD, CloseCode.SESSION_BUSY}:
                    await asyncio.sleep(LATER_S)
                await self._resume()
                continue
            unacknowledged += 1
            if unacknowledged >= ACKNOWLEDGE_EVERY and self.sequence >= 0:
                unacknowledged = 0
                await self.send(type="acknowledge", sequence=self.sequence)
            event: CueFrame | dict[str, Any]
            event = decode_cue_frame(message) if isinstance(message, bytes) else json.loads(message)
            if not self.take(event) or isinstance(event, CueFrame):
                continue
            if event["type"] == "acknowledgement":
                self._chunk_taken = max(self._chunk_taken, event["chunk"])
                self._number_taken = max(self._number_taken, event["number"])
            elif event["type"] == "resumed":
                await self._send_again(event)
            yield event
            if event["type"] == "summary":
                return

    async def _resume(self) -> None:
        """Connect again; raises TimeoutError when patience is at its end."""
        self._coming_back = True
        wait_s = RETRY_FIRST_S
        turn = 0
        async with asyncio.timeout(self._patience_s):
            while True:
                server = self._servers[turn % len(self._servers)]
                turn += 1
                query = f"?resume={self.sequence}&cue={self.cue}&samples={self.cue_samples}"
                try:
                    self._socket = await self._open(server, query)
                    return
                except (OSError, InvalidHandshake, InvalidMessage, TimeoutError) as error:
                    log.info("not connected", extra={"error": type(error).__name__})
                if turn % len(self._servers) == 0:
                    await asyncio.sleep(wait_s)
                    wait_s = min(RETRY_MAX_S, wait_s * 2)

    async def _send_again(self, resumed: dict[str, Any]) -> None:
        self.resumes.append(resumed["how"])
        assert self._socket is not None
        async with self._turn:
            self._coming_back = False
            if resumed["how"] == "new":
                # Nothing is left of the session there: begin again at the live edge.
                self._kept.clear()
                if self._start is not None:
                    await self._socket.send(json.dumps(self._start))
                return
            self._chunk_taken, self._number_taken = resumed["chunk"], resumed["number"]
            try:
                for frame, number, message in self._kept:
                    if frame > resumed["chunk"] or number > resumed["number"]:
                        await self._socket.send(message)
            except ConnectionClosed:
                pass  # met again by whoever reads the events


def _frames(blocks: Iterable[Pcm], samples: int) -> Iterable[Pcm]:
    """Blocks of any size cut into frames of so many samples; the last may be shorter."""
    rest = np.zeros(0, dtype=np.int16)
    for block in blocks:
        rest = np.concatenate([rest, block])
        while len(rest) >= samples:
            yield rest[:samples]
            rest = rest[samples:]
    if len(rest):
        yield rest
