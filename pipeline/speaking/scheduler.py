"""Places cues on the media clock. Pure: time is an argument.

Cues never overlap and never change order; none plays before its source begins.
Backlog is what is already scheduled beyond the live edge: it raises the tempo up
to ``tempo_max``, and past ``backlog_max_s`` nothing is placed, so lag is bounded by
construction; ``backlog`` says what becomes of the lines that wait.
"""

from __future__ import annotations

from dataclasses import dataclass

from pipeline.bounds import BACKLOG_MAX_S


@dataclass(frozen=True, slots=True)
class BacklogRules:
    """Bounds of the backlog, seconds; tempo is a ratio to the natural pace."""

    tempo_from_s: float = 0.2
    """Backlog at which the tempo starts to rise above 1."""
    target_s: float = 1.5
    """Backlog at which the tempo has reached ``tempo_max``."""
    backlog_max_s: float = BACKLOG_MAX_S
    tempo_max: float = 1.2
    guard_s: float = 0.03
    """Silence kept between two cues."""


@dataclass(frozen=True, slots=True)
class Placement:
    start_s: float
    tempo: float


class Scheduler:
    """One listener's timeline of cues."""

    def __init__(
        self,
        rules: BacklogRules | None = None,
        *,
        live: bool = True,
        end_s: float | None = None,
    ) -> None:
        self._rules = rules or BacklogRules()
        self._live = live
        self._end_s = float("-inf") if end_s is None else end_s

    @property
    def rules(self) -> BacklogRules:
        return self._rules

    def backlog_s(self, live_edge_s: float) -> float:
        """Dubbed audio scheduled beyond the live edge."""
        return max(0.0, self._end_s - live_edge_s)

    def tempo(self, live_edge_s: float) -> float:
        """Tempo that the backlog asks for, 1 to ``tempo_max``."""
        if not self._live:
            return 1.0
        rules = self._rules
        over = self.backlog_s(live_edge_s) - rules.tempo_from_s
        share = min(1.0, max(0.0, over / (rules.target_s - rules.tempo_from_s)))
        return 1.0 + share * (rules.tempo_max - 1.0)

    def place(self, *, source_start_s: float, live_edge_s: float) -> Placement | None:
        """Where the next line's cue begins; None while the backlog is too long."""
        if self._live and self.backlog_s(live_edge_s) > self._rules.backlog_max_s:
            return None
        start_s = max(source_start_s, self._end_s + self._rules.guard_s)
        if self._live:
            start_s = max(start_s, live_edge_s)
        return Placement(start_s, self.tempo(live_edge_s))

    def occupy(self, *, start_s: float, duration_s: float) -> None:
        """The cue placed last occupies its span; called again as its length becomes known."""
        self._end_s = max(self._end_s, start_s + duration_s)

    @property
    def end_s(self) -> float:
        """End of the last cue on the media clock; minus infinity before the first."""
        return self._end_s
