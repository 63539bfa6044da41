"""Of somebody's recordings: what a voice is made of, and what it is compared with later.

The comparison is with speech that the voice was not made of; otherwise a voice that repeats
its sample would be called a likeness.
"""

from __future__ import annotations

import itertools
from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np

from pipeline.ports import EngineError
from pipeline.sample_quality.analysis import Detect
from pipeline.sample_quality.recording import Recording
from pipeline.sample_quality.speakers_heard import (
    Embed,
    Stretch,
    people,
    seconds,
    spoken,
    stretches,
)
from pipeline.types import SAMPLE_RATE_HZ, Embedding

HELD_OUT_SHARE = 0.3
HELD_OUT_ENOUGH_S = 30.0
PLENTY_S = 20.0
SHORT_S = (0.3, 1.0)
"""Speech too short for a voiceprint: it serves the voice, and comes last."""
SAME_PERSON_FROM = 0.62
"""Cosine of each recording's own mean to that of the others from which they are taken for one
person's. LibriSpeech's strangers are 0.60 on average and 0.77 at most, the same person 0.75
and more; recordings over different microphones are lower, and a person chose these."""


@dataclass(frozen=True, slots=True)
class Material:
    """``training`` is the best first; both hold the main speaker's speech only."""

    training: list[Recording]
    held_out: Embedding
    """Mean voiceprint of what was held out, L2 norm 1."""
    training_s: float
    held_out_s: float
    alike: float
    """The least cosine of a recording to the others; 1 for a single one."""


def gather(recordings: Sequence[Recording], *, detect: Detect, embed: Embed) -> Material:
    """Split ``recordings`` of one person into training and comparison.

    Raises EngineError: ``speech_unusable`` where there is no speech, ``speakers_differ`` where
    the recordings do not sound like one person.
    """
    heard: list[tuple[Recording, list[Stretch]]] = []
    short: list[Recording] = []
    for recording in recordings:
        probabilities = np.asarray(detect(recording.speech_rate), np.float64)
        groups = people(stretches(recording.speech_rate, probabilities, embed))
        if groups:
            heard.append((recording, groups[0]))
            if len(groups) == 1:
                short += [
                    _cut(recording, begin, end)
                    for begin, end in spoken(probabilities)
                    if SHORT_S[0] <= (end - begin) / SAMPLE_RATE_HZ < SHORT_S[1]
                ]
    if not heard:
        raise EngineError(
            "speech_unusable", "Nobody speaks in these recordings.", recoverable=False
        )
    alike = _least_likeness([group for _, group in heard])
    if alike < SAME_PERSON_FROM:
        raise EngineError(
            "speakers_differ",
            "The recordings do not sound like one person. Leave out those of others.",
            recoverable=False,
        )
    every = [(recording, one) for recording, group in heard for one in group]
    centre = _mean([one for _, one in every])
    held = _held_out([one for _, one in every])
    training = [(recording, one) for recording, one in every if id(one) not in held]
    held_out = [one for _, one in every if id(one) in held] or [one for _, one in training]
    # Nearest to how the person sounds in all of it: what is odd comes last, or not at all.
    training.sort(key=lambda pair: -float(centre @ pair[1].embedding))
    return Material(
        training=[_cut(recording, one.begin, one.end) for recording, one in training] + short,
        held_out=_mean(held_out),
        training_s=round(
            seconds([one for _, one in training]) + sum(one.duration_s for one in short), 2
        ),
        held_out_s=round(seconds(held_out), 2),
        alike=round(alike, 3),
    )


def _held_out(every: Sequence[Stretch]) -> set[int]:
    """Every third stretch or so, spread over everything, by identity; none of a single one."""
    # Where there is little, most of it is needed for the voice itself.
    step = round(1 / HELD_OUT_SHARE) * (1 if seconds(every) >= PLENTY_S else 2)
    chosen: set[int] = set()
    total = 0.0
    for one in itertools.islice(every, step - 1, None, step):
        if total < HELD_OUT_ENOUGH_S:
            chosen.add(id(one))
            total += one.duration_s
    return chosen


def _least_likeness(groups: Sequence[Sequence[Stretch]]) -> float:
    if len(groups) < 2:
        return 1.0
    means = [_mean(group) for group in groups]
    return min(
        float(own @ _normal(np.sum([one for one in means if one is not own], axis=0)))
        for own in means
    )


def _mean(group: Sequence[Stretch]) -> Embedding:
    return _normal(np.sum([one.embedding * one.duration_s for one in group], axis=0))


def _normal(vector: Embedding) -> Embedding:
    return np.asarray(vector / max(float(np.linalg.norm(vector)), 1e-9), np.float32)


def _cut(recording: Recording, begin: int, end: int) -> Recording:
    """From one sample to another, both at 16 kHz."""
    ratio = recording.rate_hz / SAMPLE_RATE_HZ
    return Recording(
        recording.samples[round(begin * ratio) : round(end * ratio)],
        recording.rate_hz,
        recording.speech_rate[begin:end],
    )
