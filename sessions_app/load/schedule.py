"""When each session of a load test begins and ends, and which spans are judged."""

from __future__ import annotations

import random
from collections.abc import Sequence
from dataclasses import dataclass

from sessions_app.load.messages import SessionPlan
from sessions_app.load.source import FRAME_S, PAUSE_FRAMES, TONE_FRAMES

SETTLE_S = 3.0
"""After the last session of a ramp has begun: its first utterance is not judged."""
OVERLOAD = 3
PERIOD_FRAMES = TONE_FRAMES + PAUSE_FRAMES


@dataclass(frozen=True, slots=True)
class Phase:
    """A span with one number of sessions; seconds after the test's start."""

    name: str
    sessions: int
    begin_s: float
    end_s: float


@dataclass(frozen=True, slots=True)
class Schedule:
    sessions: tuple[SessionPlan, ...]
    phases: tuple[Phase, ...]
    end_s: float
    """When the last session stops sending."""


def steady(sessions: int, *, seconds: float, ramp_s: float, start_s: float) -> Schedule:
    """``sessions`` that begin within the ramp and then run together for ``seconds``.

    ``start_s`` is the test's start on the monotonic clock.
    """
    end_s = ramp_s + seconds
    plans = _batch(range(sessions), start_s, begin_s=0.0, ramp_s=ramp_s, end_s=end_s)
    settled_s = min(ramp_s + SETTLE_S, (ramp_s + end_s) / 2)
    return Schedule(plans, (Phase("steady", sessions, settled_s, end_s),), end_s)


def overloaded(sessions: int, *, seconds: float, ramp_s: float, start_s: float) -> Schedule:
    """Three thirds of the time: ``sessions``, three times as many, ``sessions`` again."""
    third_s = seconds / 3
    end_s = ramp_s + seconds
    more_s, fewer_s = ramp_s + third_s, ramp_s + 2 * third_s
    more = OVERLOAD * sessions
    plans = _batch(range(sessions), start_s, begin_s=0.0, ramp_s=ramp_s, end_s=end_s)
    plans += _batch(
        range(sessions, more), start_s, begin_s=more_s, ramp_s=min(ramp_s, third_s), end_s=fewer_s
    )
    settle_s = min(SETTLE_S, third_s / 2)
    recovered_s = fewer_s + third_s / 2
    phases = (
        Phase("before", sessions, ramp_s + settle_s, more_s),
        Phase("overload", more, more_s, fewer_s),
        Phase("recovering", sessions, fewer_s, recovered_s),
        Phase("after", sessions, recovered_s, end_s),
    )
    return Schedule(plans, phases, end_s)


def _batch(
    numbers: Sequence[int], start_s: float, *, begin_s: float, ramp_s: float, end_s: float
) -> tuple[SessionPlan, ...]:
    chance = random.Random(len(numbers))
    step_s = ramp_s / max(1, len(numbers))
    return tuple(
        SessionPlan(
            number=number,
            # Not on a common grid of frames either: real clients' clocks are not in step.
            begins_at_s=start_s + begin_s + place * step_s + chance.uniform(0.0, FRAME_S),
            ends_at_s=start_s + end_s,
            lead=chance.randrange(PERIOD_FRAMES),
        )
        for place, number in enumerate(numbers)
    )
