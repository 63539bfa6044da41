"""What becomes of the lines that wait while the dub is behind. Pure: no clock, no I/O.

First the tempo rises (``Scheduler.tempo``). Then lines wait for the backlog to fall, and
those of one speaker that wait together are merged: one request has fewer pauses and more
room to fit. What is still later than the backlog's maximum is dropped, the oldest first.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Literal

from pipeline.bounds import MERGED_CHARS, MERGED_MAX, SPEAKING_MAX
from pipeline.speaking.scheduler import BacklogRules


@dataclass(frozen=True, slots=True)
class WaitingLine:
    """A line whose speech has not been asked for yet, or has no place yet."""

    speaker: str | None
    end_s: float
    """End of its source clause."""
    since_s: float
    """Live edge when it began to wait."""
    chars: int = 0
    """Of its translation; 0 where there is none, and nothing to merge."""


@dataclass(frozen=True, slots=True)
class Load:
    """How busy the dub is."""

    scheduled_s: float
    """Dubbed audio beyond the live edge."""
    live_edge_s: float
    making: int = 0
    """Requests with the synthesiser."""
    making_s: float = 0.0
    """What they are expected to add to the backlog."""
    ended: bool = False
    """No more audio comes: the live edge stands still and no backlog falls."""
    live: bool = True


@dataclass(frozen=True, slots=True)
class Turn:
    """What to do with the first ``lines`` waiting lines."""

    action: Literal["speak", "drop", "wait"]
    lines: int = 1


WAIT = Turn("wait", 0)
DROP = Turn("drop")


def next_turn(
    waiting: Sequence[WaitingLine], load: Load, rules: BacklogRules, *, held: bool
) -> Turn:
    """The oldest waiting line's turn; ``held`` says that it was refused before."""
    free = load.making < SPEAKING_MAX
    if not load.live:
        return Turn("speak") if free else WAIT
    if free and load.scheduled_s + load.making_s <= rules.backlog_max_s:
        behind = held or load.scheduled_s > rules.target_s
        return Turn("speak", _mergeable(waiting) if behind else 1)
    return DROP if is_late(waiting[0], load, rules) else WAIT


def is_late(line: WaitingLine, load: Load, rules: BacklogRules) -> bool:
    """Whether a line that cannot have its turn or its place now is to be dropped.

    Audio sent again after a break brings lines that are late before they have waited: these
    are dropped only when the backlog, not the synthesiser, is in their way.
    """
    full = load.scheduled_s > rules.backlog_max_s
    if full and load.ended:
        return True
    waited = load.live_edge_s - line.since_s > rules.backlog_max_s
    return (full or waited) and load.live_edge_s - line.end_s > rules.backlog_max_s


def _mergeable(waiting: Sequence[WaitingLine]) -> int:
    """How many of the first lines can be said as one."""
    first, count, chars = waiting[0], 1, waiting[0].chars
    if not first.chars:
        return 1
    for line in waiting[1:MERGED_MAX]:
        chars += 1 + line.chars
        if line.speaker != first.speaker or not line.chars or chars > MERGED_CHARS:
            break
        count += 1
    return count
