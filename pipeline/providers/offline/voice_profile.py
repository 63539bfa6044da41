"""What shaping has to know about a person's voice, learned from seconds of speech.

Analysis by WORLD (Morise et al. 2016, doi:10.1587/transinf.2015EDP7457): F0 by DIO and
StoneMask, spectral envelope by CheapTrick, aperiodicity by D4C, all at 16 kHz and 5 ms.
"""

from __future__ import annotations

from dataclasses import dataclass
from functools import cached_property

import msgspec
import numpy as np
import numpy.typing as npt

from pipeline.ports import EngineError
from pipeline.runtime.world import pyworld
from pipeline.types import SAMPLE_RATE_HZ, Pcm

Floats = npt.NDArray[np.float64]

FRAME_S = 0.005
HOP = round(FRAME_S * SAMPLE_RATE_HZ)
DIMENSIONS = 40
"""Coefficients that an envelope is coded with; the first is its level."""
KEY_DIMENSIONS = slice(1, 21)
"""What frames are compared on: the envelope's shape without level and finest detail."""
LOUD_DB = 20.0
"""Frames within this of the loud ones count as speech."""

MIN_SPEECH_S = 1.5
"""Of frames that hold speech, pauses not counted."""
MAX_SPEECH_S = 8.0
"""More does not bring the voice closer and costs analysis time."""
MIN_VOICED_SHARE = 0.1
F0_SPREAD_MAX = 0.28
"""Of log F0: wider measured spreads are octave errors, not intonation."""

_VERSION = 1
_APERIODICITY_STEP = 4


@dataclass(frozen=True, eq=False)
class VoiceProfile:
    """A person's voice: pitch, envelopes to choose from, breathiness."""

    log_f0_mean: float
    log_f0_spread: float
    aperiodicity_db: float
    """Mean band aperiodicity of voiced frames, dB."""
    frames: npt.NDArray[np.float32]
    """Coded envelopes of speech frames with their neighbours, shape (frames, 3, 40)."""

    @property
    def pitch_hz(self) -> float:
        return float(np.exp(self.log_f0_mean))

    @cached_property
    def mean(self) -> Floats:
        return np.asarray(self.frames[:, 1].mean(axis=0), np.float64)

    @cached_property
    def spread(self) -> Floats:
        return np.asarray(self.frames[:, 1].std(axis=0), np.float64) + 0.02

    @cached_property
    def keys(self) -> Floats:
        """Normalised envelope shapes over three frames, shape (frames, 60)."""
        shapes = ((self.frames - self.mean) / self.spread)[:, :, KEY_DIMENSIONS]
        return np.ascontiguousarray(shapes.reshape(len(shapes), -1), np.float64)

    def to_bytes(self) -> bytes:
        return msgspec.msgpack.encode(
            _Stored(
                version=_VERSION,
                log_f0_mean=self.log_f0_mean,
                log_f0_spread=self.log_f0_spread,
                aperiodicity_db=self.aperiodicity_db,
                frames=self.frames.astype("<f2").tobytes(),
            )
        )

    @classmethod
    def from_bytes(cls, stored: bytes) -> VoiceProfile:
        """Raises ValueError when ``stored`` is not a profile of this version."""
        try:
            fields = msgspec.msgpack.decode(stored, type=_Stored)
        except msgspec.DecodeError as error:
            raise ValueError("these bytes are not a voice profile") from error
        if fields.version != _VERSION:
            raise ValueError(f"voice profile of version {fields.version}, expected {_VERSION}")
        frame_bytes = 3 * DIMENSIONS * 2
        if not fields.frames or len(fields.frames) % frame_bytes:
            raise ValueError("this voice profile is damaged")
        frames = np.frombuffer(fields.frames, "<f2").reshape(-1, 3, DIMENSIONS)
        if not np.isfinite(frames).all():
            raise ValueError("this voice profile is damaged")
        return cls(
            log_f0_mean=fields.log_f0_mean,
            log_f0_spread=fields.log_f0_spread,
            aperiodicity_db=fields.aperiodicity_db,
            frames=frames.astype(np.float32),
        )


