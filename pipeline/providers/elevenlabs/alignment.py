"""When each word of a clip is said, and how long a clip will be. Pure."""

from __future__ import annotations

from collections import OrderedDict
from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any

from pipeline.bounds import CHARACTERS_SPOKEN_MAX, ELEVENLABS_PACES_MAX
from pipeline.types import Word

DEFAULT_S = 0.066
"""Seconds a character at speed 1 in alphabetic scripts, about 15 characters a second."""
_DEFAULTS_S = {"zh": 0.24, "ja": 0.15, "ko": 0.14, "th": 0.075, "vi": 0.075, "hi": 0.075}
_SHORTEST_S = 0.3
_NEWEST = 0.3
"""Weight of the newest clip in a running average."""
_COVERED = 0.3
"""Share of a clip's characters whose times tell its length better than the average does."""


@dataclass(slots=True)
class Alignment:
    """Characters with their times, gathered over the pieces of a clip.

    The vendor's times count from the beginning of each piece of sound, so whoever adds
    one says at which second of the clip it begins.
    """

    _chars: list[tuple[str, float, float]] = field(default_factory=list)

    def add(self, raw: object, begins_s: float) -> None:
        """Take one ``alignment`` object; what is not shaped like one is left out."""
        if not isinstance(raw, Mapping):
            return
        chars = raw.get("chars", raw.get("characters"))
        starts = _either(raw, "charStartTimesMs", "charsStartTimesMs")
        lasts = _either(raw, "charDurationsMs", "charsDurationsMs")
        if not (isinstance(chars, list) and isinstance(starts, list) and isinstance(lasts, list)):
            return
        room = 4 * CHARACTERS_SPOKEN_MAX - len(self._chars)
        for char, start, last in list(zip(chars, starts, lasts, strict=False))[: max(0, room)]:
            if isinstance(char, str) and _is_time(start) and _is_time(last):
                begin_s = begins_s + start / 1000
                self._chars.append((char, begin_s, begin_s + last / 1000))

    def words(self) -> tuple[Word, ...]:
        """The words so far, times from the clip's beginning."""
        found: list[Word] = []
        text, begin_s, end_s = "", 0.0, 0.0
        for char, start, end in [*self._chars, (" ", 0.0, 0.0)]:
            if char.isspace() or not char:
                if text:
                    found.append(Word(text, round(begin_s, 3), round(end_s, 3)))
                text = ""
            else:
                if not text:
                    begin_s = start
                text, end_s = text + char, end
        return tuple(found)

    def whole_s(self, characters: int) -> float | None:
        """What a clip of so many characters will last, judged by those whose times are
        known; None while they are too few."""
        spoken = [one for one in self._chars if one[0]]
        if not spoken or len(spoken) < _COVERED * characters:
            return None
        return spoken[-1][2] * max(1.0, characters / len(spoken))


class Paces:
    """Seconds a character at speed 1, learned for each voice and language."""

    def __init__(self) -> None:
        self._learned: OrderedDict[tuple[str, str], float] = OrderedDict()

    def natural_s(self, voice: str, language: str, characters: int) -> float:
        """What so many characters are expected to last at speed 1."""
        learned = self._learned.get((voice, language)) or self._learned.get(("", language))
        pace = learned or _DEFAULTS_S.get(language, DEFAULT_S)
        return max(_SHORTEST_S, pace * characters)

    def learn(self, voice: str, language: str, characters: int, natural_s: float) -> None:
        """A clip lasted ``natural_s`` (at speed 1). A language's own average serves the
        voices that have not spoken yet."""
        if characters <= 0 or natural_s <= 0:
            return
        newest = natural_s / characters
        for key in ((voice, language), ("", language)):
            before = self._learned.get(key, newest)
            self._learned[key] = before + _NEWEST * (newest - before)
            self._learned.move_to_end(key)
        while len(self._learned) > ELEVENLABS_PACES_MAX:
            self._learned.popitem(last=False)


def _either(raw: Mapping[str, Any], *names: str) -> object:
    """Types and published schema spell the same field differently."""
    return next((raw[name] for name in names if raw.get(name) is not None), None)


def _is_time(value: object) -> bool:
    return isinstance(value, int | float) and 0 <= value < 3_600_000
