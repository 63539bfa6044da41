"""When words were said of which a reading tells nothing but their order. Pure."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

from pipeline.providers.google.alignment import Standing

LETTER_S = 0.065
"""Speech per letter at an ordinary rate."""
_SLOWEST = 2.5
"""A new word is not longer than so many times what its letters need."""
_LEAST_S = 0.02


@dataclass(frozen=True, slots=True)
class ReadWord:
    """Times on the media clock, None where the vendor gave none."""

    text: str
    start_s: float | None = None
    end_s: float | None = None
    confidence: float = 1.0
    steady: bool = True
    """False: the vendor itself says that it may still change."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Reading:
    """All that is said since the last final, as it is believed now."""

    words: tuple[ReadWord, ...]
    end_s: float
    """Media time up to which the vendor has heard."""
    fresh_s: float
    """Where the contiguous audio begins that reaches up to ``end_s``."""
    is_final: bool = False


@dataclass(slots=True)
class Slot:
    text: str
    key: str
    start_s: float
    end_s: float
    confidence: float
    steady: bool
    standing: Standing = "present"

    @property
    def middle_s(self) -> float:
        return (self.start_s + self.end_s) / 2


def real_times(word: ReadWord) -> tuple[float, float]:
    if word.start_s is None or word.end_s is None:
        return (float("nan"), float("nan"))
    return (word.start_s, max(word.end_s, word.start_s))


def place(
    new: Sequence[Slot],
    before_s: float,
    after_s: float | None,
    reading: Reading,
    heard_s: float,
) -> None:
    """Give times to new words between two that have theirs; None: nothing comes after."""
    if not new:
        return
    if any(slot.start_s != slot.start_s for slot in new):
        _share_out(new, before_s, after_s, reading, heard_s)
    high_s = float("inf") if after_s is None else after_s
    low_s = min(before_s, high_s)
    for slot in new:
        length_s = slot.end_s - slot.start_s
        slot.start_s = min(max(slot.start_s, low_s), high_s)
        # Where there is no room they overlap a little: what has its times keeps them.
        end_s = slot.end_s if slot.end_s > slot.start_s else slot.start_s + length_s
        slot.end_s = max(min(end_s, high_s), slot.start_s + _LEAST_S)
        low_s = min(slot.end_s, high_s)


def _share_out(
    new: Sequence[Slot],
    before_s: float,
    after_s: float | None,
    reading: Reading,
    heard_s: float,
) -> None:
    letters = [len(slot.text) + 1 for slot in new]
    usual_s = sum(letters) * LETTER_S
    end_s = reading.end_s if after_s is None else after_s
    # Not before what was heard already, unless that leaves too little room: the words
    # were then heard, and not yet told.
    start_s = max(before_s, min(heard_s, end_s - usual_s), end_s - _SLOWEST * usual_s)
    is_first = heard_s == float("-inf") and before_s == float("-inf")
    if is_first or start_s < reading.fresh_s <= end_s - usual_s / 2:
        start_s = max(start_s, reading.fresh_s)
    length_s = max(end_s - start_s, _LEAST_S * len(new))
    passed = 0
    for slot, share in zip(new, letters, strict=True):
        slot.start_s = start_s + length_s * passed / sum(letters)
        passed += share
        slot.end_s = start_s + length_s * passed / sum(letters)
