"""What is known of a voice: the sums that an online clustering keeps of its prints."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

import numpy as np
import numpy.typing as npt

from pipeline.bounds import SPEAKERS_KNOWN_MAX, VOICEPRINTS_MAX
from pipeline.types import Embedding


@dataclass(frozen=True, slots=True)
class RegistryConfig:
    """Similarities are cosines; they were measured on Resemblyzer's voiceprints."""

    usable_s: float = 1.5
    """Shorter segments never open a speaker alone and hold to whoever spoke last."""
    same_at: tuple[tuple[float, float], ...] = ((1.5, 0.65), (4.0, 0.69), (10.0, 0.72))
    """Points (speech known of a speaker in s, similarity from which a segment is theirs).

    A voiceprint of little speech is further from everything, its own speaker included.
    """
    doubt: float = 0.05
    """So far below ``same_at`` a segment is given to the nearest, but not learned from."""
    agree_at: float = 0.72
    """Two doubtful or short segments this similar are a speaker of their own."""
    ally_margin: float = 0.1
    """So much more alike than to the best known speaker, two such segments leave them."""
    agree_within_s: float = 60.0
    switch_margin: float = 0.08
    """A short segment leaves the last speaker only for one that is nearer by this much."""
    stay_bonus: float = 0.02
    """Advantage of the last speaker between two that both match."""
    stay_within_s: float = 10.0
    merge_at: float = 0.86
    """A speaker heard less than ``settled_s`` is folded into one this similar."""
    settled_s: float = 8.0
    modes_max: int = 4
    speakers_max: int = SPEAKERS_KNOWN_MAX
    memory: int = VOICEPRINTS_MAX
    """Segments that ``assign`` can still correct."""
    memory_s: float = 120.0
    """Speech that a centroid remembers: a voice drifts with the channel and the mood."""


@dataclass(slots=True)
class Mode:
    """One way a speaker sounds: a sum of voiceprints weighted by their durations."""

    total: npt.NDArray[np.float64]
    known_s: float

    def similarity(self, embedding: npt.NDArray[Any]) -> float:
        norm = float(np.linalg.norm(self.total)) * float(np.linalg.norm(embedding))
        return float(self.total @ embedding) / norm if norm > 0 else 0.0

    def learn(self, embedding: Embedding, duration_s: float, memory_s: float) -> None:
        self.total = self.total + embedding.astype(np.float64) * duration_s
        self.known_s += duration_s
        if self.known_s > memory_s:
            self.total *= memory_s / self.known_s
            self.known_s = memory_s


@dataclass(slots=True)
class Speaker:
    id: str
    modes: list[Mode]
    pinned: bool = False
    """A person had a hand in it: never folded into another automatically."""

    @property
    def known_s(self) -> float:
        return sum(mode.known_s for mode in self.modes)


@dataclass(slots=True)
class Segment:
    at_s: float
    duration_s: float
    embedding: Embedding
    speaker: str | None = None
    mode: Mode | None = None
    """What has learned the segment, if anything has."""


@dataclass(frozen=True, slots=True)
class Candidate:
    similarity: float
    speaker: Speaker
    mode: Mode


def cosine(a: Embedding, b: Embedding) -> float:
    norm = float(np.linalg.norm(a)) * float(np.linalg.norm(b))
    return float(a @ b) / norm if norm > 0 else 0.0
