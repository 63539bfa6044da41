"""How good a voice is: like the person, understood, and the same from sentence to sentence."""

from __future__ import annotations

import itertools
import re
from collections.abc import Awaitable, Callable, Sequence
from dataclasses import dataclass

import numpy as np

from pipeline.sample_quality.speakers_heard import Embed
from pipeline.types import Embedding, Pcm

Speak = Callable[[str], Awaitable[Pcm]]
"""A sentence in the voice, 16 kHz. Raises EngineError."""
Hear = Callable[[Pcm], Sequence[str]]
"""Words that a recogniser understands, in lower case."""

LANGUAGE = "en"
"""Of the sentences: what every engine speaks and the offline recogniser understands."""
SENTENCES = (
    "The committee will publish its final report on the reform next Tuesday.",
    "I never thought that we would see so many people here tonight.",
    "Please remember to close the windows before you leave the house.",
)
TUNING_SENTENCES = (
    "He walked slowly along the river and thought about the letter.",
    "The doctor said that the child would be well again in a few days.",
)
"""Settings are searched on these, and judged on the others."""

SIMILARITY = (0.50, 0.87)
"""Cosine that counts nothing, and as much as another recording of the same person."""
STABILITY = (0.75, 0.97)
WEIGHTS = {"similarity": 0.55, "intelligibility": 0.3, "stability": 0.15}


@dataclass(frozen=True, slots=True)
class Quality:
    """Measured on the same sentences every time, so that voices can be compared."""

    similarity: float
    """Mean cosine to speech of the person that the voice was not made of, -1 to 1."""
    word_error_rate: float | None
    """Of the recogniser on the sentences; None where none listened."""
    stability: float
    """Mean cosine between the sentences, -1 to 1."""
    parts: dict[str, float]
    """What each part gives the score, 0 to 1."""
    score: float
    """0 to 1: the parts, weighted."""


async def measure_quality(
    speak: Speak,
    *,
    held_out: Embedding,
    embed: Embed,
    hear: Hear | None = None,
    sentences: Sequence[str] = SENTENCES,
) -> Quality:
    """Say the sentences and measure. Raises EngineError where the voice does not speak, and
    ValueError where it makes too little sound."""
    prints: list[Embedding] = []
    wrong = words = 0
    for sentence in sentences:
        pcm = await speak(sentence)
        prints.append(embed(pcm))
        if hear is not None:
            said = words_of(sentence)
            wrong += word_errors(said, list(hear(pcm)))
            words += len(said)
    similarity = float(np.mean([held_out @ one for one in prints]))
    pairs = [float(a @ b) for a, b in itertools.combinations(prints, 2)]
    return judged(
        similarity=similarity,
        word_error_rate=wrong / words if words else None,
        stability=float(np.mean(pairs)) if pairs else 1.0,
    )


def judged(*, similarity: float, word_error_rate: float | None, stability: float) -> Quality:
    parts = {
        "similarity": _share(similarity, SIMILARITY),
        "stability": _share(stability, STABILITY),
    }
    if word_error_rate is not None:
        parts["intelligibility"] = 1.0 - min(1.0, word_error_rate)
    weight = sum(WEIGHTS[name] for name in parts)
    return Quality(
        similarity=round(similarity, 3),
        word_error_rate=None if word_error_rate is None else round(word_error_rate, 3),
        stability=round(stability, 3),
        parts={name: round(value, 3) for name, value in parts.items()},
        score=round(sum(WEIGHTS[name] * value for name, value in parts.items()) / weight, 3),
    )


def words_of(text: str) -> list[str]:
    return re.findall(r"[a-z']+", text.lower())


def word_errors(said: Sequence[str], heard: Sequence[str]) -> int:
    """Levenshtein distance in words."""
    row = list(range(len(heard) + 1))
    for count, word in enumerate(said, 1):
        previous, row = row, [count]
        for place, other in enumerate(heard, 1):
            row.append(min(previous[place] + 1, row[-1] + 1, previous[place - 1] + (word != other)))
    return row[-1]


def _share(value: float, limits: tuple[float, float]) -> float:
    low, high = limits
    return float(min(max((value - low) / (high - low), 0.0), 1.0))