class _Stored(msgspec.Struct, frozen=True, kw_only=True):
    version: int
    log_f0_mean: float
    log_f0_spread: float
    aperiodicity_db: float
    frames: bytes
    """Little-endian half floats in the order (frame, neighbour, coefficient)."""


def build_profile(pcm: Pcm) -> VoiceProfile:
    """Learn a voice from ``pcm``: 3 to 6 s of one person's clean speech at 16 kHz.

    Raises EngineError("speech_unusable") saying what is wrong with the sample.
    """
    if len(pcm) < MIN_SPEECH_S * SAMPLE_RATE_HZ:
        raise unusable("it is too short; give three to six seconds")
    samples = waveform(pcm[: round(MAX_SPEECH_S * SAMPLE_RATE_HZ)])
    if np.mean(np.abs(samples) > 0.99) > 0.01:
        raise unusable("it is overdriven")
    f0, times = track_f0(samples)
    envelope = pyworld.cheaptrick(samples, f0, times, SAMPLE_RATE_HZ, fft_size=1024)
    loud = loud_frames(envelope.mean(axis=1))
    voiced = loud & (f0 > 0)
    if loud.sum() * FRAME_S < MIN_SPEECH_S:
        raise unusable("it holds too little speech")
    if voiced.sum() < MIN_VOICED_SHARE * loud.sum():
        raise unusable("no clear voice is heard in it")
    coded = pyworld.code_spectral_envelope(envelope, SAMPLE_RATE_HZ, DIMENSIONS)
    log_f0 = np.log(f0[voiced])
    sparse = np.flatnonzero(voiced)[::_APERIODICITY_STEP]
    return VoiceProfile(
        log_f0_mean=float(np.median(log_f0)),
        log_f0_spread=min(float(np.std(log_f0)), F0_SPREAD_MAX),
        aperiodicity_db=float(band_aperiodicity(samples, f0[sparse], times[sparse]).mean()),
        frames=with_neighbours(coded)[loud].astype(np.float32),
    )


def waveform(pcm: Pcm) -> Floats:
    return np.ascontiguousarray(pcm, np.float64) / 32_768.0


def track_f0(samples: Floats) -> tuple[Floats, Floats]:
    """F0 in Hz (0 where unvoiced) and times in s of every 5 ms frame."""
    coarse, times = pyworld.dio(samples, SAMPLE_RATE_HZ, frame_period=FRAME_S * 1000, speed=4)
    return pyworld.stonemask(samples, coarse, times, SAMPLE_RATE_HZ), times


def band_aperiodicity(samples: Floats, f0: Floats, times: Floats) -> Floats:
    """Coded aperiodicity, dB, shape (frames, bands); one band at 16 kHz."""
    full = pyworld.d4c(
        samples,
        np.ascontiguousarray(f0),
        np.ascontiguousarray(times),
        SAMPLE_RATE_HZ,
        fft_size=512,
    )
    coded: Floats = pyworld.code_aperiodicity(full, SAMPLE_RATE_HZ)
    return coded


def loud_frames(power: Floats) -> npt.NDArray[np.bool_]:
    reference = np.percentile(power, 95)
    loud: npt.NDArray[np.bool_] = power > max(reference * 10 ** (-LOUD_DB / 10), 1e-12)
    return loud


def with_neighbours(coded: Floats) -> Floats:
    """Each frame between the one before and the one after it, shape (frames, 3, 40)."""
    padded = np.concatenate([coded[:1], coded, coded[-1:]])
    return np.stack([padded[:-2], padded[1:-1], padded[2:]], axis=1)


def unusable(reason: str) -> EngineError:
    return EngineError("speech_unusable", f"This speech cannot be used to shape a voice: {reason}.")
