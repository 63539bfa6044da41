"""Would these recordings make a good voice clone? Measured, then said in plain words."""

from __future__ import annotations

import math
from collections.abc import Sequence

import numpy as np

from pipeline.ports import SpeechDetector
from pipeline.types import SAMPLE_RATE_HZ, Pcm
from sessions_app.protocol.messages import VoiceCheck

SPEECH_SHARE_MIN = 0.4
LEVEL_MIN_DBFS = -40.0
CLIPPED_SHARE_MAX = 0.001
_CLIPPED_AT = 32_700
_BLOCK = SAMPLE_RATE_HZ


async def check_voice_samples(
    speaker_id: str, samples: Sequence[Pcm], *, detector: SpeechDetector, needs_s: float
) -> VoiceCheck:
    """Length, share of speech, level and clipping of 16 kHz samples of one person."""
    total_s = sum(len(pcm) for pcm in samples) / SAMPLE_RATE_HZ
    speech, speech_s = await _speech(samples, detector)
    level_dbfs = _level_dbfs(speech)
    peaks = sum(
        int(np.count_nonzero(np.abs(pcm.astype(np.int32)) >= _CLIPPED_AT)) for pcm in samples
    )
    clipped = peaks / max(1.0, total_s * SAMPLE_RATE_HZ)
    problems = []
    if speech_s < needs_s:
        problems.append(
            f"There are {speech_s:.1f} s of speech; a clone needs at least {needs_s:.0f} s."
        )
    if total_s and speech_s / total_s < SPEECH_SHARE_MIN:
        problems.append(
            f"Only {speech_s / total_s:.0%} of the recording is speech; cut the pauses and noise."
        )
    if speech_s and level_dbfs < LEVEL_MIN_DBFS:
        problems.append(f"The speech is too quiet ({level_dbfs:.0f} dBFS); record it louder.")
    if clipped > CLIPPED_SHARE_MAX:
        problems.append("The recording is clipped; record it with a lower input level.")
    verdict = "The samples are good. " if not problems else "The samples will not do: "
    return VoiceCheck(
        speaker_id=speaker_id,
        accepted=not problems,
        message=f"{verdict}{' '.join(problems)}".strip(),
        problems=problems,
        total_s=round(total_s, 2),
        speech_s=round(speech_s, 2),
        level_dbfs=round(level_dbfs, 1),
        clipped_share=round(clipped, 5),
    )


async def _speech(samples: Sequence[Pcm], detector: SpeechDetector) -> tuple[list[Pcm], float]:
    """The frames that hold speech, and how many seconds they last."""
    spoken: list[Pcm] = []
    frames = 0
    frame = 0
    for pcm in samples:
        stream = detector.open()
        frame = stream.frame_samples
        place = 0
        for begin in range(0, len(pcm), _BLOCK):
            for probability in await stream.push(pcm[begin : begin + _BLOCK]):
                if probability > 0.5:
                    spoken.append(pcm[place : place + frame])
                    frames += 1
                place += frame
    return spoken, frames * frame / SAMPLE_RATE_HZ


def _level_dbfs(frames: Sequence[Pcm]) -> float:
    if not frames:
        return -96.0
    power = float(np.mean(np.concatenate(frames).astype(np.float64) ** 2))
    return max(-96.0, 10 * math.log10(max(power, 1e-9) / 32_768**2))
