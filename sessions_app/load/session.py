"""One paced session of a load test: sends sound in real time and times what comes back.

Only what is measured is parsed: of most messages nothing but the first bytes is read.
"""

from __future__ import annotations

import asyncio
import time
import uuid
from collections.abc import Callable
from typing import Any

import msgspec
from websockets.asyncio.client import ClientConnection, connect
from websockets.exceptions import ConnectionClosed, InvalidHandshake

from pipeline.wire import KIND_CUE_AUDIO, SUBPROTOCOL, AudioFrame, encode_source_audio
from sessions_app.load.messages import (
    ClientsPlan,
    Ended,
    Heard,
    Left,
    Refused,
    Report,
    SessionPlan,
    Started,
    Trouble,
)
from sessions_app.load.source import FRAME_S, Source

OPEN_S = 20.0
READY_S = 40.0
FINISH_S = 75.0
"""From the last frame to the summary; the server gives itself 60 s."""
CLOSE_S = 5.0
ACKNOWLEDGE_FRAMES = 16
"""Server messages are acknowledged about once a second, as a real client does."""
RING = 4096
"""Frames whose moment of sending is remembered: four minutes."""
AWAITED_MAX = 256
"""Lines that may wait for their sound; older ones are forgotten."""
MESSAGE_MAX_BYTES = 4 * 1024 * 1024
_TYPE = b'"type":"'
_SEQUENCE = b'{"sequence":'


