"""Which settings suit a voice best: a search within a budget, every step of it on record.

Coordinate descent over a small grid: one setting at a time, from the default, as long as it
gets better. The landscape is flat and noisy, and every step is speech that costs time or
money; anything finer would follow the noise.
"""

from __future__ import annotations

from collections.abc import Awaitable, Callable, Mapping, Sequence
from dataclasses import asdict, dataclass, replace
from typing import Any

from pipeline.cloning.quality import Quality
from pipeline.types import NO_TUNING, VoiceTuning

Measure = Callable[[VoiceTuning], Awaitable[Quality]]
Axes = Mapping[str, Sequence[float | str]]

SHAPING_AXES: Axes = {
    "similarity": (0.7, 1.0, 0.55),
    "base": ("f2", "m7", "f1", "m6"),
    "stability": (0.75, 0.25),
}
VENDOR_AXES: Axes = {
    "similarity": (0.9, 0.5),
    "stability": (0.7, 0.35),
    "speed": (0.95, 1.05),
    "style": (0.2,),
}
BETTER_BY = 0.004
"""Less is taken for noise, and the default is kept."""


@dataclass(frozen=True, slots=True)
class Step:
    tuning: VoiceTuning
    quality: Quality
    kept: bool
    """Whether it was the best until then."""

    def as_row(self) -> dict[str, Any]:
        """For the record: plain values, settings that are left alone left out."""
        return {
            "settings": settings_of(self.tuning),
            "score": self.quality.score,
            "parts": self.quality.parts,
            "kept": self.kept,
        }


@dataclass(frozen=True, slots=True)
class Tuned:
    best: VoiceTuning
    trace: list[Step]
    """The first is the default."""


async def search(
    measure: Measure, axes: Axes, *, budget: int, start: VoiceTuning = NO_TUNING
) -> Tuned:
    """The best of at most ``budget`` settings, the start among them. Raises what ``measure``
    raises."""
    trace = [Step(start, await measure(start), kept=True)]
    best = trace[0]
    tried = {start}
    improved = True
    while improved and len(trace) < budget:
        improved = False
        for name, values in axes.items():
            for value in values:
                changed: dict[str, Any] = {name: value}
                tuning = replace(best.tuning, **changed)
                if tuning in tried:
                    continue
                if len(trace) >= budget:
                    break
                tried.add(tuning)
                quality = await measure(tuning)
                kept = quality.score > best.quality.score + BETTER_BY
                trace.append(Step(tuning, quality, kept))
                if kept:
                    best, improved = trace[-1], True
    return Tuned(best.tuning, trace)


def settings_of(tuning: VoiceTuning) -> dict[str, float | str]:
    """What is set, by name."""
    return {name: value for name, value in asdict(tuning).items() if value not in (None, "")}


def tuning_of(settings: Mapping[str, Any]) -> VoiceTuning:
    """Of what ``settings_of`` gave; what is unknown or out of range is left alone."""

    def share(name: str, low: float = 0.0, high: float = 1.0) -> float | None:
        value = settings.get(name)
        if isinstance(value, bool) or not isinstance(value, int | float):
            return None
        return min(max(float(value), low), high)

    base = settings.get("base", "")
    return VoiceTuning(
        stability=share("stability"),
        similarity=share("similarity"),
        style=share("style"),
        speed=share("speed", 0.7, 1.2),
        base=base if isinstance(base, str) else "",
    )
