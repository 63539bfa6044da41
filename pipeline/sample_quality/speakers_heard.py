"""How many people speak in a recording, all of it being at hand.

Not the live registry: that has to decide at once, and here everything can be compared with
everything. Average linkage over cosine distances, as in most offline diarization.
"""

from __future__ import annotations

import itertools
from collections.abc import Callable, Sequence
from dataclasses import dataclass

import numpy as np
import numpy.typing as npt
from scipy.cluster.hierarchy import fcluster, linkage

from pipeline.bounds import SAMPLE_STRETCHES_MAX
from pipeline.sample_quality.measures import FRAME_SAMPLES, SPEECH_FROM
from pipeline.types import SAMPLE_RATE_HZ, Embedding, Pcm

APART_FROM = 0.375
"""Mean cosine distance from which two groups are two people. On the real recordings groups
of one person were at most 0.32 apart, those of two at least 0.43."""
PERSON_MIN_S = 2.0
PERSON_MIN_SHARE = 0.08
"""Less is a cough, a laugh or a bad stretch, not one more person."""
STRETCH_S = 2.0
_STRETCH_MIN_S = 1.0
_PAUSE_S = 0.2

Embed = Callable[[Pcm], Embedding]
"""Voiceprint of 16 kHz speech; raises ValueError where there is none to take."""


@dataclass(frozen=True, slots=True)
class Stretch:
    begin: int
    """First sample at 16 kHz."""
    end: int
    embedding: Embedding

    @property
    def duration_s(self) -> float:
        return (self.end - self.begin) / SAMPLE_RATE_HZ


def stretches(pcm: Pcm, speech: npt.NDArray[np.float64], embed: Embed) -> list[Stretch]:
    """Speech between pauses, cut into pieces of about two seconds, with their voiceprints."""
    found: list[Stretch] = []
    for begin, end in spoken(speech):
        pieces = max(1, round((end - begin) / SAMPLE_RATE_HZ / STRETCH_S))
        marks = np.linspace(begin, end, pieces + 1).astype(int)
        for left, right in itertools.pairwise(marks):
            if right - left < _STRETCH_MIN_S * SAMPLE_RATE_HZ or len(found) >= SAMPLE_STRETCHES_MAX:
                continue
            try:
                found.append(Stretch(int(left), int(right), embed(pcm[left:right])))
            except ValueError:
                continue
    return found


def spoken(speech: npt.NDArray[np.float64]) -> list[tuple[int, int]]:
    """(first sample, end) of speech whose pauses are short."""
    gap_max = round(_PAUSE_S * SAMPLE_RATE_HZ / FRAME_SAMPLES)
    found: list[list[int]] = []
    for frame in np.flatnonzero(speech > SPEECH_FROM):
        if found and frame - found[-1][1] <= gap_max:
            found[-1][1] = int(frame) + 1
        else:
            found.append([int(frame), int(frame) + 1])
    return [(begin * FRAME_SAMPLES, end * FRAME_SAMPLES) for begin, end in found]


def people(found: Sequence[Stretch]) -> list[list[Stretch]]:
    """Stretches by person, the one who speaks most first; moments of others left out."""
    if not found:
        return []
    if len(found) == 1:
        return [list(found)]
    distances = linkage(np.stack([one.embedding for one in found]), "average", metric="cosine")
    groups: dict[int, list[Stretch]] = {}
    labels = fcluster(distances, APART_FROM, "distance")
    for label, stretch in zip(labels, found, strict=True):
        groups.setdefault(int(label), []).append(stretch)
    by_length = sorted(groups.values(), key=lambda group: -seconds(group))
    total = seconds(found)
    enough = max(PERSON_MIN_S, PERSON_MIN_SHARE * total)
    return [by_length[0], *(group for group in by_length[1:] if seconds(group) >= enough)]


def seconds(found: Sequence[Stretch]) -> float:
    return sum(one.duration_s for one in found)
