"""How a clause was said: level, pitch, its movement, rate, pauses, and how unusual that is.

Pure measurement: no I/O, no clock. F0 comes from WORLD's DIO (Morise et al. 2009) on a
coarse grid, which is enough for a median and a spread and costs about 2 ms a second. Its octave
errors are taken out by the spread's own definition, and by looking at loud frames alone.
"""

from __future__ import annotations

from dataclasses import dataclass, replace

import numpy as np
import numpy.typing as npt

from pipeline.runtime.world import pyworld
from pipeline.types import NEUTRAL_STYLE, SAMPLE_RATE_HZ, Pcm, Register, Style

Floats = npt.NDArray[np.float64]

LOW_BELOW_HZ = 140.0
HIGH_ABOVE_HZ = 185.0

ENERGY_LIMIT_DB = 6.0
PITCH_LIMIT_SEMITONES = 4.0
RANGE_LIMITS = (0.6, 1.6)
RATE_LIMITS = (0.8, 1.25)
PAUSES_LIMIT = 0.3
HALF_WEIGHT_WORDS = 3.0
"""A clause of so many words is believed half: short ones measure badly."""
FULL_MEMORY_S = 60.0
"""The running averages follow about the last minute of a speaker's speech."""

_FRAME_MS = 10.0
_FRAME = round(SAMPLE_RATE_HZ * _FRAME_MS / 1000)
_F0_MIN_HZ, _F0_MAX_HZ = 60.0, 500.0
_DIO_SPEED = 4
_VOICED_FRAMES_MIN = 10
_MAX_S = 15.0
_LOUD_DB = 20.0
"""Voiced frames within this of the loud ones tell the spread: at the ends of words the tracker
errs most."""
_PAUSE_FRAMES_MIN = 20
"""A gap of 0.2 s; stops and fricatives are shorter."""
_PAUSE_BELOW_DB = 25.0
_DECILES_OF_NORMAL = 2.563
"""Standard deviations between the 10th and the 90th percentile."""
_SLOWEST_WORDS_PER_S = 0.1
"""Slower is no rate but a clause whose words were not counted."""


@dataclass(frozen=True, slots=True)
class Prosody:
    """One clause measured. Pitch fields are 0 where no voice was heard."""

    level_db: float
    """RMS of the voiced frames (of all, if none is), dB of full scale."""
    pitch_hz: float
    """Median F0."""
    pitch_spread: float
    """Spread of log F0, semitones: see ``robust_spread``."""
    words_per_s: float
    duration_s: float
    words: int
    pause_share: float = 0.0
    """Share of the time between the first and the last sound that was silent, 0 to 1."""


def register_of(pitch_hz: float) -> Register:
    """Register of a voice by its median F0; unknown pitch (0) counts as mid."""
    if pitch_hz <= 0 or LOW_BELOW_HZ <= pitch_hz <= HIGH_ABOVE_HZ:
        return "mid"
    return "low" if pitch_hz < LOW_BELOW_HZ else "high"


def measure(pcm: Pcm, word_count: int) -> Prosody:
    """Prosody of ``pcm`` (16 kHz, one speaker); only its first 15 s are looked at."""
    heard = pcm[: round(_MAX_S * SAMPLE_RATE_HZ)]
    samples = np.ascontiguousarray(heard, np.float64) / 32_768.0
    duration_s = len(pcm) / SAMPLE_RATE_HZ
    f0 = _track(samples)
    power = _frame_power(samples, len(f0))
    voiced = f0 > 0
    audible = power[voiced] if voiced.any() else power
    level = 10 * np.log10(max(float(audible.mean()) if len(audible) else 0.0, 1e-12))
    pitch_hz = pitch_spread = 0.0
    if voiced.sum() >= _VOICED_FRAMES_MIN:
        pitch_hz = float(np.median(f0[voiced]))
        floor = np.percentile(audible, 90) * 10 ** (-_LOUD_DB / 10)
        pitch_spread = robust_spread(12 * np.log2(f0[voiced & (power > floor)]))
    return Prosody(
        level_db=float(level),
        pitch_hz=pitch_hz,
        pitch_spread=pitch_spread,
        words_per_s=word_count / duration_s if duration_s > 0 else 0.0,
        duration_s=duration_s,
        words=word_count,
        pause_share=_pause_share(power, level),
    )


def robust_spread(values: Floats) -> float:
    """What the standard deviation of normally distributed ``values`` would be, by the distance
    between their 10th and 90th percentiles. The tenth at either end may be wrong altogether, as
    a pitch tracker's octave errors are, and counts no more for that; 0 without values."""
    if not len(values):
        return 0.0
    low, high = np.percentile(values, (10, 90))
    return float(high - low) / _DECILES_OF_NORMAL


def voiced_share(pcm: Pcm) -> float:
    """Share of ``pcm`` (16 kHz) in which a voice has a pitch, 0 to 1: about half of clean
    speech, next to nothing of noise. Only its first 15 s are looked at."""
    heard = pcm[: round(_MAX_S * SAMPLE_RATE_HZ)]
    f0 = _track(np.ascontiguousarray(heard, np.float64) / 32_768.0)
    return float(np.mean(f0 > 0)) if len(f0) else 0.0


def arousal_of(style: Style) -> float:
    """Coarse arousal of a clause, -1 to 1, 0 when it was said as usual.

    Louder, higher, livelier and faster speech with fewer pauses raises it: what listeners
    judge activation by (Scherer 2003, "Vocal communication of emotion"). Each part counts
    by its share of its own limit; level and pitch, which are measured best, count most.
    """
    return _limit(
        0.3 * style.energy_db / ENERGY_LIMIT_DB
        + 0.3 * style.pitch_semitones / PITCH_LIMIT_SEMITONES
        + 0.15 * float(np.log(style.pitch_range) / np.log(RANGE_LIMITS[1]))
        + 0.15 * float(np.log(style.rate) / np.log(RATE_LIMITS[1]))
        - 0.1 * style.pauses / PAUSES_LIMIT,
        -1.0,
        1.0,
    )


