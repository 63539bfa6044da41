"""What can be trusted in a stretch of one person's speech, and what to do about the rest.

Pure numpy on 16 kHz PCM of speech without its long pauses. Noise floors are taken per
frequency from the quietest moments (minimum statistics after Martin, "Noise power spectral
density estimation based on optimal smoothing and minimum statistics", 2001, much simplified:
a low percentile of a smoothed spectrogram of a few seconds), and suppressed by a Wiener-like
gain with a floor (Boll, "Suppression of acoustic noise in speech using spectral subtraction",
1979).
"""

from __future__ import annotations

from functools import cache

import numpy as np
import numpy.typing as npt

from pipeline.types import SAMPLE_RATE_HZ, Pcm

Floats = npt.NDArray[np.float64]

FRAME = 512
HOP = 128
SMOOTHED_FRAMES = 5
FLOOR_PERCENTILE = 10
FLOOR_BIAS = 2.0
"""How far a low percentile lies below the mean of noise."""
GAIN_MIN = 0.2
NARROW_FROM_HZ, NARROW_TO_HZ = 300.0, 3400.0
"""The band of a telephone (ITU-T G.712)."""
MU = 255.0
EDGE_ORDER = 12
"""Of a Butterworth response at either edge."""
NARROW_BELOW_DB = -40.0
"""Sound has no upper band when it is so far below the lower one."""


def noise_suppressed(pcm: Pcm) -> Pcm:
    """The same speech with its steady noise lowered, as many samples."""
    padded = np.pad(pcm.astype(np.float64), FRAME)
    window = _window()
    frames = np.lib.stride_tricks.sliding_window_view(padded, FRAME)[::HOP]
    spectra = np.fft.rfft(frames * window, axis=1)
    power = _smoothed(np.square(np.abs(spectra)))
    gains = np.maximum(1.0 - _floor(power) / np.maximum(power, 1e-9), GAIN_MIN)
    cleaned = np.fft.irfft(spectra * gains, axis=1) * window
    made, weight = np.zeros(len(padded)), np.zeros(len(padded))
    # Frames that do not overlap are added in one go: FRAME / HOP passes instead of one a frame.
    for phase in range(FRAME // HOP):
        some = cleaned[phase :: FRAME // HOP]
        start, end = phase * HOP, phase * HOP + some.size
        made[start:end] += some.ravel()
        weight[start:end] += np.tile(np.square(window), len(some))
    whole = made / np.maximum(weight, 1e-3)
    return np.clip(whole[FRAME : FRAME + len(pcm)], -32768, 32767).astype(np.int16)


def snr_db(pcm: Pcm) -> float:
    """Speech over steady noise, in dB, 0 to 60; 0 for less than a third of a second."""
    if len(pcm) < SAMPLE_RATE_HZ // 3:
        return 0.0
    frames = np.lib.stride_tricks.sliding_window_view(pcm.astype(np.float64), FRAME)[::HOP]
    power = _smoothed(np.square(np.abs(np.fft.rfft(frames * _window(), axis=1))))
    noise = float(_floor(power).sum())
    speech = float(power.mean(axis=0).sum()) - noise
    if noise <= 0:
        return 60.0 if speech > 0 else 0.0
    return float(np.clip(10 * np.log10(max(speech, 1e-9) / noise), 0.0, 60.0))


def is_narrow(pcm: Pcm) -> bool:
    """Whether the sound ends where a telephone's does."""
    if len(pcm) < FRAME:
        return False
    frames = np.lib.stride_tricks.sliding_window_view(pcm.astype(np.float64), FRAME)[::HOP]
    power = np.square(np.abs(np.fft.rfft(frames * _window(), axis=1))).mean(axis=0)
    hz = np.fft.rfftfreq(FRAME, 1 / SAMPLE_RATE_HZ)
    low = float(power[(hz >= NARROW_FROM_HZ) & (hz <= NARROW_TO_HZ)].sum())
    high = float(power[hz >= 4300.0].sum())
    return low > 0 and 10 * np.log10(max(high, 1e-9) / low) < NARROW_BELOW_DB


def narrowed(pcm: Pcm) -> Pcm:
    """The speech as a telephone would carry it: what is outside its band is gone, and the rest
    went through eight bits on the mu-law (ITU-T G.711)."""
    wav = np.clip(_in_band(pcm.astype(np.float64)) / 32768, -1, 1)
    companded = np.sign(wav) * np.log1p(MU * np.abs(wav)) / np.log1p(MU)
    coded = np.round(companded * 127) / 127
    wav = np.sign(coded) * ((1 + MU) ** np.abs(coded) - 1) / MU
    # Coding added something above the band.
    made: Pcm = np.clip(_in_band(wav * 32768), -32768, 32767).astype(np.int16)
    return made


def noisy(pcm: Pcm, snr_db: float) -> Pcm:
    """The same speech in steady noise, the same noise each time, so far below it."""
    speech = pcm.astype(np.float64)
    noise = np.resize(_pink_noise(), len(speech))
    power = float(np.mean(np.square(speech))) / 10 ** (snr_db / 10)
    made: Pcm = np.clip(speech + np.sqrt(power) * noise, -32768, 32767).astype(np.int16)
    return made


@cache
def _pink_noise() -> Floats:
    """Thirty seconds of mean power 1, with as much in each octave, as rooms and streets have."""
    length = 30 * SAMPLE_RATE_HZ
    spectrum = np.fft.rfft(np.random.default_rng(5).standard_normal(length))
    made = np.fft.irfft(spectrum / np.sqrt(np.maximum(np.arange(len(spectrum)), 1)), length)
    return np.asarray(made / np.sqrt(np.mean(np.square(made))))


def _in_band(wav: Floats) -> Floats:
    spectrum = np.fft.rfft(wav)
    hz = np.fft.rfftfreq(len(wav), 1 / SAMPLE_RATE_HZ)
    # As steep as the filters of telephones: gentler edges make another voice of it.
    low = 1 / np.sqrt(1 + (NARROW_FROM_HZ / np.maximum(hz, 1e-6)) ** (2 * EDGE_ORDER))
    high = 1 / np.sqrt(1 + (hz / NARROW_TO_HZ) ** (2 * EDGE_ORDER))
    return np.asarray(np.fft.irfft(spectrum * low * high * (hz < 4000.0), len(wav)))


def _smoothed(power: Floats) -> Floats:
    """Means over five frames, shorter at the edges."""
    summed = np.cumsum(np.pad(power, ((1, 0), (0, 0))), axis=0)
    half = SMOOTHED_FRAMES // 2
    at = np.arange(len(power))
    first, last = np.maximum(at - half, 0), np.minimum(at + half + 1, len(power))
    return np.asarray((summed[last] - summed[first]) / (last - first)[:, None])


def _floor(power: Floats) -> Floats:
    return np.asarray(np.percentile(power, FLOOR_PERCENTILE, axis=0) * FLOOR_BIAS)


@cache
def _window() -> Floats:
    return np.asarray(np.sqrt(0.5 - 0.5 * np.cos(2 * np.pi * np.arange(FRAME) / FRAME)))
