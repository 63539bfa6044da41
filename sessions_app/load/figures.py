"""Reports of clients and samples of processes → the figures of a load test."""

from __future__ import annotations

import os
from array import array
from collections import Counter
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np

from pipeline.providers.scripted.engines import RECOGNITION_S, SYNTHESIS_S, TRANSLATION_S
from sessions_app.load.messages import (
    AnyReport,
    Beat,
    Ended,
    Heard,
    Left,
    Refused,
    Started,
    Trouble,
)
from sessions_app.load.schedule import Phase
from sessions_app.load.watch import Sample

PERCENTS = (50, 95, 99)
AMONG = (0, 50, 100)


@dataclass(frozen=True, slots=True)
class EnginesTake:
    """Milliseconds that a line spends in its engines by their definition; what it takes
    beyond that is overhead."""

    line_ms: float
    endpoint_ms: float | None
    """Recognition of a line that was decided at its endpoint; overhead then counts from the
    audio frame that decided. None: it counts from the line's transcript."""


SCRIPTED = EnginesTake(1000 * (TRANSLATION_S + SYNTHESIS_S), 1000 * RECOGNITION_S)


class _Span:
    """What happened in one phase, or in one interval of the series."""

    def __init__(self) -> None:
        self.values: dict[str, array[float]] = {}
        self.of_sessions: dict[int, array[float]] = {}
        """Transcript → first sample of each, milliseconds."""
        self.skipped: Counter[str] = Counter()
        self.refused = 0
        self.errors = 0

    def add(self, name: str, value: float) -> None:
        self.values.setdefault(name, array("d")).append(value)

    def count(self, name: str) -> int:
        return len(self.values.get(name, ()))

    def middle(self, name: str) -> float | None:
        values = self.values.get(name)
        return round(float(np.median(values)), 3) if values else None


class Figures:
    """Takes reports as they come. Its memory grows by a few numbers a line."""

    def __init__(
        self, phases: Sequence[Phase], *, start_s: float, engines: EnginesTake | None
    ) -> None:
        self._phases = [(phase, _Span()) for phase in phases]
        self._start_s = start_s
        self._engines_take = engines
        self._interval = _Span()
        self._refusals: Counter[tuple[str, str]] = Counter()
        self._troubles: Counter[tuple[str, str]] = Counter()
        self._started = self._ended = self._lost = 0
        self._lines = self._skipped = 0
        self._beats: dict[int, Beat] = {}
        self._interval_beats: list[Beat] = []
        self.series: list[dict[str, Any]] = []
        self.engines: dict[str, str] = {}

    def take(self, reports: Iterable[AnyReport]) -> None:
        for report in reports:
            spans = [self._interval, *self._spans_at(report.at_s)]
            match report:
                case Started():
                    self._started += 1
                    self.engines = report.engines
                    for span in spans:
                        span.add("ready_ms", report.took_ms)
                case Heard():
                    self._lines += 1
                    for span in spans:
                        self._note(span, report)
                case Left():
                    self._skipped += 1
                    for span in spans:
                        span.skipped[report.reason] += 1
                case Refused():
                    self._refusals[report.code, report.message] += 1
                    for span in spans:
                        span.refused += 1
                case Trouble():
                    self._troubles[report.code, report.message] += 1
                    self._lost += report.lost
                    for span in spans:
                        span.errors += 1
                case Ended():
                    self._ended += 1
                case Beat():
                    self._beats[report.process] = report
                    self._interval_beats.append(report)
                    for span in spans:
                        span.add("clients_late_ms", report.late_ms)

    def _spans_at(self, at_s: float) -> list[_Span]:
        since_s = at_s - self._start_s
        return [span for phase, span in self._phases if phase.begin_s <= since_s < phase.end_s]

    def _note(self, span: _Span, line: Heard) -> None:
        for name, value in line.latencies.items():
            span.add("server_lag_ms" if name == "lag_ms" else name, value)
        span.add("lag_ms", line.lag_ms)
        span.add("backlog_s", line.backlog_s)
        if line.commit_ms is not None:
            span.add("commit_ms", line.commit_ms)
            span.of_sessions.setdefault(line.session, array("d")).append(line.commit_ms)
        if line.answer_ms is not None:
            span.add("answer_ms", line.answer_ms)
        take = self._engines_take
        if take is None:
            return
        if take.endpoint_ms is None:
            if line.commit_ms is not None:
                span.add("overhead_ms", line.commit_ms - take.line_ms)
        elif line.answer_ms is not None:
            engines_ms = take.line_ms + (take.endpoint_ms if line.at_endpoint else 0.0)
            span.add("overhead_ms", line.answer_ms - engines_ms)

    def end_interval(self, sample: Sample | None) -> dict[str, Any]:
        """One more point of the series, of all since the last one."""
        span, beats = self._interval, self._interval_beats
        self._interval, self._interval_beats = _Span(), []
        now_s = sample.at_s if sample else max((beat.at_s for beat in beats), default=0.0)
        newest = {beat.process: beat.dubbing for beat in beats}
        point: dict[str, Any] = {
            "at_s": round(now_s - self._start_s, 1),
            "sessions": sum(newest.values()),
            "lines": span.count("lag_ms"),
            "lag_p50_ms": span.middle("lag_ms"),
            "backlog_p50_s": span.middle("backlog_s"),
            "overhead_p50_ms": span.middle("overhead_ms"),
            "skipped": span.skipped.total(),
            "errors": span.errors,
            "load": round(os.getloadavg()[0], 2),
            "unacknowledged_chunks": max((beat.unacknowledged for beat in beats), default=0),
            "rss_mb": {name: round(mb, 1) for name, mb in sample.rss_mb.items()} if sample else {},
        }
        self.series.append(point)
        return point

    def clients(self, since: Mapping[int, Beat]) -> dict[str, Any]:
        """What the clients themselves took, since the beats of :meth:`beats`."""
        shares = [
            (beat.cpu_s - since[process].cpu_s) / (beat.at_s - since[process].at_s)
            for process, beat in self._beats.items()
            if process in since and beat.at_s > since[process].at_s
        ]
        return {
            "processes": len(self._beats),
            "cores": round(sum(shares), 3),
            "rss_mb": round(sum(beat.rss_mb for beat in self._beats.values()), 1),
        }

    def beats(self) -> dict[int, Beat]:
        return dict(self._beats)

    def result(self) -> dict[str, Any]:
        return {
            "engines": self.engines,
            "started": self._started,
            "ended": self._ended,
            "lost": self._lost,
            "lines": self._lines,
            "skipped": self._skipped,
            "refusals": _counted(self._refusals),
            "errors": _counted(self._troubles),
            "phases": [_phase(phase, span) for phase, span in self._phases],
            "series": self.series,
        }