class SpeakerProsody:
    """How one speaker usually speaks: running averages weighted by duration."""

    def __init__(
        self,
        weight_s: float = 0.0,
        level_db: float = 0.0,
        semitones: float = 0.0,
        spread: float = 0.0,
        words_per_s: float = 0.0,
        pitch_weight_s: float = 0.0,
        pause_share: float = 0.0,
    ) -> None:
        self._weight_s = weight_s
        self._level_db = level_db
        self._semitones = semitones
        self._spread = spread
        self._words_per_s = words_per_s
        self._pitch_weight_s = pitch_weight_s
        self._pause_share = pause_share

    @property
    def pitch_hz(self) -> float:
        """Usual median F0; 0 while unknown."""
        return float(2 ** (self._semitones / 12)) if self._pitch_weight_s else 0.0

    def export(self) -> tuple[float, ...]:
        """The averages, for ``SpeakerProsody(*averages)`` elsewhere."""
        return (
            self._weight_s,
            self._level_db,
            self._semitones,
            self._spread,
            self._words_per_s,
            self._pitch_weight_s,
            self._pause_share,
        )

    def style_of(self, clause: Prosody) -> Style:
        """How ``clause`` differs from what the speaker did before; then learn from it.

        Neutral for a speaker's first clause. Differences are shrunk for short clauses
        and kept within limits that still sound natural.
        """
        style = self._compare(clause)
        self._learn(clause)
        return style

    def _compare(self, clause: Prosody) -> Style:
        if not self._weight_s or clause.duration_s <= 0:
            return NEUTRAL_STYLE
        belief = clause.words / (clause.words + HALF_WEIGHT_WORDS)
        semitones = pitch_range = 0.0
        if self._pitch_weight_s and clause.pitch_hz > 0:
            semitones = _semitones(clause.pitch_hz) - self._semitones
            pitch_range = np.log((clause.pitch_spread + 0.3) / (self._spread + 0.3))
        rate = 0.0
        if min(clause.words_per_s, self._words_per_s) > _SLOWEST_WORDS_PER_S:
            rate = np.log(clause.words_per_s / self._words_per_s)
        style = Style(
            energy_db=_limit(
                belief * (clause.level_db - self._level_db), -ENERGY_LIMIT_DB, ENERGY_LIMIT_DB
            ),
            pitch_semitones=_limit(
                belief * semitones, -PITCH_LIMIT_SEMITONES, PITCH_LIMIT_SEMITONES
            ),
            pitch_range=_limit(float(np.exp(belief * pitch_range)), *RANGE_LIMITS),
            rate=_limit(float(np.exp(belief * rate)), *RATE_LIMITS),
            pauses=_limit(
                belief * (clause.pause_share - self._pause_share), -PAUSES_LIMIT, PAUSES_LIMIT
            ),
        )
        return replace(style, arousal=arousal_of(style))

    def _learn(self, clause: Prosody) -> None:
        if clause.duration_s <= 0:
            return
        self._weight_s = min(self._weight_s + clause.duration_s, FULL_MEMORY_S)
        share = clause.duration_s / max(self._weight_s, clause.duration_s)
        self._level_db += share * (clause.level_db - self._level_db)
        self._words_per_s += share * (clause.words_per_s - self._words_per_s)
        self._pause_share += share * (clause.pause_share - self._pause_share)
        if clause.pitch_hz <= 0:
            return
        self._pitch_weight_s = min(self._pitch_weight_s + clause.duration_s, FULL_MEMORY_S)
        share = clause.duration_s / max(self._pitch_weight_s, clause.duration_s)
        self._semitones += share * (_semitones(clause.pitch_hz) - self._semitones)
        self._spread += share * (clause.pitch_spread - self._spread)


def _track(samples: Floats) -> Floats:
    if len(samples) < _FRAME * 2:
        return np.zeros(0)
    f0, _ = pyworld.dio(
        samples,
        SAMPLE_RATE_HZ,
        f0_floor=_F0_MIN_HZ,
        f0_ceil=_F0_MAX_HZ,
        frame_period=_FRAME_MS,
        speed=_DIO_SPEED,
    )
    return np.asarray(f0)


def _frame_power(samples: Floats, frames: int) -> Floats:
    """Mean square around each F0 frame; of everything at once where there are none."""
    if not frames:
        return np.asarray([np.mean(samples**2)]) if len(samples) else np.zeros(0)
    padded = np.pad(samples, (_FRAME // 2, _FRAME * frames))[: _FRAME * frames]
    return np.asarray(np.mean(padded.reshape(frames, _FRAME) ** 2, axis=1))


def _pause_share(power: Floats, level_db: float) -> float:
    """Of the frames between the first and the last audible one, how many are in pauses."""
    audible = np.flatnonzero(power > 10 ** ((level_db - _PAUSE_BELOW_DB) / 10))
    if len(audible) < 2:
        return 0.0
    gaps = np.diff(audible) - 1
    return float(gaps[gaps >= _PAUSE_FRAMES_MIN].sum() / (audible[-1] - audible[0] + 1))


def _semitones(pitch_hz: float) -> float:
    """Semitones above 1 Hz."""
    return float(12 * np.log2(pitch_hz))


def _limit(value: float, low: float, high: float) -> float:
    return float(min(max(value, low), high))
