"""How hard this process is pressed, as whoever watches its event loop last noted it.

An overloaded loop hears its clients late: their audio waits where the pipeline cannot see
it. Lines are then late although no backlog shows, so those who place them ask here.
"""

from __future__ import annotations

BUSY_MAX = 0.92
"""Share of its time that a loop may compute; beyond it what comes in piles up."""
LATE_MAX_S = 0.1
"""Mean lateness of the loop's timers beyond which it is overloaded."""

_busy = 0.0
_late_s = 0.0


def note(*, busy: float, late_s: float) -> None:
    """Share of the last seconds that the loop was computing, and its timers' mean lateness."""
    global _busy, _late_s
    _busy, _late_s = busy, late_s


def busy() -> float:
    """Share of its time, 0 to 1, that the loop computed lately."""
    return _busy


def overloaded() -> bool:
    """Whether the process has more to do than it can."""
    return _busy > BUSY_MAX or _late_s > LATE_MAX_S
