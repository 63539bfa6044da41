"""Voice shaping without neural weights: synthetic speech takes on a person's voice.

The pitch is moved to the person's, and every spectral envelope is drawn towards the
mean of those of the person's own frames that resemble it most (frame selection, after
Sündermann et al. 2006, "Text-independent voice conversion based on unit selection"),
smoothed in time, with its variance restored. WORLD analyses and resynthesises.

Shaping streams: block after block is shaped with some context on either side and
joined to the one before at the lag where both waveforms agree best.
"""

from __future__ import annotations

import dataclasses
import hashlib
from collections.abc import Iterator
from dataclasses import dataclass
from weakref import WeakValueDictionary

import numpy as np
import numpy.typing as npt

from pipeline.providers.offline.joining import BlockJoiner
from pipeline.providers.offline.voice_profile import (
    DIMENSIONS,
    FRAME_S,
    HOP,
    KEY_DIMENSIONS,
    MAX_SPEECH_S,
    Floats,
    VoiceProfile,
    band_aperiodicity,
    build_profile,
    loud_frames,
    track_f0,
    unusable,
    waveform,
    with_neighbours,
)
from pipeline.runtime.beside import beside
from pipeline.runtime.world import pyworld
from pipeline.sound.prosody import robust_spread
from pipeline.types import NEUTRAL_STYLE, SAMPLE_RATE_HZ, Pcm, Style, Voice, VoiceTuning
from pipeline.voices.delivery import Delivery, delivery_of

FIRST_BLOCK_FRAMES = 60
LATER_BLOCK_FRAMES = 200
CONTEXT_FRAMES = 8
"""Shaped on either side of a block and thrown away: covers smoothing and pulse tails."""
SHORTEST_S = 0.1
WHOLE_UP_TO_S = 30.0
"""Every frame's envelope is held at once, 0.8 MB a second."""
NEIGHBOURS = 8
SMOOTHING_FRAMES = 5
VARIANCE_GAIN_MAX = 1.5
F0_LIMITS_HZ = (60.0, 500.0)
_FFT = 512
_SAMPLES = 48
"""So many times three neighbouring frames are looked at for the clip's statistics."""
_LOW_PITCH_HZ = 130.0
"""Voices below it need the longer analysis window of 1024 samples."""


DEFAULT_STRENGTH = 0.85


@dataclass(frozen=True, slots=True)
class Shaping:
    """How far a voice is bent: 0 leaves the stock voice, 1 keeps nothing of it."""

    strength: float = DEFAULT_STRENGTH
    expression: float = 1.0
    """Ratio of the dub's pitch movement to the person's usual one."""

    @classmethod
    def from_settings(cls, *, stability: float, clarity: float) -> Shaping:
        """From VOICE_STABILITY and VOICE_CLARITY, each 0 to 1.

        The defaults 0.5 and 0.75 give the defaults here. More clarity means less
        strength, for that is what costs intelligibility; more stability means less
        pitch movement.
        """
        strength = DEFAULT_STRENGTH + (0.75 - clarity) * 0.8
        return cls(
            strength=float(np.clip(strength, 0.0, 1.0)),
            expression=_expression(stability),
        )

    def tuned(self, tuning: VoiceTuning) -> Shaping:
        """As one voice is to be spoken with, where that was found out for it."""
        stability = tuning.stability
        return Shaping(
            strength=self.strength if tuning.similarity is None else tuning.similarity,
            expression=self.expression if stability is None else _expression(stability),
        )


def _expression(stability: float) -> float:
    return float(np.clip(1.5 - stability, 0.5, 1.5))


DEFAULT_SHAPING = Shaping()


def shape_blocks(
    pcm: Pcm,
    profile: VoiceProfile,
    *,
    style: Style = NEUTRAL_STYLE,
    shaping: Shaping = DEFAULT_SHAPING,
    block_frames: tuple[int, int] = (FIRST_BLOCK_FRAMES, LATER_BLOCK_FRAMES),
    whole: bool = False,
) -> Iterator[Pcm]:
    """``pcm`` (16 kHz) in the profile's voice, block by block, as long as it was in all.

    ``block_frames`` are the lengths of the first and of later blocks in 5 ms frames; ``whole``
    makes one of it, up to ``WHOLE_UP_TO_S``, for a fifth less work.
    Blocking: about 0.1 s of work for a second of sound.
    """
    if len(pcm) < SHORTEST_S * SAMPLE_RATE_HZ or not pcm.any():
        # Too little to compare with anything.
        yield pcm
        return
    whole = whole and len(pcm) <= WHOLE_UP_TO_S * SAMPLE_RATE_HZ
    clip = _Clip(pcm, profile, style, shaping, whole=whole)
    if whole:
        block_frames = (clip.frames, clip.frames)
    joiner = BlockJoiner(total=len(pcm))
    start = 0
    for end in _block_ends(clip.power, *block_frames):
        block = clip.shape(max(0, start - CONTEXT_FRAMES), end + CONTEXT_FRAMES)
        offset = (start - max(0, start - CONTEXT_FRAMES)) * HOP
        last = end >= clip.frames
        yield joiner.push(block, offset=offset, samples=(end - start) * HOP, last=last)
        start = end


