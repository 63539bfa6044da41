"""How a session went, in figures for programs and pictures: made of its lines when asked.

Long sessions are told in intervals of equal length, each by its median: a picture has room for
about so many points, and a median is not moved by one line that waited.
"""

from __future__ import annotations

from collections import Counter, defaultdict
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any

from pipeline.bounds import STATISTICS_INTERVALS_MAX, TRANSCRIPT_LINES_MAX
from sessions_app.models import DubbingSession

STAGES = ("endpoint_ms", "recognition_ms", "translation_ms", "synthesis_ms")
"""Latency fields in the order in which a line passes them; ``total_ms`` is all of them."""
SHORTEST_INTERVAL_S = 1.0
HEARD = frozenset({"", "merged"})
"""Reasons for having no cue of one's own with which a line is heard all the same."""


@dataclass(frozen=True, slots=True)
class LineFigures:
    """What of a line goes into the figures."""

    speaker: str
    start_s: float
    end_s: float
    cue_duration_s: float | None
    tempo: float
    engine: str
    skipped_reason: str
    latencies: Mapping[str, float]
    level_dbfs: float | None
    snr_db: float | None
    similarity: float | None
    source_text: str


FIELDS = tuple(LineFigures.__slots__)
"""The same fields of a Line, in the same order."""


def of_session(session: DubbingSession) -> dict[str, Any]:
    """Counts, spreads of each stage's milliseconds, speakers' shares, medians over time."""
    rows = session.lines.order_by("sequence").values_list(*FIELDS)
    lines = [LineFigures(*row) for row in rows[:TRANSCRIPT_LINES_MAX]]
    return {
        **of_lines(lines),
        "errors": int(session.summary.get("errors", 0)),
        "lost_lines": session.lost_lines,
    }


def of_lines(lines: Sequence[LineFigures]) -> dict[str, Any]:
    """The figures that lines alone give; pure."""
    spoken = [line for line in lines if line.skipped_reason == ""]
    reasons = Counter(line.skipped_reason for line in lines)
    skipped = {reason: count for reason, count in reasons.items() if reason not in HEARD}
    interval_s = _interval(lines)
    tempos = [line.tempo for line in spoken]
    return {
        "lines": len(lines),
        "spoken": len(spoken),
        "merged": reasons["merged"],
        "skipped": sum(skipped.values()),
        "skipped_reasons": dict(sorted(skipped.items())),
        "engines": dict(sorted(Counter(one.engine for one in spoken if one.engine).items())),
        "source_s": round(sum(map(_length, lines)), 3),
        "dubbed_s": round(sum(line.cue_duration_s or 0.0 for line in spoken), 3),
        "tempo": round(sum(tempos) / len(tempos), 3) if tempos else 1.0,
        "latencies": {name: _spread(values) for name, values in _stages(lines).items()},
        "speakers": _speakers(lines),
        "interval_s": interval_s,
        "over_time": _over_time(lines, interval_s),
    }


def percentile(values: Sequence[float], percent: float) -> float:
    """Between neighbours in proportion, as numpy does; faster for the few of an interval."""
    ordered = sorted(values)
    at = (len(ordered) - 1) * percent / 100
    below = int(at)
    above = min(below + 1, len(ordered) - 1)
    return ordered[below] + (ordered[above] - ordered[below]) * (at - below)


def _length(line: LineFigures) -> float:
    return max(0.0, line.end_s - line.start_s)


def _stages(lines: Iterable[LineFigures]) -> dict[str, list[float]]:
    values: dict[str, list[float]] = defaultdict(list)
    for line in lines:
        for name, milliseconds in line.latencies.items():
            if isinstance(milliseconds, int | float):
                values[name].append(float(milliseconds))
    return dict(sorted(values.items()))


def _spread(values: Sequence[float]) -> dict[str, float]:
    return {
        "count": len(values),
        "p50": round(percentile(values, 50), 1),
        "p95": round(percentile(values, 95), 1),
        "max": round(max(values), 1),
    }


@dataclass(slots=True)
class _Share:
    lines: int = 0
    speech_s: float = 0.0
    words: int = 0
    similarities: list[float] = field(default_factory=list)


def _speakers(lines: Iterable[LineFigures]) -> list[dict[str, Any]]:
    """Who spoke the most, first."""
    shares: dict[str, _Share] = defaultdict(_Share)
    for line in lines:
        share = shares[line.speaker]
        share.lines += 1
        share.speech_s += _length(line)
        share.words += len(line.source_text.split())
        if line.similarity is not None:
            share.similarities.append(line.similarity)
    total_s = sum(share.speech_s for share in shares.values()) or 1.0
    return [
        {
            "speaker": speaker,
            "lines": share.lines,
            "speech_s": round(share.speech_s, 3),
            "share": round(share.speech_s / total_s, 4),
            "words_per_minute": round(60 * share.words / share.speech_s, 1)
            if share.speech_s
            else 0.0,
            "similarity": _median(share.similarities, 3),
        }
        for speaker, share in sorted(shares.items(), key=lambda one: (-one[1].speech_s, one[0]))
    ]


def _interval(lines: Sequence[LineFigures]) -> float:
    """As long as needed for no more than STATISTICS_INTERVALS_MAX of them."""
    last_s = max((line.start_s for line in lines), default=0.0)
    interval_s = SHORTEST_INTERVAL_S
    while last_s / interval_s >= STATISTICS_INTERVALS_MAX:
        interval_s *= 2
    return interval_s


def _over_time(lines: Iterable[LineFigures], interval_s: float) -> list[dict[str, Any]]:
    intervals: dict[int, list[LineFigures]] = defaultdict(list)
    for line in lines:
        intervals[int(max(0.0, line.start_s) // interval_s)].append(line)
    return [
        _told(number * interval_s, inside, _stages(inside))
        for number, inside in sorted(intervals.items())
    ]


def _told(
    start_s: float, inside: list[LineFigures], stages: dict[str, list[float]]
) -> dict[str, Any]:
    lags = stages.get("lag_ms")
    return {
        "start_s": start_s,
        "lines": len(inside),
        "skipped": sum(line.skipped_reason not in HEARD for line in inside),
        "latencies": {name: round(percentile(values, 50), 1) for name, values in stages.items()},
        "lag_p95_ms": round(percentile(lags, 95), 1) if lags else None,
        "level_dbfs": _median([line.level_dbfs for line in inside], 1),
        "snr_db": _median([line.snr_db for line in inside], 1),
        "similarity": _median([line.similarity for line in inside], 3),
    }


def _median(values: Iterable[float | None], digits: int) -> float | None:
    """Of those that were measured; None where none was."""
    there = [value for value in values if value is not None]
    return round(percentile(there, 50), digits) if there else None
