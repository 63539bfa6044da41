"""Every figure that the server shows to Prometheus, in one place, and how to count it.

Figures belong to one process: what runs in several is added up by whoever scrapes them.
Label values come from code, never from clients, and their number is capped all the same:
a vendor's invented error codes must not fill the memory. Callable from any thread.
"""

from __future__ import annotations

import re
import threading
from collections.abc import Callable, Iterator, Mapping
from typing import Generic, Literal, TypeVar
from weakref import WeakKeyDictionary

from prometheus_client import (
    CollectorRegistry,
    Counter,
    Gauge,
    Histogram,
    ProcessCollector,
    disable_created_metrics,
    generate_latest,
)
from prometheus_client.exposition import CONTENT_TYPE_PLAIN_0_0_4

from pipeline.bounding import value_of
from pipeline.bounds import BOUNDS
from pipeline.events import Latencies

Kind = Literal["text", "binary"]
How = Literal["same", "moved", "new"]
Owner = TypeVar("Owner")

CONTENT_TYPE = CONTENT_TYPE_PLAIN_0_0_4
REGISTRY = CollectorRegistry()
OTHER = "other"

disable_created_metrics()  # type: ignore[no-untyped-call]  # prometheus_client leaves it out
ProcessCollector(registry=REGISTRY)


class LabelValues:
    """The first ``limit`` well-formed values as they are; every later one is "other"."""

    _form = re.compile(r"[A-Za-z0-9][A-Za-z0-9_.:+-]{0,47}")

    def __init__(self, limit: int) -> None:
        self._limit = limit
        self._seen: set[str] = set()
        self._lock = threading.Lock()

    def bounded(self, value: str) -> str:
        if value in self._seen:
            return value
        if not self._form.fullmatch(value):
            return OTHER
        with self._lock:
            if len(self._seen) >= self._limit:
                return OTHER
            self._seen.add(value)
        return value


class Tracked(Generic[Owner]):
    """Readings of living objects, taken when somebody asks; an object that goes is forgotten.

    ``read`` is called on the asker's thread: it may look at a number, and nothing more.
    """

    def __init__(self) -> None:
        self._readers: WeakKeyDictionary[Owner, Callable[[Owner], float]] = WeakKeyDictionary()
        self._lock = threading.Lock()

    def add(self, owner: Owner, read: Callable[[Owner], float]) -> None:
        with self._lock:
            self._readers[owner] = read

    def readings(self) -> Iterator[float]:
        with self._lock:
            readers = list(self._readers.items())
        return (read(owner) for owner, read in readers)

    def largest(self) -> float:
        return max(self.readings(), default=0.0)

    def total(self) -> float:
        return sum(self.readings())


# --- Lines -----------------------------------------------------------------------------

STAGES = ("endpoint", "recognition", "translation", "synthesis", "total")
_SECONDS = (0.005, 0.01, 0.02, 0.04, 0.075, 0.15, 0.25, 0.4, 0.6, 0.8, 1, 1.5, 2.5, 4, 6, 10)
_LAG_SECONDS = (0.25, 0.5, 1, 1.5, 2, 2.5, 3, 3.5, 4, 5, 6, 8, 10, 15)
_engines = LabelValues(32)

_line_seconds = Histogram(
    "dubbing_line_seconds",
    "Seconds of wall time that a line spent in a stage of its way; total is from the last "
    "source word to the first dubbed byte.",
    ["stage", "engine"],
    buckets=_SECONDS,
    registry=REGISTRY,
)
_lag_seconds = Histogram(
    "dubbing_lag_seconds",
    "Ear-voice span in seconds: from the middle of a source clause to the middle of its dub.",
    buckets=_LAG_SECONDS,
    registry=REGISTRY,
)
_lines_spoken = Counter(
    "dubbing_lines_spoken", "Lines that were dubbed, by engine.", ["engine"], registry=REGISTRY
)
_lines_skipped = Counter(
    "dubbing_lines_skipped",
    "Lines shown as a subtitle instead of spoken, by reason.",
    ["reason"],
    registry=REGISTRY,
)
_lines_merged = Counter(
    "dubbing_lines_merged", "Lines spoken as part of another one.", registry=REGISTRY
)


def observe_line(
    latencies: Latencies, engine: str, engines: Mapping[str, str] | None = None
) -> None:
    """A line is on its way out, spoken by ``engine``.

    ``engines`` are the run's, role → name as in ``Ready``: each stage is then told apart by
    the engine that did it, instead of by the one that spoke.
    """
    roles = engines or {}
    for stage in STAGES:
        role = "recognition" if stage == "endpoint" else stage
        name = engine if role in ("synthesis", "total") else roles.get(role, engine)
        milliseconds: float = getattr(latencies, f"{stage}_ms")
        _line_seconds.labels(stage, _engines.bounded(name)).observe(milliseconds / 1000)
    _lag_seconds.observe(latencies.lag_ms / 1000)
    _lines_spoken.labels(_engines.bounded(engine)).inc()


