"""One stream of Google's, from its first message to its status.

Streams are written to and read apart from each other: grpc reports how a stream ended to
its reader, so that is where an end, good or bad, is told; a failed write says nothing.
"""

from __future__ import annotations

import asyncio
import math
import time
from collections.abc import Awaitable, Callable
from typing import Any, TypeAlias

import grpc
import numpy as np
from google.api_core.exceptions import GoogleAPICallError
from google.cloud.speech_v2.types import cloud_speech as speech

from pipeline.bounds import GOOGLE_MESSAGE_MAX_BYTES
from pipeline.providers.google.channels import Connection
from pipeline.providers.google.timeline import Timeline
from pipeline.types import SAMPLE_RATE_HZ, Pcm

Response: TypeAlias = speech.StreamingRecognizeResponse

MESSAGE_SAMPLES = min(SAMPLE_RATE_HZ // 10, GOOGLE_MESSAGE_MAX_BYTES // 2)
LEAST_SAMPLES = SAMPLE_RATE_HZ * 6 // 100
"""Less than that waits for the next piece, unless it is the last."""
_FRAME = SAMPLE_RATE_HZ // 50
"""What follows a gap begins with a frame of its own: recognisers look at 20 ms at a time."""


class Leg:
    """``on_response`` is awaited, so whoever takes responses may hold the stream back;
    ``on_end`` is told None for an end that the vendor calls good."""

    def __init__(
        self,
        connection: Connection,
        asked: speech.StreamingRecognizeRequest,
        *,
        on_response: Callable[[Leg, Response], Awaitable[None]],
        on_end: Callable[[Leg, Exception | None], None],
    ) -> None:
        self.timeline = Timeline()
        self.opened_at = time.monotonic()
        self.answered = False
        self.half_closed_at: float | None = None
        self.ended = False
        self.waits_since: float | None = None
        """When the first audio was sent that no response has come after."""
        self.joins: tuple[float, float] | None = None
        """(media time from which it hears again, media time up to which it was heard
        before); None: it hears nothing twice."""
        self.unread: list[Response] = []
        """Responses that cannot be read before those of the leg in front."""
        self._connection = connection
        self._asked = asked
        self._on_response = on_response
        self._on_end = on_end
        self._call: Any = None
        self._reader: asyncio.Task[None] | None = None
        self._held: list[Pcm] = []
        self._held_start = 0
        self._held_samples = 0
        self._written_samples = 0

    async def open(self) -> None:
        """Returns at once: whether the stream is accepted is told later."""
        self._connection.calls += 1
        routing = (("x-goog-request-params", f"recognizer={self._asked.recognizer}"),)
        try:
            # The whole stream would have to end within a timeout; watching is done outside.
            self._call = await self._connection.client.streaming_recognize(
                metadata=routing, retry=None, timeout=None
            )
        except BaseException:
            self._connection.calls -= 1
            raise
        self._reader = asyncio.create_task(self._read(), name="google recogniser stream")
        await self._write(self._asked)

    @property
    def age_s(self) -> float:
        """By whichever clock the vendor may count: its life, or the audio that it got."""
        return max(time.monotonic() - self.opened_at, self.timeline.sent_s)

    @property
    def billed_s(self) -> float:
        """A request is billed by whole seconds, the last one begun included."""
        return math.ceil(self._written_samples / SAMPLE_RATE_HZ)

    async def send(self, start: int, pcm: Pcm) -> None:
        """Media from ``start`` on, in samples."""
        if self._held and start != self._held_start + self._held_samples:
            await self.flush()
        if not self._held:
            self._held_start = start
        self._held.append(pcm)
        self._held_samples += len(pcm)
        if self._held_samples >= LEAST_SAMPLES:
            await self._write_held()

    async def flush(self) -> None:
        """Nothing contiguous follows for now."""
        await self._write_held()
        if short := round(self.timeline.sent_s * SAMPLE_RATE_HZ) % _FRAME:
            silence = np.zeros(_FRAME - short, dtype=np.int16)
            await self._write(speech.StreamingRecognizeRequest(audio=silence.tobytes()))
            self.timeline.pad(len(silence))

    async def half_close(self) -> None:
        """No more audio: what is left will be told, then the end."""
        if self.half_closed_at is None:
            self.half_closed_at = time.monotonic()
            await self.flush()
            if self._call is not None and not self.ended:
                try:
                    await self._call.done_writing()
                except (GoogleAPICallError, asyncio.InvalidStateError, grpc.aio.UsageError):
                    return

    def cancel(self) -> None:
        """Stop at once; nothing more is told. Idempotent."""
        if not self.ended:
            self.ended = True
            self._connection.calls -= 1
        if self._reader is not None:
            self._reader.cancel()
        if self._call is not None:
            self._call.cancel()

    async def _write_held(self) -> None:
        if not self._held:
            return
        pcm = np.concatenate(self._held) if len(self._held) > 1 else self._held[0]
        start, self._held, self._held_samples = self._held_start, [], 0
        for begin in range(0, len(pcm), MESSAGE_SAMPLES):
            part = pcm[begin : begin + MESSAGE_SAMPLES]
            # Before it is sent: the response may come while we wait.
            self.timeline.add(start + begin, len(part))
            if self.waits_since is None:
                self.waits_since = time.monotonic()
            audio = part.astype("<i2", copy=False).tobytes()
            await self._write(speech.StreamingRecognizeRequest(audio=audio))

    async def _write(self, request: speech.StreamingRecognizeRequest) -> None:
        if self.ended:
            return
        try:
            await self._call.write(request)
            # Not what a stream that had ended did not take any more.
            self._written_samples += len(request.audio) // 2
        except (GoogleAPICallError, asyncio.InvalidStateError, grpc.aio.UsageError):
            # The stream is over; its reader learns how.
            return
        except asyncio.CancelledError:
            # A call that was cancelled meanwhile says so with the same exception as a task.
            task = asyncio.current_task()
            if task is None or task.cancelling() or not self.ended:
                raise

    async def _read(self) -> None:
        error: Exception | None = None
        try:
            while (response := await self._call.read()) is not grpc.aio.EOF:
                self.answered = True
                self.waits_since = None
                await self._on_response(self, response)
        except Exception as raised:
            error = raised
        if not self.ended:
            self.ended = True
            self._connection.calls -= 1
            self._on_end(self, error)
