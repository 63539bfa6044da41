"""How a dubbed line is made to fit where its original was: pure, time is an argument.

In this order: the silence that follows is borrowed, the line is hurried a little, a shorter
wording is asked for, it is hurried as far as one can still follow, and what then remains is
marked as an overflow. A line is never slowed down below ``SLOWEST``: one that is shorter than
its original simply ends earlier, because stretched speech sounds worse than silence.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Literal

GUARD_S = 0.05
"""Silence that is left before the next line."""
SLOWEST = 0.85
HURRIED = 1.2
"""Speed up to which nobody minds."""
FASTEST = 1.5
"""Speed beyond which a line is no longer followed."""

How = Literal["natural", "borrowed", "hurried", "reworded", "fastest", "overflow"]


@dataclass(frozen=True, slots=True)
class Place:
    """Where a line goes: seconds on the media clock."""

    start_s: float
    end_s: float
    """Of the original line."""
    next_start_s: float | None = None
    """Of the line after it; None: nothing follows."""
    media_end_s: float | None = None
    """Where picture and sound end; None where that is not known."""

    @property
    def own_s(self) -> float:
        """What the original took."""
        return max(0.0, self.end_s - self.start_s)

    @property
    def room_s(self) -> float:
        """What the dub may take without touching what follows; infinite after the last line
        of something that has no known end."""
        ends = [
            *([] if self.next_start_s is None else [self.next_start_s - GUARD_S]),
            *([] if self.media_end_s is None else [self.media_end_s]),
        ]
        # Lines of two people may overlap in the original: what it took itself, the dub has too.
        if not ends:
            return float("inf")
        return max(0.0, min(ends) - self.start_s)


@dataclass(frozen=True, slots=True)
class Fit:
    """``speed`` is the ratio to the natural speaking rate, ``SLOWEST`` to ``FASTEST``."""

    how: How
    speed: float

    @property
    def overflows(self) -> bool:
        return self.how == "overflow"


def fit(natural_s: float, place: Place, *, reworded: bool = False) -> Fit:
    """How a line of ``natural_s`` seconds is spoken there.

    ``reworded``: a shorter wording was asked for already, or there is none. Until then a line
    that a little hurry does not save is answered with ``reworded``, at the speed that it would
    need as it is.
    """
    if natural_s <= 0:
        return Fit("natural", 1.0)
    if natural_s <= min(place.own_s, place.room_s):
        return Fit("natural", 1.0)
    if natural_s <= place.room_s:
        return Fit("borrowed", 1.0)
    needed = natural_s / place.room_s if place.room_s > 0 else float("inf")
    if needed <= HURRIED:
        return Fit("hurried", needed)
    if not reworded:
        return Fit("reworded", min(needed, FASTEST))
    if needed <= FASTEST:
        return Fit("fastest", needed)
    return Fit("overflow", FASTEST)


def wanted_share(natural_s: float, place: Place) -> float:
    """To which share of its length a wording has to shrink so that hurry saves it, 0 to 1."""
    if natural_s <= 0:
        return 1.0
    return min(1.0, HURRIED * place.room_s / natural_s)
