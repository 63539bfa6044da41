"""Level arithmetic for synthetic speech: trimming silence, measuring level, gain.

All of it takes and returns 16 kHz mono PCM16.
"""

from __future__ import annotations

import numpy as np

from pipeline.types import SAMPLE_RATE_HZ, Pcm

LEADING_S = 0.02
TRAILING_S = 0.04
_FRAME = SAMPLE_RATE_HZ // 200
_SILENCE_DB = -45.0
"""Relative to the loudest 5 ms frame."""
_ACTIVE_DB = -25.0
_FULL_SCALE = 32_768.0
_KNEE = 0.7
"""Below this share of full scale the limiter leaves samples untouched."""


def trim_silence(pcm: Pcm) -> Pcm:
    """``pcm`` with at most 20 ms of silence before and 40 ms after; may come out empty."""
    power = _frame_power(pcm)
    if not len(power) or power.max() < 1.0:
        return pcm[:0]
    heard = np.flatnonzero(power > power.max() * 10 ** (_SILENCE_DB / 10))
    start = max(0, int(heard[0]) * _FRAME - round(LEADING_S * SAMPLE_RATE_HZ))
    end = (int(heard[-1]) + 1) * _FRAME + round(TRAILING_S * SAMPLE_RATE_HZ)
    return pcm[start:end]


def active_level_db(pcm: Pcm) -> float:
    """RMS of the frames within 25 dB of the loudest, in dB of full scale."""
    power = _frame_power(pcm)
    if not len(power) or power.max() < 1.0:
        return -120.0
    active = power[power > power.max() * 10 ** (_ACTIVE_DB / 10)]
    return float(10 * np.log10(active.mean() / _FULL_SCALE**2))


def apply_gain(pcm: Pcm, gain_db: float) -> Pcm:
    """``pcm`` louder by ``gain_db``; what would pass the knee is bent, never clipped."""
    samples = pcm.astype(np.float32) * np.float32(10 ** (gain_db / 20) / _FULL_SCALE)
    magnitude = np.abs(samples)
    over = magnitude > _KNEE
    if over.any():
        room = 1.0 - _KNEE
        bent = _KNEE + room * np.tanh((magnitude[over] - _KNEE) / room)
        samples[over] = np.copysign(bent, samples[over])
    return (samples * (_FULL_SCALE - 1)).astype(np.int16)


def _frame_power(pcm: Pcm) -> np.ndarray[tuple[int], np.dtype[np.float32]]:
    frames = len(pcm) // _FRAME
    samples = pcm[: frames * _FRAME].astype(np.float32).reshape(frames, _FRAME)
    return np.asarray(np.mean(samples**2, axis=1)) if frames else np.zeros(0, np.float32)