class LoadSession:
    def __init__(
        self,
        plan: ClientsPlan,
        own: SessionPlan,
        source: Source,
        report: Callable[[Report], None],
    ) -> None:
        self._plan = plan
        self._own = own
        self._source = source
        self._report = report
        self.sending = False
        self.unacknowledged = 0
        self.late_s = 0.0
        """Worst delay of a frame; whoever reads it may set it back."""
        self._sent = 0
        self._sent_at = [0.0] * RING
        self._acknowledged = -1
        self._decided: dict[int, tuple[float, bool]] = {}
        self._committed: dict[int, float] = {}
        """Line → when its transcript came."""
        self._told: set[int] = set()
        """Lines committed that have neither sound nor a reason why not."""
        self._last_heard = -1
        self._cues: dict[int, dict[str, Any]] = {}
        self._newest = b""
        self._ready = asyncio.Event()
        self._refused = False
        self._opened_at = self._began = 0.0
        self._closing = ""
        self._handlers: dict[bytes, Callable[[dict[str, Any]], None]] = {
            b"ready": self._on_ready,
            b"transcript": self._on_transcript,
            b"cue": self._on_cue,
            b"skipped": self._on_skipped,
            b"merged": self._on_merged,
            b"acknowledgement": self._on_acknowledgement,
            b"error": self._on_error,
            b"closing": self._on_closing,
        }

    async def run(self) -> None:
        """From connecting to the summary; whatever goes wrong is reported, not raised."""
        await asyncio.sleep(max(0.0, self._own.begins_at_s - time.monotonic()))
        self._opened_at = time.monotonic()
        try:
            async with connect(
                f"{self._plan.server}/ws/load/{uuid.uuid4()}",
                subprotocols=[SUBPROTOCOL],  # type: ignore[list-item]  # the library's own NewType
                additional_headers={"Authorization": f"Token {self._plan.token}"},
                compression=None,
                open_timeout=OPEN_S,
                close_timeout=CLOSE_S,
                ping_interval=None,
                max_size=MESSAGE_MAX_BYTES,
            ) as socket:
                await self._converse(socket)
        except ConnectionClosed as closed:
            code, reason = (closed.rcvd.code, closed.rcvd.reason) if closed.rcvd else (1006, "")
            self._fail(str(code), self._closing or reason or "the connection broke")
        except TimeoutError:
            self._fail("timeout", "the server did not answer in time")
        except (OSError, InvalidHandshake) as error:
            self._fail("no_connection", str(error))
        finally:
            self.sending = False

    def _fail(self, code: str, message: str) -> None:
        now = time.monotonic()
        if self._ready.is_set():
            self._report(
                Trouble(at_s=now, session=self._own.number, code=code, message=message, lost=True)
            )
        elif not self._refused:
            self._refused = True
            self._report(Refused(at_s=now, session=self._own.number, code=code, message=message))

    async def _converse(self, socket: ClientConnection) -> None:
        await self._say(
            socket,
            type="start_dubbing",
            source_language=self._plan.source_language,
            target_language=self._plan.target_language,
        )
        reading = asyncio.create_task(self._read(socket))
        try:
            ready = asyncio.create_task(self._ready.wait())
            await asyncio.wait(
                {reading, ready}, timeout=READY_S, return_when=asyncio.FIRST_COMPLETED
            )
            ready.cancel()
            if not self._ready.is_set():
                if not reading.done():
                    raise TimeoutError
                reading.result()
                return
            streaming = asyncio.create_task(self._stream(socket))
            try:
                await asyncio.wait({reading, streaming}, return_when=asyncio.FIRST_COMPLETED)
            finally:
                streaming.cancel()
                await asyncio.gather(streaming, return_exceptions=True)
            async with asyncio.timeout(FINISH_S):
                await reading
        finally:
            reading.cancel()
            await asyncio.gather(reading, return_exceptions=True)

    # Out ---------------------------------------------------------------------------

    async def _say(self, socket: ClientConnection, **message: Any) -> None:
        await socket.send(msgspec.json.encode(message).decode())

    async def _stream(self, socket: ClientConnection) -> None:
        """Each frame when a microphone would have it; the last once the time is over."""
        began = self._began = time.monotonic()
        self.sending = True
        while True:
            due = began + (self._sent + 1) * FRAME_S
            if due > self._own.ends_at_s:
                break
            await asyncio.sleep(due - time.monotonic())
            now = time.monotonic()
            self.late_s = max(self.late_s, now - due)
            number = self._sent
            pcm = self._source.pcm(number, self._own.lead, self._own.number)
            frame = AudioFrame(number, round(number * FRAME_S * 1e6), pcm)
            self._sent_at[number % RING] = now
            self._sent = number + 1
            self.unacknowledged = max(self.unacknowledged, number - self._acknowledged)
            await socket.send(encode_source_audio(frame))
            if not self._sent % ACKNOWLEDGE_FRAMES:
                await self._acknowledge(socket)
        self.sending = False
        await self._say(socket, type="stop_dubbing")

    async def _acknowledge(self, socket: ClientConnection) -> None:
        newest = self._newest
        if newest[:1] == bytes([KIND_CUE_AUDIO]):
            sequence = int.from_bytes(newest[4:8], "little")
        elif newest.startswith(_SEQUENCE):
            sequence = int(newest[len(_SEQUENCE) : newest.index(b",")])
        else:
            return
        await self._say(socket, type="acknowledge", sequence=sequence)

    # In ----------------------------------------------------------------------------

    async def _read(self, socket: ClientConnection) -> None:
        while True:
            data: bytes = await socket.recv(decode=False)
            self._newest = data
            if data[0] == KIND_CUE_AUDIO:
                if self._cues:
                    self._on_sound(int.from_bytes(data[8:12], "little"))
                continue
            begin = data.find(_TYPE, 0, 64) + len(_TYPE)
            kind = data[begin : data.find(b'"', begin)]
            if handle := self._handlers.get(kind):
                handle(msgspec.json.decode(data))
                if self._refused:
                    return
            elif kind == b"summary":
                self._on_summary(msgspec.json.decode(data))
                return

    def _on_ready(self, event: dict[str, Any]) -> None:
        now = time.monotonic()
        self._ready.set()
        took_ms = (now - self._opened_at) * 1000
        self._report(
            Started(at_s=now, session=self._own.number, took_ms=took_ms, engines=event["engines"])
        )

    def _on_transcript(self, event: dict[str, Any]) -> None:
        _remember(self._committed, event["line"], time.monotonic())
        if len(self._told) < AWAITED_MAX:
            self._told.add(event["line"])
        decision = self._source.decision(
            heard_s=event.get("heard_s"),
            start_s=event["start_s"],
            end_s=event["end_s"],
            lead=self._own.lead,
        )
        if decision is not None and self._sent - RING < decision.frame < self._sent:
            sent_at = self._sent_at[decision.frame % RING]
            _remember(self._decided, event["line"], (sent_at, decision.at_endpoint))

    def _on_cue(self, event: dict[str, Any]) -> None:
        _remember(self._cues, event["cue"], event)

    def _on_sound(self, cue: int) -> None:
        event = self._cues.pop(cue, None)
        if event is None:
            return
        now = time.monotonic()
        self._told.discard(event["line"])
        if event["line"] < self._last_heard:
            self._trouble("out_of_order", "a line was heard after a later one")
        self._last_heard = event["line"]
        decided = self._decided.pop(event["line"], None)
        committed = self._committed.pop(event["line"], None)
        live_edge_s = now - self._began
        # A server that is behind does not know it: what it has not read seems not yet said.
        late_s = max(0.0, live_edge_s - event["start_s"])
        self._report(
            Heard(
                at_s=now,
                session=self._own.number,
                answer_ms=None if decided is None else (now - decided[0]) * 1000,
                at_endpoint=decided is None or decided[1],
                commit_ms=None if committed is None else (now - committed) * 1000,
                lag_ms=event["latencies"]["lag_ms"] + late_s * 1000,
                backlog_s=late_s + event["start_s"] + event["duration_s"] - live_edge_s,
                latencies=event["latencies"],
            )
        )

    def _on_skipped(self, event: dict[str, Any]) -> None:
        self._told.discard(event["line"])
        self._decided.pop(event["line"], None)
        self._report(Left(at_s=time.monotonic(), session=self._own.number, reason=event["reason"]))

    def _on_merged(self, event: dict[str, Any]) -> None:
        self._told.discard(event["line"])
        self._decided.pop(event["line"], None)

    def _on_acknowledgement(self, event: dict[str, Any]) -> None:
        self._acknowledged = event["chunk"]

    def _on_error(self, event: dict[str, Any]) -> None:
        code, message = event["code"], event["message"]
        if not self._ready.is_set():
            self._fail(code, message)
            return
        self._trouble(code, message)

    def _trouble(self, code: str, message: str) -> None:
        self._report(
            Trouble(at_s=time.monotonic(), session=self._own.number, code=code, message=message)
        )

    def _on_closing(self, event: dict[str, Any]) -> None:
        self._closing = str(event["message"])

    def _on_summary(self, event: dict[str, Any]) -> None:
        for _ in self._told:
            self._trouble("line_lost", "a line was committed and never heard of again")
        self._report(
            Ended(
                at_s=time.monotonic(),
                session=self._own.number,
                lines=event["lines"],
                skipped=event["skipped"],
            )
        )


def _remember(kept: dict[int, Any], key: int, value: Any) -> None:
    """Keep a bounded number, the newest."""
    kept[key] = value
    if len(kept) > AWAITED_MAX:
        del kept[next(iter(kept))]
