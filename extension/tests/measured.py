"""What the extension's own graph measured: levels of original and dub, cues and their times."""

from __future__ import annotations

import time
from collections.abc import Callable
from dataclasses import dataclass, field
from typing import Any

from extension.tests.chrome import Chrome

GUARD_S = 0.03
"""Between two cues, as `shared/mixer.js` has it."""


@dataclass
class Measured:
    rate: float = 48_000
    view: dict[str, Any] = field(default_factory=dict)
    lines: list[dict[str, Any]] = field(default_factory=list)
    zero_s: float = 0.0
    time_s: float = 0.0
    """The graph's time when it was asked last."""
    delay_s: float = 0.0
    waiting: int = 0
    began: dict[int, dict[str, Any]] = field(default_factory=dict)
    ended: dict[int, dict[str, Any]] = field(default_factory=dict)
    stalled: list[dict[str, Any]] = field(default_factory=list)
    dropped: list[dict[str, Any]] = field(default_factory=list)
    cleared: list[dict[str, Any]] = field(default_factory=list)
    levels: list[dict[str, Any]] = field(default_factory=list)
    notices: list[str] = field(default_factory=list)

    def take(self, probe: dict[str, Any]) -> None:
        self.rate, self.view, self.lines = probe["rate"], probe["view"], probe["lines"]
        self.zero_s, self.delay_s, self.waiting = probe["zeroS"], probe["delayS"], probe["waiting"]
        self.time_s = probe["time"]
        for event in probe["events"]:
            kind = event["type"]
            if kind == "level":
                self.levels.append(event)
            elif kind == "notice":
                self.notices.append(event["code"])
            elif kind in ("began", "ended"):
                getattr(self, kind)[event["cue"]] = event
            else:
                getattr(self, kind).append(event)

    def off_s(self, began: dict[str, Any], *, after: dict[str, Any] | None = None) -> float:
        """How much later a cue began than its schedule, its sound and the cue before it let it."""
        free = after["frame"] / self.rate + GUARD_S if after else 0.0
        due = float(max(began["dueS"], began["ready"] / self.rate, free))
        return float(began["frame"]) / self.rate - due

    def offs_s(self) -> list[float]:
        """``off_s`` of each cue of which it is known what came before it."""
        return [
            self.off_s(began, after=self.ended.get(number - 1))
            for number, began in self.began.items()
            if number == 0 or number - 1 in self.ended
        ]

    def gain(self, from_s: float, to_s: float) -> float | None:
        """Of the original between two times of the graph; None where it was too quiet to tell."""
        near = [
            level
            for level in self.levels
            if from_s <= level["frame"] / self.rate < to_s and level["original"] > 0.002
        ]
        loud = sum(level["original"] for level in near)
        return sum(level["heard"] for level in near) / loud if near else None

    def whole(self) -> bool:
        """Was every cue that was heard to its end heard without a break, and none left out?"""
        return (
            self.stalled == []
            and self.dropped == []
            and all(cue["gaps"] == 0 for cue in self.ended.values())
        )

    def dub(self, from_s: float, to_s: float) -> list[float]:
        return [
            level["dub"] for level in self.levels if from_s <= level["frame"] / self.rate < to_s
        ]


def measure(
    browser: Chrome, tab: int, done: Callable[[Measured], bool], *, within_s: float = 150.0
) -> Measured:
    """Gathers until ``done``."""
    found = Measured()
    browser.measure()
    deadline = time.monotonic() + within_s
    while True:
        probe = browser.probe(tab)
        if probe is not None:
            found.take(probe)
            if done(found):
                return found
        assert time.monotonic() < deadline, (
            f"not within {within_s} s: {browser.state(tab)}, {found.view}, {found.lines}"
        )
        time.sleep(0.2)
