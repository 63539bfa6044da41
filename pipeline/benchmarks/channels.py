"""Recordings as other channels would have brought them."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import soundfile
import soxr
from scipy.signal import butter, sosfiltfilt

from pipeline.types import SAMPLE_RATE_HZ, Pcm

TELEPHONE_HZ = 8000
_MU = 255.0


def read(path: Path) -> Pcm:
    """A recording as 16 kHz mono."""
    wav, rate_hz = soundfile.read(path, dtype="float32", always_2d=True)
    return _pcm(soxr.resample(wav.mean(axis=1), rate_hz, SAMPLE_RATE_HZ))


def telephone(pcm: Pcm) -> Pcm:
    """300 to 3400 Hz, 8 kHz, eight bits on the mu-law (ITU-T G.711)."""
    wav = soxr.resample(pcm.astype(np.float64) / 32768, SAMPLE_RATE_HZ, TELEPHONE_HZ)
    band = butter(6, [300, 3400], btype="band", fs=TELEPHONE_HZ, output="sos")
    wav = np.clip(sosfiltfilt(band, wav), -1, 1)
    companded = np.sign(wav) * np.log1p(_MU * np.abs(wav)) / np.log1p(_MU)
    quantised = np.round(companded * 127) / 127
    wav = np.sign(quantised) * ((1 + _MU) ** np.abs(quantised) - 1) / _MU
    return _pcm(soxr.resample(wav, TELEPHONE_HZ, SAMPLE_RATE_HZ))


class Noise:
    """Recorded noise, mixed in from another place each time."""

    def __init__(self, recording: Pcm, snr_db: float, seed: int = 1) -> None:
        self._noise = recording.astype(np.float64)
        self._ratio = 10 ** (snr_db / 10)
        self._random = np.random.default_rng(seed)

    def __call__(self, pcm: Pcm) -> Pcm:
        speech = pcm.astype(np.float64)
        start = int(self._random.integers(len(self._noise)))
        noise = np.take(self._noise, np.arange(start, start + len(speech)), mode="wrap")
        gain = np.sqrt(np.mean(speech**2) / (np.mean(noise**2) * self._ratio))
        mixed: Pcm = np.clip(speech + gain * noise, -32768, 32767).astype(np.int16)
        return mixed


def _pcm(wav: np.ndarray) -> Pcm:
    pcm: Pcm = np.clip(np.round(wav * 32768), -32768, 32767).astype(np.int16)
    return pcm
