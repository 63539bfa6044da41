"""What somebody should listen to again: marks on dubbed lines. Pure."""

from __future__ import annotations

import re
from collections.abc import Mapping, Sequence
from typing import Literal

import numpy as np

from pipeline.types import Pcm

Mark = Literal["overflow", "clipping", "unlike", "term_missing", "misheard", "silent"]
MARKS: Mapping[str, str] = {
    "overflow": "It is too long for its place even at the highest speed.",
    "clipping": "Its loudest moments are cut off.",
    "unlike": "It sounds little like its speaker.",
    "term_missing": "A term of the glossary is not in the translation.",
    "misheard": "A recogniser hears something else in the dub.",
    "silent": "Nothing is to be heard.",
}
CLIPPED_ABOVE = 1e-4
"""Share of samples at full scale; a peak that just touches it is no clipping."""
UNLIKE_BELOW = 0.5
"""Cosine to the original's voice, below which strangers are to one another on average."""
MISHEARD_ABOVE = 0.5
"""Letter error rate. Recognisers make errors of their own: only when half is different something
is wrong."""
_MISHEARD_ABOVE: Mapping[tuple[str, str, str], float] = {
    # `pipeline.benchmarks.listening`, 15 sentences in two voices: the median of good lines is
    # 0.53, and 10 % of them are above; of lines with other words 87 %, of halves 53 %.
    ("pocketsphinx", "espeak", "en"): 0.75,
}
"""Recogniser, synthesizer, language → the same, of those that understand one another badly."""
_FULL_SCALE = 32_700
_WORD = re.compile(r"[\w’']+")


def misheard_above(recognizer: str, synthesizer: str, language: str) -> float:
    """Letter error rate above which a line of that synthesizer is probably not what it says."""
    return _MISHEARD_ABOVE.get((recognizer, synthesizer, language), MISHEARD_ABOVE)


def clipped_share(pcm: Pcm) -> float:
    """Of the samples those at full scale, 0 to 1."""
    return float(np.mean(np.abs(pcm.astype(np.int32)) >= _FULL_SCALE)) if len(pcm) else 0.0


def missing_terms(source: str, target: str, glossary: Mapping[str, str]) -> list[str]:
    """Source terms that are in ``source`` and whose target is not in ``target``."""
    said, dubbed = _folded(source), _folded(target)
    return [
        term
        for term, wanted in glossary.items()
        if f" {_folded(term).strip()} " in said and f" {_folded(wanted).strip()} " not in dubbed
    ]


def word_errors(wanted: str, heard: str) -> float:
    """Word error rate of ``heard``: edits (Levenshtein) for each word of ``wanted``."""
    return _errors(_folded(wanted).split(), _folded(heard).split())


def letter_errors(wanted: str, heard: str) -> float:
    """The same of letters: a word that is taken for one that sounds like it counts little."""
    return _errors("".join(_folded(wanted).split()), "".join(_folded(heard).split()))


def _errors(reference: Sequence[str], found: Sequence[str]) -> float:
    """Levenshtein distance for each item of ``reference``."""
    if not reference:
        return 0.0 if not found else 1.0
    row = list(range(len(found) + 1))
    for i, word in enumerate(reference, start=1):
        before, row[0] = row[0], i
        for j, other in enumerate(found, start=1):
            before, row[j] = row[j], min(row[j] + 1, row[j - 1] + 1, before + (word != other))
    return row[-1] / len(reference)


def marks_of(
    *,
    overflows: bool,
    pcm: Pcm,
    similarity: float | None = None,
    missing: Sequence[str] = (),
    errors: float | None = None,
) -> list[Mark]:
    """Marks of a line as far as was looked: None is what was not."""
    found: list[Mark] = []
    if overflows:
        found.append("overflow")
    if not len(pcm) or not pcm.any():
        found.append("silent")
    if clipped_share(pcm) > CLIPPED_ABOVE:
        found.append("clipping")
    if similarity is not None and similarity < UNLIKE_BELOW:
        found.append("unlike")
    if missing:
        found.append("term_missing")
    if errors is not None and errors > MISHEARD_ABOVE:
        found.append("misheard")
    return found


def _folded(text: str) -> str:
    return f" {' '.join(_WORD.findall(text.casefold()))} "
