"""Everything the server says on one socket: bounded, numbered, sent by one task.

What a run says waits for room, which makes the run wait in its turn; answers to the
client's own messages are left out when there is no room. A client that reads nothing at
all is found by the server's WebSocket pings (daphne closes it after a missed one).
"""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable, Callable

from pipeline.events import CueAudio, Event
from pipeline.wire import encode_cue_audio, encode_event
from sessions_app.messages import Acknowledgement, CueSound

WAITING_MAX = 256
ACKNOWLEDGE_EVERY_S = 0.5

SendText = Callable[[str], Awaitable[None]]
SendBytes = Callable[[bytes], Awaitable[None]]


class Outbox:
    def __init__(self, send_text: SendText, send_bytes: SendBytes, *, binary: bool) -> None:
        self._send_text = send_text
        self._send_bytes = send_bytes
        self._binary = binary
        self._waiting: asyncio.Queue[Event | CueAudio] = asyncio.Queue(WAITING_MAX)
        self._events = 0
        self._frames = 0
        self._acknowledged = -1
        self._said = -1
        self._timer: asyncio.TimerHandle | None = None
        self.left_out = 0

    async def put(self, event: Event | CueAudio) -> None:
        """Say something that must be said; waits while the client is slow."""
        await self._waiting.put(event)

    def offer(self, event: Event) -> None:
        """Say something that may be left out when the client is slow."""
        try:
            self._waiting.put_nowait(event)
        except asyncio.QueueFull:
            self.left_out += 1

    def acknowledge(self, chunk: int) -> None:
        """Say soon that every chunk up to this one was taken; at a bounded rate."""
        self._acknowledged = chunk
        if self._timer is None:
            loop = asyncio.get_running_loop()
            self._timer = loop.call_later(ACKNOWLEDGE_EVERY_S, self._acknowledge_now)

    def _acknowledge_now(self) -> None:
        self._timer = None
        if self._acknowledged != self._said:
            self._said = self._acknowledged
            self.offer(Acknowledgement(chunk=self._acknowledged))

    async def send_all(self) -> None:
        """The one task that sends; runs until it is cancelled."""
        try:
            while True:
                event = await self._waiting.get()
                if isinstance(event, CueAudio):
                    await self._send_audio(event)
                else:
                    await self._send_event(event)
        finally:
            if self._timer is not None:
                self._timer.cancel()

    async def _send_audio(self, audio: CueAudio) -> None:
        if self._binary:
            await self._send_bytes(encode_cue_audio(audio, self._frames))
            self._frames = (self._frames + 1) & 0xFFFFFFFF
            return
        await self._send_event(
            CueSound(
                cue=audio.cue,
                start_s=round(audio.start_s, 6),
                sample_rate=audio.sample_rate,
                last=audio.last,
                audio_data=audio.pcm,
            )
        )

    async def _send_event(self, event: Event) -> None:
        await self._send_text(encode_event(event, self._events))
        self._events += 1
