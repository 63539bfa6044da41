"""How a session went, in figures for pictures: made of its lines when somebody asks."""

from __future__ import annotations

from collections import Counter, defaultdict
from collections.abc import Iterable, Sequence
from typing import Any

import numpy as np

from pipeline.bounds import STATISTICS_INTERVALS_MAX
from sessions_app.models import DubbingSession

SHORTEST_INTERVAL_S = 10.0
_ROWS = (
    "speaker",
    "start_s",
    "end_s",
    "cue_duration_s",
    "tempo",
    "engine",
    "skipped_reason",
    "latencies",
)


def of_session(session: DubbingSession) -> dict[str, Any]:
    """Counts, spreads of each stage's milliseconds, speakers' shares, medians over time."""
    rows = list(session.lines.order_by("sequence").values(*_ROWS))
    spoken = [row for row in rows if row["skipped_reason"] == ""]
    merged = sum(row["skipped_reason"] == "merged" for row in rows)
    reasons = Counter(row["skipped_reason"] for row in rows)
    skipped = {reason: count for reason, count in reasons.items() if reason not in {"", "merged"}}
    interval_s = _interval(rows)
    tempos = [row["tempo"] for row in spoken]
    return {
        "lines": len(rows),
        "spoken": len(spoken),
        "merged": merged,
        "skipped": sum(skipped.values()),
        "skipped_reasons": dict(sorted(skipped.items())),
        "engines": dict(sorted(Counter(row["engine"] for row in spoken if row["engine"]).items())),
        "source_s": round(sum(_length(row) for row in rows), 3),
        "dubbed_s": round(sum(row["cue_duration_s"] or 0.0 for row in spoken), 3),
        "tempo": round(float(np.mean(tempos)), 3) if tempos else 1.0,
        "errors": int(session.summary.get("errors", 0)),
        "lost_lines": session.lost_lines,
        "latencies": {name: _spread(values) for name, values in _stages(rows).items()},
        "speakers": _speakers(rows),
        "interval_s": interval_s,
        "over_time": _over_time(rows, interval_s),
    }


def _length(row: dict[str, Any]) -> float:
    return max(0.0, float(row["end_s"] - row["start_s"]))


def _stages(rows: Iterable[dict[str, Any]]) -> dict[str, list[float]]:
    values: dict[str, list[float]] = defaultdict(list)
    for row in rows:
        for name, milliseconds in row["latencies"].items():
            if isinstance(milliseconds, int | float):
                values[name].append(float(milliseconds))
    return dict(sorted(values.items()))


def _spread(values: Sequence[float]) -> dict[str, float]:
    p50, p95 = np.percentile(values, (50, 95))
    return {
        "count": len(values),
        "p50": round(float(p50), 1),
        "p95": round(float(p95), 1),
        "max": round(max(values), 1),
    }


def _speakers(rows: Iterable[dict[str, Any]]) -> list[dict[str, Any]]:
    lines: Counter[str] = Counter()
    seconds: Counter[str] = Counter()
    for row in rows:
        lines[row["speaker"]] += 1
        seconds[row["speaker"]] += _length(row)  # type: ignore[assignment]  # it adds floats too
    total = sum(seconds.values()) or 1.0
    return [
        {
            "speaker": speaker,
            "lines": lines[speaker],
            "speech_s": round(seconds[speaker], 3),
            "share": round(seconds[speaker] / total, 4),
        }
        for speaker in sorted(lines, key=lambda one: (-seconds[one], one))
    ]


def _interval(rows: Sequence[dict[str, Any]]) -> float:
    """As long as needed for no more than STATISTICS_INTERVALS_MAX of them."""
    last_s = max((float(row["start_s"]) for row in rows), default=0.0)
    interval_s = SHORTEST_INTERVAL_S
    while last_s / interval_s >= STATISTICS_INTERVALS_MAX:
        interval_s *= 2
    return interval_s


def _over_time(rows: Iterable[dict[str, Any]], interval_s: float) -> list[dict[str, Any]]:
    intervals: dict[int, list[dict[str, Any]]] = defaultdict(list)
    for row in rows:
        intervals[int(max(0.0, row["start_s"]) // interval_s)].append(row)
    return [
        {
            "start_s": number * interval_s,
            "lines": len(inside),
            "skipped": sum(row["skipped_reason"] not in {"", "merged"} for row in inside),
            "latencies": {
                name: round(float(np.median(values)), 1) for name, values in _stages(inside).items()
            },
        }
        for number, inside in sorted(intervals.items())
    ]
