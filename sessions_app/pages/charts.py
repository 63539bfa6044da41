"""Pictures of figures over time as SVG: geometry here, look in `static/live.css`. Pure.

The plot is stretched to the width that there is, so its coordinates run from 0 to 1000 and
from 0 to 100; words stand outside of it, placed in percent, and are never stretched.
"""

from __future__ import annotations

import math
from collections.abc import Callable, Sequence
from dataclasses import dataclass, field

Point = tuple[float, float]
"""Media time in seconds, and a value there."""
WIDTH, HEIGHT = 1000, 100
Scale = Callable[[float], float]
_STEPS = (1, 2, 2.5, 5, 10)
_TIME_STEPS_S = (1, 2, 5, 10, 15, 30, 60, 120, 300, 600, 900, 1800, 3600, 7200, 14400, 43200)


@dataclass(frozen=True, slots=True)
class Series:
    name: str
    look: str
    """A class of the style sheet."""
    points: Sequence[Point]


@dataclass(frozen=True, slots=True)
class Tick:
    at: float
    """Percent from the left or from the top."""
    label: str


@dataclass(frozen=True, slots=True)
class Drawn:
    name: str
    look: str
    path: str


@dataclass(frozen=True, slots=True)
class Row:
    time: str
    values: list[str]


@dataclass(frozen=True, slots=True)
class Chart:
    """Ready for the template ``sessions/chart.html``."""

    name: str
    title: str
    unit: str
    says: str
    """The picture in words, for those who cannot see it."""
    drawn: list[Drawn]
    across: list[Tick]
    up: list[Tick]
    grid: str
    limit: Drawn | None = None
    columns: list[str] = field(default_factory=list)
    rows: list[Row] = field(default_factory=list)
    """The figures themselves, for tables and for the pointer."""


def over_time(
    name: str,
    title: str,
    unit: str,
    series: Sequence[Series],
    *,
    end_s: float,
    lowest: float | None = 0.0,
    highest: float | None = None,
    limit: tuple[float, str] | None = None,
    digits: int = 0,
    dots: bool = False,
) -> Chart | None:
    """None where there is nothing to show. ``lowest`` and ``highest`` bound the picture;
    None: as the figures do. ``limit`` is a value not to exceed, and what it is called."""
    filled = [one for one in series if one.points]
    if not filled or end_s <= 0:
        return None
    values = [value for one in filled for _, value in one.points]
    low = min(values) if lowest is None else min(lowest, *values)
    high = max([*values, *([limit[0]] if limit else [])]) if highest is None else highest
    ticks = _round_ticks(low, high)
    low, high = ticks[0], ticks[-1]

    def x(at_s: float) -> float:
        return round(WIDTH * min(max(at_s / end_s, 0.0), 1.0), 1)

    def y(value: float) -> float:
        share = (min(max(value, low), high) - low) / (high - low)
        return round(HEIGHT * (1 - share), 2)

    across = [
        Tick(round(100 * at_s / end_s, 2), clock(at_s)) for at_s in _time_ticks(end_s, at_most=6)
    ]
    up = [Tick(y(tick), _number(tick)) for tick in ticks]
    line = f"M0 {y(limit[0])}H{WIDTH}" if limit else ""
    return Chart(
        name=name,
        title=title,
        unit=unit,
        says=_in_words(title, unit, filled, digits),
        # The first, which matters most, is drawn last and lies on top.
        drawn=[Drawn(one.name, one.look, _path(one.points, x, y, dots=dots)) for one in filled],
        across=across,
        up=up,
        grid="".join(f"M0 {tick.at}H{WIDTH}" for tick in up),
        limit=Drawn(limit[1], "limit", line) if limit else None,
        columns=[one.name for one in filled],
        rows=_rows(filled, digits),
    )


def clock(seconds: float) -> str:
    """``1:02:03``, or ``2:03`` below an hour."""
    whole = int(seconds)
    hours, rest = divmod(whole, 3600)
    return f"{hours}:{rest // 60:02}:{rest % 60:02}" if hours else f"{rest // 60}:{rest % 60:02}"


@dataclass(frozen=True, slots=True)
class Share:
    """One part of a bar that shows how a whole divides; in percent."""

    name: str
    look: str
    start: float
    width: float


def shares(parts: Sequence[tuple[str, str, float]]) -> list[Share]:
    """Parts as (name, look, share 0 to 1), side by side."""
    made: list[Share] = []
    start = 0.0
    for name, look, share in parts:
        made.append(Share(name, look, round(start, 3), round(100 * share, 3)))
        start += 100 * share
    return made


def _path(points: Sequence[Point], x: Scale, y: Scale, *, dots: bool) -> str:
    if dots:
        # A line of no length with round ends stays round when the picture is stretched.
        return "".join(f"M{x(at_s)} {y(value)}h0" for at_s, value in points)
    if len(points) == 1:
        at_s, value = points[0]
        return f"M{max(0, x(at_s) - 6)} {y(value)}h12"
    return "M" + "L".join(f"{x(at_s)} {y(value)}" for at_s, value in points)


def _round_ticks(low: float, high: float) -> list[float]:
    """Three to six round values that enclose both."""
    span = max(high - low, 1e-6)
    power = 10 ** math.floor(math.log10(span / 4))
    step = next(power * one for one in _STEPS if power * one >= span / 4 - 1e-9)
    first, last = math.floor(low / step + 1e-9), math.ceil(high / step - 1e-9)
    return [round(step * at, 6) for at in range(first, max(last, first + 1) + 1)]


def _time_ticks(end_s: float, *, at_most: int) -> list[float]:
    step = next((one for one in _TIME_STEPS_S if end_s / one <= at_most), end_s / at_most)
    return [step * at for at in range(int(end_s / step) + 1)]


def _number(value: float) -> str:
    return f"{value:,.0f}" if value == int(value) else f"{value:g}"


def _rows(series: Sequence[Series], digits: int) -> list[Row]:
    by_name = [dict(one.points) for one in series]
    times = sorted({at_s for points in by_name for at_s in points})
    return [
        Row(
            clock(at_s),
            [f"{one[at_s]:.{digits}f}" if at_s in one else "–" for one in by_name],
        )
        for at_s in times
    ]


def _in_words(title: str, unit: str, series: Sequence[Series], digits: int) -> str:
    said = []
    for one in series:
        values = sorted(value for _, value in one.points)
        middle = values[len(values) // 2]
        said.append(
            f"{one.name}: median {middle:.{digits}f} {unit}, "
            f"from {values[0]:.{digits}f} to {values[-1]:.{digits}f}"
        )
    return f"{title} over time. {'; '.join(said)}."
