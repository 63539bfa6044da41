"""Where an emulated recogniser takes speech to begin and to end: by loudness alone."""

from __future__ import annotations

from collections.abc import Iterator

import numpy as np

from pipeline.emulators.ears import Sound
from pipeline.types import SAMPLE_RATE_HZ, Pcm

FRAME = 320
_PRE_ROLL = 15 * FRAME
_NOTHING: Pcm = np.zeros(0, dtype=np.int16)


class Endpointer:
    """Cuts a stream of 16 kHz PCM into utterances.

    An utterance begins with a loud frame of 20 ms, has 0.3 s of pre-roll, and ends after
    ``pause_s`` without one, or, on and on as it may be, after ``longest_s``.
    """

    def __init__(self, *, pause_s: float, loud_rms: float, longest_s: float) -> None:
        self._pause = round(pause_s * SAMPLE_RATE_HZ)
        self._longest = round(longest_s * SAMPLE_RATE_HZ)
        self._loud = FRAME * loud_rms**2
        self._rest: Pcm = _NOTHING
        self._before: Pcm = _NOTHING
        self._heard = 0
        self._utterance = -1
        self._speaking = False
        self._began = self._speech_start = self._speech_end = 0

    @property
    def heard(self) -> int:
        """Samples looked at so far."""
        return self._heard

    @property
    def quiet(self) -> int:
        """Samples since the last loud frame, or since the start."""
        return self._heard - self._speech_end

    def push(self, pcm: Pcm) -> Iterator[Sound]:
        joined = np.concatenate([self._rest, pcm]) if len(self._rest) else pcm
        whole = len(joined) // FRAME * FRAME
        self._rest = joined[whole:]
        frames = joined[:whole].reshape(-1, FRAME)
        as_float = frames.astype(np.float32)
        loud = np.einsum("ij,ij->i", as_float, as_float) > self._loud
        gathered: list[Pcm] = []
        for frame, is_loud in zip(frames, loud.tolist(), strict=True):
            self._heard += FRAME
            if not self._speaking:
                if not is_loud:
                    self._before = np.concatenate([self._before, frame])[-_PRE_ROLL:]
                    continue
                self._begin()
                gathered = [self._before]
                self._before = _NOTHING
            gathered.append(frame)
            if is_loud:
                self._speech_end = self._heard
            too_long = self._heard - self._began >= self._longest
            if too_long or self._heard - self._speech_end >= self._pause:
                yield self._sound(gathered, ends=True)
                gathered = []
                self._speaking = False
        if self._speaking and gathered:
            yield self._sound(gathered)

    def finish(self) -> Iterator[Sound]:
        """The end of the utterance that is open, if one is."""
        if self._speaking:
            self._speaking = False
            yield self._sound([], ends=True)

    def _begin(self) -> None:
        self._speaking = True
        self._utterance += 1
        self._speech_start = self._heard - FRAME
        self._speech_end = self._heard
        self._began = self._speech_start - len(self._before)

    def _sound(self, gathered: list[Pcm], *, ends: bool = False) -> Sound:
        pcm = np.concatenate(gathered) if gathered else _NOTHING
        return Sound(
            self._utterance,
            self._heard - len(pcm),
            pcm,
            self._speech_start,
            self._speech_end,
            ends,
        )
