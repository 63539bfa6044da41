"""Cuts a file into stretches that are worked on apart, each at a silence. Pure.

Fed with blocks of audio and the probabilities of speech in their frames; holds one stretch.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np

from pipeline.types import SAMPLE_RATE_HZ, Pcm


@dataclass(frozen=True, slots=True)
class CutConfig:
    frame_samples: int = 512
    wanted_s: float = 24.0
    """From here on the next good silence ends a stretch."""
    longest_s: float = 60.0
    """Here it ends whatever is heard, at the quietest moment of its second half."""
    silence_s: float = 0.4
    """What counts as a good silence: it is cut in its middle."""
    speech: float = 0.35
    """Probability from which a frame counts as speech."""


@dataclass(frozen=True, slots=True)
class Stretch:
    """``pcm`` from ``start`` on, in samples on the media clock. Stretches are contiguous."""

    number: int
    start: int
    pcm: Pcm
    has_speech: bool
    probabilities: tuple[float, ...] = ()
    """Of speech in each of its frames, the last of which may be cut short."""

    @property
    def end(self) -> int:
        return self.start + len(self.pcm)


class Cutter:
    """``push`` in order, then ``flush``; every sample comes out exactly once."""

    def __init__(self, config: CutConfig | None = None) -> None:
        self._config = config or CutConfig()
        self._audio: list[Pcm] = []
        self._samples = 0
        self._start = 0
        self._number = 0
        self._probabilities: list[float] = []

    def push(self, pcm: Pcm, probabilities: Sequence[float]) -> list[Stretch]:
        """``probabilities``: of the frames completed by ``pcm``, in order."""
        self._audio.append(pcm)
        self._samples += len(pcm)
        found: list[Stretch] = []
        for probability in probabilities:
            self._probabilities.append(probability)
            if (cut := self._cut_at()) is not None:
                found.append(self._take(cut))
        return found

    def flush(self) -> list[Stretch]:
        """The rest; nothing when there is none."""
        return [self._take(self._samples)] if self._samples else []

    def _cut_at(self) -> int | None:
        """The sample, counted from the stretch's first, at which it ends now."""
        config, frames = self._config, len(self._probabilities)
        length_s = frames * config.frame_samples / SAMPLE_RATE_HZ
        if length_s < config.wanted_s:
            return None
        silent = round(config.silence_s * SAMPLE_RATE_HZ / config.frame_samples)
        if all(one < config.speech for one in self._probabilities[-silent:]):
            return (frames - silent // 2) * config.frame_samples
        if length_s < config.longest_s:
            return None
        half = frames // 2
        width = 3
        smooth = np.convolve(self._probabilities[half:], np.ones(width) / width, mode="valid")
        return (half + int(np.argmin(smooth)) + width // 2) * config.frame_samples

    def _take(self, samples: int) -> Stretch:
        joined = np.concatenate(self._audio)
        frames = samples // self._config.frame_samples
        heard = self._probabilities[:frames] if samples < self._samples else self._probabilities
        stretch = Stretch(
            self._number,
            self._start,
            joined[:samples],
            any(one >= self._config.speech for one in heard),
            tuple(heard),
        )
        self._audio = [joined[samples:]]
        self._probabilities = self._probabilities[frames:]
        self._samples -= samples
        self._start += samples
        self._number += 1
        return stretch
