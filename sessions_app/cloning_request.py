"""A ``create_voice_clone`` message: its samples decoded, checked and answered."""

from __future__ import annotations

import asyncio
import logging
from collections.abc import Callable

import numpy as np
import soxr

from pipeline.bounds import VOICE_SAMPLES_MAX as SAMPLES_MAX
from pipeline.bounds import VOICE_SAMPLES_MAX_S as TOTAL_MAX_S
from pipeline.media import MediaError, audio_container, decode_audio_blob
from pipeline.ports import EngineError
from pipeline.types import SAMPLE_RATE_HZ, Pcm
from pipeline.wire import CreateVoiceClone, WireError
from sessions_app import wiring
from sessions_app.outbox import Outbox
from sessions_app.protocol.messages import VoiceCheck
from sessions_app.voice_samples import check_voice_samples

log = logging.getLogger(__name__)


class VoiceChecks:
    """One session's: one at a time, answered when it is done."""

    def __init__(self, outbox: Outbox, fail: Callable[[str, str], None], *, user_id: int) -> None:
        self._outbox = outbox
        self._fail = fail
        self._user_id = user_id
        self._task: asyncio.Task[None] | None = None

    def check(self, message: CreateVoiceClone, *, rate_hz: int) -> None:
        """Raises WireError while other samples are being checked."""
        if self._task is not None and not self._task.done():
            raise WireError("voice_check_busy", "Other samples are being checked; wait for them.")
        self._task = asyncio.create_task(self._answer(message, rate_hz), name="voice check")

    async def aclose(self) -> None:
        if self._task is not None:
            self._task.cancel()
            await asyncio.gather(self._task, return_exceptions=True)

    async def _answer(self, message: CreateVoiceClone, rate_hz: int) -> None:
        try:
            verdict = await voice_verdict(message, rate_hz=rate_hz, user_id=self._user_id)
            self._outbox.offer(verdict)
        except (MediaError, EngineError, WireError) as error:
            self._fail(error.code, str(error))
        except Exception:
            log.exception("voice check failed")
            self._fail("internal_error", "The samples could not be checked.")


async def voice_verdict(message: CreateVoiceClone, *, rate_hz: int, user_id: int) -> VoiceCheck:
    """``rate_hz`` is that of samples without a header. Raises WireError, MediaError,
    EngineError."""
    if not 1 <= len(message.audio_samples) <= SAMPLES_MAX:
        raise WireError("voice_samples_count", f"Send 1 to {SAMPLES_MAX} audio samples.")
    samples = await asyncio.to_thread(
        lambda: [_decode(data, rate_hz) for data in message.audio_samples]
    )
    if sum(map(len, samples)) > TOTAL_MAX_S * SAMPLE_RATE_HZ:
        raise WireError("voice_samples_long", f"Send at most {TOTAL_MAX_S:.0f} s in all.")
    with await wiring.lease(user_id) as engines:
        return await check_voice_samples(
            message.speaker_id, samples, detector=engines.detector, needs_s=engines.cloner.needs_s
        )


def _decode(data: bytes, rate_hz: int) -> Pcm:
    if audio_container(data):
        return decode_audio_blob(data, max_seconds=TOTAL_MAX_S)
    if len(data) % 2:
        raise WireError("audio_odd", "PCM16 has two bytes a sample; a sample holds an odd number.")
    pcm = np.frombuffer(data, dtype="<i2").astype(np.int16)
    if rate_hz == SAMPLE_RATE_HZ or not len(pcm):
        return pcm
    resampled: Pcm = soxr.resample(pcm, rate_hz, SAMPLE_RATE_HZ, quality="HQ")
    return resampled