class _Clip:
    """One clip being shaped: what has to be known of the whole before its first block."""

    def __init__(
        self, pcm: Pcm, profile: VoiceProfile, style: Style, shaping: Shaping, *, whole: bool
    ) -> None:
        self._samples = waveform(pcm)
        self._profile = profile
        self._strength = shaping.strength
        self._f0, self._times = track_f0(self._samples)
        self.frames = len(self._f0)
        self.power = _frame_power(self._samples, self.frames)
        voiced = self._f0 > 0
        low = bool(voiced.any()) and float(np.median(self._f0[voiced])) < _LOW_PITCH_HZ
        self._fft = 1024 if low else 512
        self._envelopes = self._analysed(np.arange(self.frames)) if whole else None
        self._target_f0 = _map_f0(self._f0, profile, delivery_of(style), shaping.expression)
        self._measure()

    def _measure(self) -> None:
        """Mean and spread of the clip's envelopes, from a sample of its frames."""
        centres = np.unique(np.linspace(1, max(1, self.frames - 2), _SAMPLES).astype(int))
        trios = np.clip(centres[:, None] + np.array([-1, 0, 1]), 0, self.frames - 1)
        envelope = self._envelope(trios.ravel())
        coded = self._code(envelope).reshape(-1, 3, DIMENSIONS)
        loud = loud_frames(envelope.mean(axis=1).reshape(-1, 3)[:, 1])
        voiced = loud & (self._f0[centres] > 0)
        self._mean = coded[loud, 1].mean(axis=0)
        self._spread = np.maximum(coded[loud, 1].std(axis=0), 0.02)
        mapped = self._select(coded)[loud]
        # Averaging neighbours flattens the envelope's movement; this gives it back.
        self._centre = mapped.mean(axis=0)
        wanted = self._strength * self._profile.spread + (1 - self._strength) * self._spread
        gain = wanted / (mapped.std(axis=0) + 1e-6)
        self._variance_gain = np.clip(gain, 1.0, VARIANCE_GAIN_MAX)
        self._breath_db = 0.0
        if voiced.any():
            at = centres[voiced][::2]
            own = band_aperiodicity(self._samples, self._f0[at], self._times[at]).mean()
            self._breath_db = float(np.clip(self._profile.aperiodicity_db - own, -10, 10))

    def shape(self, start: int, end: int) -> Floats:
        """The frames from ``start`` up to ``end``, resynthesised."""
        at = np.arange(start, min(end, self.frames))
        envelope = self._envelope(at)
        coded = self._code(envelope)
        mapped = _smooth(self._select(with_neighbours(coded)))
        mapped = self._centre + (mapped - self._centre) * self._variance_gain
        # The loudness contour stays the clip's own.
        shaped = pyworld.decode_spectral_envelope(
            np.ascontiguousarray(mapped), SAMPLE_RATE_HZ, _FFT
        )
        level = envelope.mean(axis=1) / np.maximum(shaped.mean(axis=1), 1e-16)
        shaped *= level[:, None]
        f0 = np.ascontiguousarray(self._target_f0[at])
        aperiodicity = self._aperiodicity(at)
        made: Floats = pyworld.synthesize(f0, shaped, aperiodicity, SAMPLE_RATE_HZ, FRAME_S * 1000)
        return made

    def _envelope(self, at: npt.NDArray[np.int_]) -> Floats:
        return self._analysed(at) if self._envelopes is None else self._envelopes[at]

    def _analysed(self, at: npt.NDArray[np.int_]) -> Floats:
        envelope: Floats = pyworld.cheaptrick(
            self._samples,
            np.ascontiguousarray(self._f0[at]),
            np.ascontiguousarray(self._times[at]),
            SAMPLE_RATE_HZ,
            fft_size=self._fft,
        )
        return envelope

    @staticmethod
    def _code(envelope: Floats) -> Floats:
        coded: Floats = pyworld.code_spectral_envelope(envelope, SAMPLE_RATE_HZ, DIMENSIONS)
        return coded

    def _aperiodicity(self, at: npt.NDArray[np.int_]) -> Floats:
        # D4C is the dearest step and changes slowly: every other frame is enough.
        sparse = at[::2]
        coded = band_aperiodicity(self._samples, self._f0[sparse], self._times[sparse])
        coded = np.repeat(coded, 2, axis=0)[: len(at)]
        shifted = np.minimum(coded + self._strength * self._breath_db, -1e-3)
        full: Floats = pyworld.decode_aperiodicity(
            np.ascontiguousarray(shifted), SAMPLE_RATE_HZ, _FFT
        )
        return full

    def _select(self, trios: Floats) -> Floats:
        """Frames (n, 3, 40) → frames (n, 40) drawn towards the person's nearest."""
        profile = self._profile
        normal = (trios - self._mean) / self._spread
        keys = normal[:, :, KEY_DIMENSIONS].reshape(len(trios), -1)
        # Squared distance but for the query's own norm, which does not change the order.
        distance = np.einsum("ij,ij->i", profile.keys, profile.keys) - 2 * keys @ profile.keys.T
        count = min(NEIGHBOURS, distance.shape[1])
        nearest = np.argpartition(distance, count - 1, axis=1)[:, :count]
        chosen = profile.frames[nearest, 1].mean(axis=1)
        kept = normal[:, 1] * profile.spread + profile.mean
        drawn: Floats = self._strength * chosen + (1 - self._strength) * (
            0.5 * trios[:, 1] + 0.5 * kept
        )
        return drawn


