"""Whether a recogniser that is behind gets out of it by itself. Pure: time is an argument.

Two things look alike in a queue. After a break a client sends seconds of audio again at once,
and a recogniser that is fast enough works them off: nothing may be lost then. One that is too
slow for speech itself, on a machine that is too small or busy, never does, and every listener
hears later and later. They differ in what happens while something waits all the time: the first
takes in more audio than time passes, or at least finds less waiting after a while; the second
neither.
"""

from __future__ import annotations

from collections import deque
from dataclasses import dataclass

from pipeline.bounds import RECOGNISER_BEHIND_S

WITHIN_S = 10.0
"""How long it is watched: a search of a whole utterance, or a moment in which the machine does
other things, must not count as being too slow."""
_EVERY_S = 0.5


@dataclass(frozen=True, slots=True)
class _Mark:
    at: float
    waiting_s: float
    taken_s: float


class KeepingUp:
    """One recogniser, looked at each time that it gets something."""

    def __init__(self) -> None:
        self._marks: deque[_Mark] = deque(maxlen=round(WITHIN_S / _EVERY_S) + 1)

    def begin_anew(self) -> None:
        """What was seen so far says nothing of what comes."""
        self._marks.clear()

    def is_hopeless(self, now: float, *, waiting_s: float, taken_s: float) -> bool:
        """``waiting_s`` of audio were waiting just now, ``taken_s`` were taken since it began,
        at ``now``, in seconds on the caller's clock."""
        if waiting_s <= 0.0:
            self.begin_anew()
            return False
        if not self._marks or now - self._marks[-1].at >= _EVERY_S:
            self._marks.append(_Mark(now, waiting_s, taken_s))
        oldest = self._marks[0]
        watched_s = now - oldest.at
        if waiting_s < RECOGNISER_BEHIND_S or watched_s < WITHIN_S:
            return False
        return taken_s - oldest.taken_s < watched_s and waiting_s >= oldest.waiting_s
