"""How good the sound of a clause was: its level, and how far it stood out of the noise. Pure."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from pipeline.types import SAMPLE_RATE_HZ, Pcm

_FRAME = round(0.02 * SAMPLE_RATE_HZ)
_SILENCE_DBFS = -100.0
SNR_MAX_DB = 60.0
"""More than 16 bits and any room give; digital silence between the words would be endless."""
NOISE_PERCENTILE = 5.0
"""Speech has so many quiet frames; minimum statistics (Martin 2001) rest on the same."""
SPEECH_BELOW_DB = 15.0
"""Frames so much below the loudest are pauses or noise and do not count as speech."""


@dataclass(frozen=True, slots=True)
class SoundQuality:
    level_dbfs: float
    """RMS of the speech, decibels below full scale; -100 in silence."""
    snr_db: float
    """Speech to noise, decibels, 0 to 60."""


def measure_quality(clause: Pcm, around: Pcm) -> SoundQuality:
    """``around`` holds the clause and the second or two before it, both 16 kHz: the noise is
    what is heard in the quietest moments there."""
    speech = _powers(clause)
    if not len(speech) or not speech.any():
        return SoundQuality(_SILENCE_DBFS, 0.0)
    loud = speech[speech >= speech.max() * 10 ** (-SPEECH_BELOW_DB / 10)]
    power = float(loud.mean())
    noise = float(np.percentile(np.concatenate([_powers(around), speech]), NOISE_PERCENTILE))
    # Speech frames hold noise too.
    snr_db = 10 * np.log10(max(power - noise, 1e-12) / max(noise, 1e-12))
    return SoundQuality(
        level_dbfs=round(max(10 * float(np.log10(power)), _SILENCE_DBFS), 1),
        snr_db=round(float(np.clip(snr_db, 0.0, SNR_MAX_DB)), 1),
    )


def _powers(pcm: Pcm) -> np.ndarray[tuple[int], np.dtype[np.float64]]:
    """Mean square of each whole frame of 20 ms, full scale 1."""
    frames = pcm[: len(pcm) // _FRAME * _FRAME].astype(np.float64).reshape(-1, _FRAME) / 32_768
    return np.asarray((frames**2).mean(axis=1) if len(frames) else np.zeros(0))