def _map_f0(f0: Floats, profile: VoiceProfile, delivery: Delivery, expression: float) -> Floats:
    voiced = f0 > 0
    if not voiced.any():
        return f0
    logs = np.log(f0[voiced])
    # By the standard deviation a few octave errors would flatten all the rest.
    score = np.clip((logs - np.median(logs)) / (robust_spread(logs) + 1e-3), -2.5, 2.5)
    movement = score * profile.log_f0_spread * expression * delivery.pitch_range
    shift = delivery.pitch_semitones * np.log(2) / 12
    mapped = np.zeros_like(f0)
    mapped[voiced] = np.clip(np.exp(profile.log_f0_mean + shift + movement), *F0_LIMITS_HZ)
    return mapped


def _smooth(coded: Floats) -> Floats:
    kernel = np.hanning(SMOOTHING_FRAMES + 2)[1:-1]
    half = SMOOTHING_FRAMES // 2
    padded = np.pad(coded, ((half, half), (0, 0)), mode="edge")
    windows = np.lib.stride_tricks.sliding_window_view(padded, SMOOTHING_FRAMES, axis=0)
    return np.asarray(windows @ (kernel / kernel.sum()))


def _frame_power(samples: Floats, frames: int) -> Floats:
    padded = np.pad(samples, (HOP // 2, frames * HOP))[: frames * HOP]
    return np.asarray(np.mean(padded.reshape(frames, HOP) ** 2, axis=1))


def _block_ends(power: Floats, first: int, later: int) -> Iterator[int]:
    """Ends of blocks of about the given lengths, each at the quietest frame near by."""
    frames, end, length = len(power), 0, first
    while frames - end > length * 1.5:
        low, high = end + round(length * 0.85), end + round(length * 1.15)
        end = low + int(np.argmin(power[low:high]))
        yield end
        length = later
    yield frames


class WorldCloner:
    """Port VoiceCloner: a stock voice plus the profile of the person heard."""

    needs_s = 3.0
    enough_s = 6.0
    needs_consent = False

    def __init__(self) -> None:
        self._in_use: WeakValueDictionary[bytes, VoiceProfile] = WeakValueDictionary()
        """By the digest of the speech they are made of: the stand-in for a vendor's voice is
        asked for again whenever that one is made of more speech."""

    async def clone(self, pcm: Pcm, base: Voice) -> Voice:
        """Raises EngineError("speech_unusable") when the sample cannot serve."""
        if len(pcm) < self.needs_s * SAMPLE_RATE_HZ:
            raise unusable("it is too short; at least three seconds are needed")
        used = pcm[: round(MAX_SPEECH_S * SAMPLE_RATE_HZ)]
        digest = hashlib.blake2b(used.tobytes(), digest_size=16).digest()
        if (profile := self._in_use.get(digest)) is None:
            profile = self._in_use[digest] = await beside(build_profile, used)
        return dataclasses.replace(base, profile=profile)

    def dump(self, voice: Voice) -> bytes | None:
        return voice.profile.to_bytes() if isinstance(voice.profile, VoiceProfile) else None

    def load(self, base: Voice, content: bytes) -> Voice | None:
        try:
            return dataclasses.replace(base, profile=VoiceProfile.from_bytes(content))
        except ValueError:
            return None

    async def forget(self, voice: Voice) -> None:
        """A profile takes nothing but memory, and goes with the voice."""

    async def aclose(self) -> None:
        pass
