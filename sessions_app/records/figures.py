"""The figures of a session's summary, made of its lines. Pure."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from typing import Any

import numpy as np


def summarise(lines: Iterable[tuple[str, str, Mapping[str, float]]]) -> dict[str, Any]:
    """Counts and percentiles of lines given as (speaker, skipped_reason, latencies).

    A line that was merged into another is heard there: it is not skipped.
    """
    speakers: set[str] = set()
    values: dict[str, list[float]] = {}
    count = skipped = merged = 0
    for speaker, skipped_reason, latencies in lines:
        count += 1
        merged += skipped_reason == "merged"
        skipped += skipped_reason not in ("", "merged")
        if speaker:
            speakers.add(speaker)
        for name, milliseconds in latencies.items():
            values.setdefault(name, []).append(milliseconds)
    return {
        "lines": count,
        "speakers": len(speakers),
        "skipped": skipped,
        "merged": merged,
        "p50": _percentile(values, 50),
        "p95": _percentile(values, 95),
    }


def _percentile(values: Mapping[str, list[float]], percent: int) -> dict[str, float]:
    return {
        name: round(float(np.percentile(numbers, percent)), 1) for name, numbers in values.items()
    }
