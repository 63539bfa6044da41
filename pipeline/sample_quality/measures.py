"""The figures of a recording, each from the samples alone."""

from __future__ import annotations

import warnings
from dataclasses import dataclass

import numpy as np
import numpy.typing as npt
import pyloudnorm

from pipeline.runtime.world import pyworld
from pipeline.sample_quality.recording import Recording
from pipeline.types import SAMPLE_RATE_HZ, Pcm

FRAME_SAMPLES = 512
"""At 16 kHz: what the speech detector judges at a time, 32 ms."""
SPEECH_FROM = 0.5
PAUSE_BELOW = 0.3
SNR_MAX_DB = 60.0
_PAUSE_FRAMES_MIN = 8
_FLOOR_PERCENTILE = 5
_CLIPPED_RUN = 3
_CLIPPED_PEAK = 0.5
_BAND_HZ = 250
_BAND_DROP_DB = 52.0
_PITCH_FLOOR_HZ, _PITCH_CEILING_HZ = 60.0, 500.0

Floats = npt.NDArray[np.float64]
Mask = npt.NDArray[np.bool_]


@dataclass(frozen=True, slots=True)
class Measures:
    """None: there was nothing to measure it on."""

    duration_s: float
    sample_rate_hz: int
    speech_s: float
    speech_share: float
    """Of the whole length, 0 to 1."""
    snr_db: float | None
    """Speech over what sounds in the pauses, at most 60."""
    clipped_share: float
    """Samples in flat tops, of all samples, 0 to 1."""
    loudness_lufs: float | None
    """Integrated, ITU-R BS.1770-4, of the whole recording."""
    peak_dbfs: float
    bandwidth_hz: int
    """Up to where speech has sound: 3,400 on a telephone, 8,000 and more when it is whole."""
    speakers: int
    """People who speak for more than a moment."""
    main_speaker_share: float
    """What the one who speaks most has of the speech that could be told apart, 0 to 1."""
    pitch_median_hz: float | None
    pitch_low_hz: float | None
    """5th percentile of the voiced speech."""
    pitch_high_hz: float | None
    """95th percentile."""
    reverberation_s: float | None = None
    """Time in which sound dies away by 60 dB, judged by how speech ends; 0.2 when it is dry."""
    syllables_per_s: float | None = None
    """In speech, pauses left out: some 4 of read English."""


def frame_powers(pcm: Pcm, frames: int) -> Floats:
    """Mean square of each frame, full scale 1."""
    cut = pcm[: frames * FRAME_SAMPLES].astype(np.float64).reshape(frames, FRAME_SAMPLES)
    return np.asarray(np.mean((cut / 32_768) ** 2, axis=1))


def snr_db(powers: Floats, speech: Floats) -> float | None:
    """Power in speech less that of the noise, over the noise's.

    The noise is the median frame of the pauses; a recording with hardly any pause gives its
    quietest frames instead. On clean recordings mixed with noise at known ratios of 0 to
    40 dB this is right within 1 dB (``pipeline.benchmarks.samples``).
    """
    spoken, pauses = powers[speech > SPEECH_FROM], powers[speech < PAUSE_BELOW]
    if not len(spoken):
        return None
    if len(pauses) >= _PAUSE_FRAMES_MIN:
        noise = float(np.median(pauses))
    else:
        noise = float(np.percentile(powers, _FLOOR_PERCENTILE))
    signal = max(float(np.mean(spoken)) - noise, 1e-12)
    return round(min(SNR_MAX_DB, 10 * float(np.log10(signal / max(noise, 1e-12)))), 1)


def clipped_share(samples: npt.NDArray[np.int16]) -> float:
    """Share of samples in runs of three and more within 1 % of the recording's peak.

    Looked for at the peak, not at full scale: a recording that was clipped and then turned
    down is as broken. Quiet ones are not looked at; their peaks are no flat tops.
    """
    size = np.abs(samples.astype(np.int32))
    peak = int(size.max(initial=0))
    if peak < _CLIPPED_PEAK * 32_768:
        return 0.0
    flat = (size >= 0.99 * peak).astype(np.int8)
    edges = np.flatnonzero(np.diff(flat, prepend=0, append=0))
    runs = edges[1::2] - edges[::2]
    return float(runs[runs >= _CLIPPED_RUN].sum()) / max(1, len(samples))


def loudness_lufs(recording: Recording) -> float | None:
    """None for less than 0.4 s, and for silence."""
    if recording.duration_s < 0.4:
        return None
    meter = pyloudnorm.Meter(recording.rate_hz)
    with warnings.catch_warnings(), np.errstate(divide="ignore"):
        warnings.simplefilter("ignore")
        value = float(meter.integrated_loudness(recording.samples.astype(np.float64) / 32_768))
    return round(value, 1) if np.isfinite(value) else None


def peak_dbfs(samples: npt.NDArray[np.int16]) -> float:
    peak = int(np.abs(samples.astype(np.int32)).max(initial=0))
    return round(20 * float(np.log10(max(peak, 1) / 32_768)), 1)


def bandwidth_hz(recording: Recording, speech: Mask) -> int:
    """Highest band of 250 Hz within 52 dB of the strongest one, in the long-term spectrum.

    ``speech`` says of each frame of 512 samples at 16 kHz whether somebody speaks.
    """
    size = 1024
    frames = len(recording.samples) // size
    if not frames or not speech.any():
        return 0
    places = (np.arange(frames) + 0.5) * size / recording.rate_hz * SAMPLE_RATE_HZ
    chosen = speech[np.minimum((places / FRAME_SAMPLES).astype(int), len(speech) - 1)]
    cut = recording.samples[: frames * size].reshape(frames, size)[chosen]
    if not len(cut):
        return 0
    window = np.hanning(size)
    power = np.zeros(size // 2 + 1)
    for begin in range(0, len(cut), 256):
        block = np.fft.rfft(cut[begin : begin + 256] * window, axis=1)
        power += np.sum(np.abs(block) ** 2, axis=0)
    frequencies = np.fft.rfftfreq(size, 1 / recording.rate_hz)
    bands = (frequencies // _BAND_HZ).astype(int)
    levels = np.bincount(bands, power) / np.bincount(bands)
    heard = np.flatnonzero(levels >= levels.max() * 10 ** (-_BAND_DROP_DB / 10))
    return int(min((heard[-1] + 1) * _BAND_HZ, recording.rate_hz // 2))


def pitch_hz(pcm: Pcm, speech: Mask) -> tuple[float, float, float] | None:
    """Median, 5th and 95th percentile of F0 in voiced speech; WORLD's DIO and StoneMask.

    DIO (Morise et al., 2009) takes a thirtieth of what Harvest takes and a ninth of pYIN, and
    gives Harvest's median on real speech (``pipeline.benchmarks.samples``).
    """
    samples = pcm.astype(np.float64) / 32_768
    rough, times = pyworld.dio(
        samples,
        SAMPLE_RATE_HZ,
        f0_floor=_PITCH_FLOOR_HZ,
        f0_ceil=_PITCH_CEILING_HZ,
        frame_period=10.0,
    )
    exact = pyworld.stonemask(samples, rough, times, SAMPLE_RATE_HZ)
    frames = np.minimum((times * SAMPLE_RATE_HZ / FRAME_SAMPLES).astype(int), len(speech) - 1)
    voiced = exact[(exact > 0) & speech[frames]]
    if len(voiced) < 20:
        return None
    low, median, high = np.percentile(voiced, (5, 50, 95))
    return round(float(median), 1), round(float(low), 1), round(float(high), 1)
