"""Where finished lines are heard: at their originals' beginnings, never two at once. Pure."""

from __future__ import annotations

from collections.abc import Hashable, Sequence
from dataclasses import dataclass
from typing import Generic, TypeVar

Key = TypeVar("Key", bound=Hashable)

OVERFLOW_GAP_S = 0.02
"""Between a line that is too long and the next one, which waits for its end."""


@dataclass(frozen=True, slots=True)
class Placed(Generic[Key]):
    key: Key
    start_s: float
    duration_s: float
    late_s: float
    """How much later than its original it begins."""

    @property
    def end_s(self) -> float:
        return self.start_s + self.duration_s


def place(lines: Sequence[tuple[Key, float, float]]) -> list[Placed[Key]]:
    """``(key, start_s, duration_s)`` in any order → their places in order of time.

    A line begins when its original does; only behind one that is too long it waits.
    """
    placed: list[Placed[Key]] = []
    free_s = 0.0
    for key, start_s, duration_s in sorted(lines, key=lambda one: one[1]):
        start = max(start_s, free_s)
        placed.append(Placed(key, start, duration_s, start - start_s))
        free_s = max(free_s, start + duration_s + OVERFLOW_GAP_S)
    return placed