_reasons = LabelValues(32)


def count_skip(reason: str) -> None:
    """A line will not be heard."""
    _lines_skipped.labels(_reasons.bounded(reason)).inc()


def count_merge(lines: int = 1) -> None:
    """So many lines were taken into another one."""
    _lines_merged.inc(lines)


_speculations = Counter(
    "dubbing_speculations",
    "Translations begun before their clause was committed: used, replaced by a newer guess or "
    "failed; and clauses that nobody had guessed: missed.",
    ["outcome"],
    registry=REGISTRY,
)


def count_speculation(outcome: str) -> None:
    """``outcome`` is used, replaced, missed or failed."""
    _speculations.labels(outcome).inc()


_cache_lookups = Counter(
    "dubbing_cache_lookups",
    "Looks into a cache, by what is kept there and whether it was there.",
    ["cache", "found"],
    registry=REGISTRY,
)


def count_cache(cache: str, *, hit: bool) -> None:
    """``cache`` is translation or voice."""
    _cache_lookups.labels(cache, "hit" if hit else "miss").inc()


_vendor_failures = Counter(
    "dubbing_engine_failures",
    "Failures of engines, by engine, leg and code; told to nobody where another stood in.",
    ["engine", "leg", "code"],
    registry=REGISTRY,
)
_stand_ins = Counter(
    "dubbing_stand_ins",
    "Requests that another engine answered, by leg and the engine that stood in.",
    ["leg", "engine"],
    registry=REGISTRY,
)
_used = Counter(
    "dubbing_engine_used",
    "What was taken of engines, by engine, leg and unit: seconds recognised, characters "
    "translated and spoken.",
    ["engine", "leg", "unit"],
    registry=REGISTRY,
)
_requests = Counter(
    "dubbing_engine_requests",
    "Requests to engines, by engine and leg; a stream of recognition is one.",
    ["engine", "leg"],
    registry=REGISTRY,
)
_failure_codes = LabelValues(48)
_engine_places = Gauge(
    "dubbing_engine_open",
    "1 while an engine's circuit is open: it is left alone after failures.",
    ["engine", "leg"],
    registry=REGISTRY,
)


def count_engine_failure(engine: str, leg: str, code: str) -> None:
    _vendor_failures.labels(_engines.bounded(engine), leg, _failure_codes.bounded(code)).inc()


def count_engine_use(engine: str, leg: str, unit: str, amount: float, requests: int) -> None:
    """``amount`` is in ``unit``; every piece of recognised sound comes here, most without a
    request of its own."""
    name = _engines.bounded(engine)
    _used.labels(name, leg, unit).inc(amount)
    if requests:
        _requests.labels(name, leg).inc(requests)


def count_stand_in(engine: str, leg: str) -> None:
    """``engine`` answered in place of one before it."""
    _stand_ins.labels(leg, _engines.bounded(engine)).inc()


def set_circuit(engine: str, leg: str, *, is_open: bool) -> None:
    _engine_places.labels(_engines.bounded(engine), leg).set(is_open)


# --- Sessions and runs -----------------------------------------------------------------

_sessions = Gauge(
    "dubbing_sessions",
    "Live sessions of this process, with a client (attached) or waiting for it (detached).",
    ["state"],
    registry=REGISTRY,
)
_runs = Gauge("dubbing_runs", "Dubbing runs under way in this process.", registry=REGISTRY)
_resumes = Counter(
    "dubbing_resumes",
    "Connections that came back: to the same process, moved to another, or to nothing kept.",
    ["how"],
    registry=REGISTRY,
)
_refusals = Counter(
    "dubbing_refusals",
    "Connections that the server closed or refused, by close code.",
    ["close_code"],
    registry=REGISTRY,
)
_errors = Counter("dubbing_errors", "Errors told to clients, by code.", ["code"], registry=REGISTRY)
_backlogs: Tracked[object] = Tracked()
_backlog_largest = Gauge(
    "dubbing_backlog_seconds",
    "Seconds by which the scheduled dub runs ahead of the live edge, in the worst session.",
    registry=REGISTRY,
)
_backlog_largest.set_function(_backlogs.largest)
_session_counts = {"attached": 0, "detached": 0}
_error_codes = LabelValues(96)
_close_codes = LabelValues(32)


def set_sessions(*, attached: int, detached: int) -> None:
    _session_counts.update(attached=attached, detached=detached)
    for state, count in _session_counts.items():
        _sessions.labels(state).set(count)


