"""Messages that take time to decode, and those behind them: one after another, in order."""

from __future__ import annotations

import asyncio
import logging
from collections.abc import Callable

from django.conf import settings

from pipeline import metrics
from pipeline.bounds import SLOW_MAX, SLOW_MAX_BYTES
from pipeline.client_messages import AnyClientMessage, AudioChunkMessage, CreateVoiceClone
from pipeline.sound.media import MediaError, audio_container, decode_audio_blob
from pipeline.types import Pcm
from pipeline.wire import AudioFrame
from sessions_app.audio.source_audio import PADDING_S

log = logging.getLogger(__name__)

Message = AnyClientMessage | AudioFrame


class SlowLane:
    """``take`` is given each message with its sound, ``fail`` a code and words."""

    def __init__(
        self, take: Callable[[Message, Pcm | None], None], fail: Callable[[str, str], None]
    ) -> None:
        self._take = take
        self._fail = fail
        self._waiting: asyncio.Queue[Message] = asyncio.Queue(SLOW_MAX)
        self._left = 0
        self._bytes = 0
        self._task: asyncio.Task[None] | None = None
        metrics.track_queue("slow_lane", self, lambda lane: lane._waiting.qsize())
        metrics.track_queue("slow_lane_bytes", self, lambda lane: lane._bytes)

    def start(self) -> None:
        self._task = asyncio.create_task(self._work(), name="slow lane")

    async def aclose(self) -> None:
        if self._task is not None:
            self._task.cancel()
            await asyncio.gather(self._task, return_exceptions=True)

    def takes(self, message: Message) -> bool:
        """Take the message if it, or one before it, needs time; False: it can be done now."""
        if not self._left and not _is_file(message):
            return False
        size = _size(message)
        if self._waiting.full() or (self._left and self._bytes + size > SLOW_MAX_BYTES):
            self._fail("too_fast", "Messages come faster than they can be decoded; one was lost.")
            return True
        self._waiting.put_nowait(message)
        self._left += 1
        self._bytes += size
        return True

    async def _work(self) -> None:
        while True:
            message = await self._waiting.get()
            pcm: Pcm | None = None
            try:
                if isinstance(message, AudioChunkMessage) and _is_file(message):
                    longest_s = settings.MAX_CHUNK_DURATION + PADDING_S
                    pcm = await asyncio.to_thread(
                        decode_audio_blob, message.audio_data, max_seconds=longest_s
                    )
                self._take(message, pcm)
            except MediaError as error:
                self._fail(error.code, str(error))
            except Exception:
                log.exception("message failed")
                self._fail("internal_error", "The server could not handle that message.")
            finally:
                self._left -= 1
                self._bytes -= _size(message)


def _is_file(message: Message) -> bool:
    return isinstance(message, AudioChunkMessage) and bool(audio_container(message.audio_data))


def _size(message: Message) -> int:
    """Bytes of sound, which are all that makes a message large."""
    match message:
        case AudioFrame():
            return len(message.pcm)
        case AudioChunkMessage():
            return len(message.audio_data)
        case CreateVoiceClone():
            return sum(map(len, message.audio_samples))
    return 0
