"""What a process decodes next: pure.

Decoding an utterance costs the same however much of it has come (the model always looks at
30 s), so a machine that is behind decodes less often, and each time all that has come since:
it never decodes less. Ends come first, in the order in which they came: a listener waits for
them. Utterances that go on share at most ``SHARE`` of the time, so that an end seldom meets
a decoder at work.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

STEP_S = 0.5
"""New audio for which it is worth decoding an utterance again; Macháček et al. use 1 s."""
SHARE = 0.6
_NEW = 0.3
"""Weight of the newest duration in the mean."""


@dataclass(frozen=True, slots=True)
class Unheard:
    """An utterance with audio that is not decoded."""

    stream: int
    fresh_s: float
    ended: int | None = None
    """Number of its end among all ends that came; None while it goes on."""


class Cadence:
    def __init__(self, cost_s: float) -> None:
        self._cost_s = cost_s

    def spent(self, seconds: float) -> None:
        """A decoding took so long."""
        self._cost_s += _NEW * (seconds - self._cost_s)

    def step_s(self, streams: int) -> float:
        """New audio that each of so many utterances waits for."""
        return max(STEP_S, self._cost_s * streams / SHARE)

    def next(self, unheard: Sequence[Unheard]) -> int | None:
        """The stream whose utterance is decoded now; None: there is too little new audio."""
        ended = [(one.ended, one.stream) for one in unheard if one.ended is not None]
        if ended:
            return min(ended)[1]
        step_s = self.step_s(len(unheard))
        due = [(one.fresh_s, -one.stream) for one in unheard if one.fresh_s >= step_s]
        return -max(due)[1] if due else None
