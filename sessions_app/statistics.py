"""What is shown of a session in pictures, made of its lines. Pure.

Long sessions are shown in stretches of equal length, each by its median: a picture has room
for about so many points, and a median is not moved by one line that waited.
"""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any

STAGES = ("endpoint_ms", "recognition_ms", "translation_ms", "synthesis_ms")
"""Latency fields in the order in which a line passes them; ``total_ms`` is all of them."""
POINTS_MAX = 72

Point = tuple[float, float]
"""Media time in seconds, and a value there."""


@dataclass(frozen=True, slots=True)
class LineFigures:
    """What of a line goes into the pictures."""

    speaker: str
    start_s: float
    end_s: float
    skipped_reason: str
    tempo: float
    latencies: Mapping[str, float]
    level_dbfs: float | None
    snr_db: float | None
    similarity: float | None
    source_text: str


FIELDS = (
    "speaker",
    "start_s",
    "end_s",
    "skipped_reason",
    "tempo",
    "latencies",
    "level_dbfs",
    "snr_db",
    "similarity",
    "source_text",
)
"""The fields of a Line that LineFigures takes, in its order."""


@dataclass(slots=True)
class SpeakerShare:
    speaker: str
    """Empty: who it was could not be told."""
    spoken_s: float = 0.0
    lines: int = 0
    words: int = 0
    share: float = 0.0
    """Of all speech in the session, 0 to 1."""
    similarity: float | None = None
    """Median cosine of their lines to their voice."""
    similarities: list[float] = field(default_factory=list)

    @property
    def words_per_minute(self) -> float:
        return 60 * self.words / self.spoken_s if self.spoken_s else 0.0


@dataclass(frozen=True, slots=True)
class Statistics:
    lines: int
    spoken: int
    skipped: dict[str, int]
    """Reason → lines; those merged into others are heard and do not count."""
    merged: int
    media_s: float
    """To the end of the last line."""
    stages: dict[str, list[Point]]
    """Latency field → milliseconds over time."""
    p50: dict[str, float]
    p95: dict[str, float]
    lag: list[Point]
    """Seconds over time."""
    lag_p95: list[Point]
    level: list[Point]
    snr: list[Point]
    similarity: list[Point]
    tempo: list[Point]
    speakers: list[SpeakerShare]
    """Who spoke the most, first."""


def statistics_of(lines: Sequence[LineFigures]) -> Statistics:
    end_s = max((line.end_s for line in lines), default=0.0)
    stretch_s = max(1.0, end_s / POINTS_MAX)
    heard = [line for line in lines if line.latencies]

    def over_time(
        of: Iterable[LineFigures],
        value: Callable[[LineFigures], float | None],
        percent: float = 50,
    ) -> list[Point]:
        stretches: defaultdict[int, list[float]] = defaultdict(list)
        for line in of:
            found = value(line)
            if found is not None:
                stretches[int(line.start_s / stretch_s)].append(found)
        return [
            (round((at + 0.5) * stretch_s, 2), round(percentile(values, percent), 3))
            for at, values in sorted(stretches.items())
        ]

    def latency(name: str) -> Callable[[LineFigures], float | None]:
        return lambda line: line.latencies.get(name)

    def lag_s(line: LineFigures) -> float | None:
        return line.latencies["lag_ms"] / 1000 if "lag_ms" in line.latencies else None

    skipped: dict[str, int] = {}
    for line in lines:
        if line.skipped_reason not in ("", "merged"):
            skipped[line.skipped_reason] = skipped.get(line.skipped_reason, 0) + 1
    names = (*STAGES, "total_ms", "lag_ms")
    measured = {
        name: values
        for name in names
        if (values := [line.latencies[name] for line in heard if name in line.latencies])
    }
    return Statistics(
        lines=len(lines),
        spoken=len(heard),
        skipped=dict(sorted(skipped.items(), key=lambda one: -one[1])),
        merged=sum(line.skipped_reason == "merged" for line in lines),
        media_s=end_s,
        stages={name: over_time(heard, latency(name)) for name in (*STAGES, "total_ms")},
        p50={name: round(percentile(all_, 50), 1) for name, all_ in measured.items()},
        p95={name: round(percentile(all_, 95), 1) for name, all_ in measured.items()},
        lag=over_time(heard, lag_s),
        lag_p95=over_time(heard, lag_s, 95),
        level=over_time(lines, lambda line: line.level_dbfs),
        snr=over_time(lines, lambda line: line.snr_db),
        similarity=over_time(lines, lambda line: line.similarity),
        tempo=over_time(heard, lambda line: line.tempo),
        speakers=_speakers(lines),
    )


def percentile(values: Sequence[float], percent: float) -> float:
    """Between neighbours in proportion, as numpy does; faster for the few of a stretch."""
    ordered = sorted(values)
    at = (len(ordered) - 1) * percent / 100
    below = int(at)
    above = min(below + 1, len(ordered) - 1)
    return ordered[below] + (ordered[above] - ordered[below]) * (at - below)


def as_json(statistics: Statistics) -> dict[str, Any]:
    """For programs, with units in the names."""
    return {
        "lines": statistics.lines,
        "spoken": statistics.spoken,
        "merged": statistics.merged,
        "skipped": statistics.skipped,
        "p50": statistics.p50,
        "p95": statistics.p95,
        "over_time": {
            **{name: _points(points) for name, points in statistics.stages.items()},
            "lag_s": _points(statistics.lag),
            "lag_p95_s": _points(statistics.lag_p95),
            "level_dbfs": _points(statistics.level),
            "snr_db": _points(statistics.snr),
            "similarity": _points(statistics.similarity),
            "tempo": _points(statistics.tempo),
        },
        "speakers": [
            {
                "speaker": one.speaker or None,
                "spoken_s": round(one.spoken_s, 2),
                "share": round(one.share, 4),
                "lines": one.lines,
                "words": one.words,
                "words_per_minute": round(one.words_per_minute, 1),
                "similarity": one.similarity,
            }
            for one in statistics.speakers
        ],
    }


def _points(points: Iterable[Point]) -> list[dict[str, float]]:
    return [{"media_s": at_s, "value": value} for at_s, value in points]


def _speakers(lines: Iterable[LineFigures]) -> list[SpeakerShare]:
    shares: dict[str, SpeakerShare] = {}
    for line in lines:
        share = shares.setdefault(line.speaker, SpeakerShare(line.speaker))
        share.spoken_s += max(0.0, line.end_s - line.start_s)
        share.lines += 1
        share.words += len(line.source_text.split())
        if line.similarity is not None:
            share.similarities.append(line.similarity)
    total_s = sum(share.spoken_s for share in shares.values())
    for share in shares.values():
        share.share = share.spoken_s / total_s if total_s else 0.0
        if share.similarities:
            share.similarity = round(percentile(share.similarities, 50), 3)
    return sorted(shares.values(), key=lambda one: -one.spoken_s)
