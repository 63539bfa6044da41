"""What Whisper says although nobody did, and how it is told: pure.

Silence and noise give sentences out of its training, and a decoder that lost the audio says
the same words over and over (Radford et al. 2022, "Robust Speech Recognition via Large-Scale
Weak Supervision", section 4.5: their thresholds are used here, without their fallback to
higher temperatures, which is slow and says something else each time).
"""

from __future__ import annotations

import unicodedata
import zlib
from collections.abc import Sequence

import numpy as np

from pipeline.types import SAMPLE_RATE_HZ, Pcm

NO_SPEECH = 0.6
"""Probability of "no speech" above which a doubtful text is none."""
DOUBTFUL = -1.0
"""Mean log-probability of a token under which a text is doubtful."""
REPETITIVE = 2.4
"""Ratio of a text's size to its compressed one above which it goes round in circles."""
REPEATS = 3
"""So often in a row people say the same; more is a loop."""
LOOP_WORDS = 8
"""Longest sequence of words that is looked for as a loop."""
SILENCE = 33.0
"""Root mean square of the loudest part under which nothing was said: -60 dB of full scale."""
_PART = SAMPLE_RATE_HZ // 10


def is_silent(pcm: Pcm) -> bool:
    """Whether no tenth of a second of it is loud enough for speech."""
    parts = [pcm[at : at + _PART] for at in range(0, len(pcm), _PART)]
    return all(np.mean(np.square(part, dtype=np.float64)) < SILENCE**2 for part in parts)


def is_no_speech(no_speech: float, mean_log_probability: float) -> bool:
    return no_speech > NO_SPEECH and mean_log_probability < DOUBTFUL


def is_repetitive(text: str) -> bool:
    raw = text.encode()
    return len(raw) > REPETITIVE * len(zlib.compress(raw))


def without_loops(texts: Sequence[str]) -> list[int]:
    """Numbers of the words that stay when what is said over and over is said once."""
    cores = [_core(text) for text in texts]
    kept: list[int] = []
    at = 0
    while at < len(cores):
        size, times = _loop_at(cores, at)
        kept += range(at, at + size)
        at += size * times
    return kept


def _loop_at(cores: Sequence[str], at: int) -> tuple[int, int]:
    """(words, times) of the loop that begins here; (1, 1) where none does."""
    for size in range(1, LOOP_WORDS + 1):
        unit = cores[at : at + size]
        times = 1
        while cores[at + times * size : at + (times + 1) * size] == unit:
            times += 1
        if times > REPEATS:
            return size, times
    return 1, 1


def _core(text: str) -> str:
    folded = text.casefold()
    return "".join(one for one in folded if unicodedata.category(one)[0] != "P") or folded