def session_counts() -> dict[str, int]:
    """What ``set_sessions`` was last told: state → count."""
    return dict(_session_counts)


def run_began() -> None:
    _runs.inc()


def run_ended() -> None:
    _runs.dec()


def track_backlog(owner: Owner, backlog_s: Callable[[Owner], float]) -> None:
    """Read ``backlog_s(owner)`` at every scrape as long as ``owner`` is alive."""
    _backlogs.add(owner, backlog_s)  # type: ignore[arg-type]  # read and owner fit each other


def count_resume(how: How) -> None:
    _resumes.labels(how).inc()


def count_refusal(close_code: int) -> None:
    _refusals.labels(_close_codes.bounded(str(int(close_code)))).inc()


def count_error(code: str) -> None:
    _errors.labels(_error_codes.bounded(code)).inc()


# --- Sound, messages, queues -----------------------------------------------------------

_audio_dropped = Counter(
    "dubbing_audio_dropped_seconds",
    "Seconds of source audio that were not listened to, because a queue was full or the recogniser "
    "too slow.",
    registry=REGISTRY,
)
_messages = Counter(
    "dubbing_messages",
    "WebSocket messages, by direction (in from clients, out to them) and kind.",
    ["direction", "kind"],
    registry=REGISTRY,
)
_message_bytes = Counter(
    "dubbing_message_bytes",
    "Bytes of WebSocket messages, by direction and kind.",
    ["direction", "kind"],
    registry=REGISTRY,
)
_queue_size = Gauge(
    "dubbing_queue_size",
    "Entries in the fullest queue of that name; dubbing_bound says how many fit.",
    ["queue"],
    registry=REGISTRY,
)
_bound = Gauge(
    "dubbing_bound",
    "How much of something there may be, by its name and unit.",
    ["name", "unit"],
    registry=REGISTRY,
)
_queues: dict[str, Tracked[object]] = {}


def count_dropped_audio(seconds: float) -> None:
    _audio_dropped.inc(max(0.0, seconds))


def count_message_in(kind: Kind, size_bytes: int) -> None:
    _messages.labels("in", kind).inc()
    _message_bytes.labels("in", kind).inc(size_bytes)


def count_message_out(kind: Kind, size_bytes: int) -> None:
    _messages.labels("out", kind).inc()
    _message_bytes.labels("out", kind).inc(size_bytes)


def track_queue(name: str, owner: Owner, size: Callable[[Owner], float]) -> None:
    """Read ``size(owner)`` at every scrape as long as ``owner`` is alive.

    Many owners may share a name (one queue per session): the fullest one is shown, because
    that is the one which meets the bound. Names are written in code.
    """
    queue = _queues.get(name)
    if queue is None:
        queue = _queues.setdefault(name, Tracked())
        _queue_size.labels(name).set_function(queue.largest)
    queue.add(owner, size)  # type: ignore[arg-type]  # size and owner fit each other


def set_bound(name: str, value: float, unit: str) -> None:
    """A bound in force; names and units are written in code."""
    _bound.labels(name, unit).set(value)


def export_bounds() -> None:
    """Show every bound of ``pipeline.bounds`` with its value in force."""
    for one in BOUNDS.values():
        set_bound(one.name, value_of(one), one.unit)


# --- The process -----------------------------------------------------------------------

_worker_restarts = Counter(
    "dubbing_worker_restarts",
    "Engine processes and streams that broke and were replaced, by engine.",
    ["engine"],
    registry=REGISTRY,
)
_loop_lag = Histogram(
    "dubbing_event_loop_lag_seconds",
    "Seconds by which the serving event loop was late for a timer.",
    buckets=(0.001, 0.0025, 0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1, 2.5, 5),
    registry=REGISTRY,
)
_fault = Gauge(
    "dubbing_fault",
    "1 while something that the server stands on is away, by fault.",
    ["code"],
    registry=REGISTRY,
)


def worker_restarted(engine: str) -> None:
    _worker_restarts.labels(_engines.bounded(engine)).inc()


def observe_loop_lag(seconds: float) -> None:
    _loop_lag.observe(seconds)


def set_fault(code: str, *, present: bool) -> None:
    """Codes are those of ``sessions_app.processes.faults``."""
    _fault.labels(code).set(present)


def exposition() -> bytes:
    """Everything in Prometheus's text format, ``CONTENT_TYPE``."""
    return generate_latest(REGISTRY)


def totals(counter: str) -> list[tuple[dict[str, str], float]]:
    """What a counter of this process has come to, by its labels, the largest first."""
    found = [
        (dict(sample.labels), sample.value)
        for family in REGISTRY.collect()
        if family.name == counter
        for sample in family.samples
        if sample.name == f"{counter}_total" and sample.value
    ]
    return sorted(found, key=lambda one: -one[1])