def _phase(phase: Phase, span: _Span) -> dict[str, Any]:
    return {
        "name": phase.name,
        "sessions": phase.sessions,
        "begin_s": round(phase.begin_s, 1),
        "end_s": round(phase.end_s, 1),
        "lines": span.count("lag_ms"),
        "skipped": dict(span.skipped),
        "refused": span.refused,
        "errors": span.errors,
        **{name: percentiles(values) for name, values in span.values.items()},
        "of_sessions": _spread(span.of_sessions.values()),
    }


def _spread(sessions: Iterable[Sequence[float]]) -> dict[str, list[float]]:
    """Of each percentile that sessions have for themselves: the least, the middle, the most."""
    own = [percentiles(values) for values in sessions]
    return {
        name: [round(float(found), 3) for found in np.percentile([one[name] for one in own], AMONG)]
        for name in (own[0] if own else {})
    }


def percentiles(values: Sequence[float]) -> dict[str, float]:
    return {
        f"p{percent}": round(float(found), 3)
        for percent, found in zip(PERCENTS, np.percentile(values, PERCENTS), strict=True)
    }


def _counted(counts: Counter[tuple[str, str]]) -> list[dict[str, Any]]:
    return [
        {"code": code, "message": message, "count": count}
        for (code, message), count in counts.most_common()
    ]


def usage(
    idle: tuple[Sample, Sample], busy: tuple[Sample, Sample], sessions: int
) -> dict[str, dict[str, float]]:
    """Cores and memory by process: in all, and for each session beyond what idling takes."""
    resting, working = _cores(*idle), _cores(*busy)
    made: dict[str, dict[str, float]] = {}
    for name, rss_mb in busy[1].rss_mb.items():
        grown_mb = rss_mb - idle[1].rss_mb.get(name, 0.0)
        extra = working.get(name, 0.0) - resting.get(name, 0.0)
        made[name] = {
            "cores": round(working.get(name, 0.0), 4),
            "cores_idle": round(resting.get(name, 0.0), 4),
            "cores_per_session": round(extra / sessions, 5),
            "rss_mb": round(rss_mb, 1),
            "rss_idle_mb": round(idle[1].rss_mb.get(name, 0.0), 1),
            "rss_mb_per_session": round(grown_mb / sessions, 3),
        }
    return made


def cores_of_others(begin: Sample, end: Sample, clients: float) -> float:
    """What else ran on the machine, which the figures suffered from; in cores."""
    span_s = max(end.at_s - begin.at_s, 1e-6)
    all_s = (end.machine_busy_s - begin.machine_busy_s) / span_s
    return round(all_s - sum(_cores(begin, end).values()) - clients, 3)


def _cores(begin: Sample, end: Sample) -> dict[str, float]:
    span_s = max(end.at_s - begin.at_s, 1e-6)
    return {
        name: (seconds - begin.cpu_s.get(name, 0.0)) / span_s for name, seconds in end.cpu_s.items()
    }
