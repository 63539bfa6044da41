"""What the server stands on and has lost, told to whoever lives through it.

A health report goes in, changes come out: a fault begins, or is over. One unlucky probe is
no fault yet; one that succeeds ends it.
"""

from __future__ import annotations

import logging
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from datetime import UTC, datetime
from typing import Any

from pipeline import metrics

log = logging.getLogger(__name__)

Report = Mapping[str, Mapping[str, Any]]
"""Part → what its probe found, with ``ok`` at least."""


@dataclass(frozen=True, slots=True)
class FaultChange:
    """A fault has begun, or is over; ``message`` says what that means for a live session."""

    code: str
    over: bool
    message: str
    since: datetime
    """When the fault was first seen, also for one that is over."""


@dataclass(frozen=True, slots=True)
class _Kind:
    code: str
    begun: str
    over: str
    failures: int = 2
    """So many failing reports in a row make a fault."""


KINDS: Mapping[str, _Kind] = {
    "database": _Kind(
        "database_away",
        "The database does not answer. Dubbing goes on; its lines are kept in memory, as far as "
        "there is room, and a new session cannot be opened until the database is back.",
        "The database answers again: lines are written down and new sessions can be opened.",
    ),
    "redis": _Kind(
        "redis_away",
        "Redis does not answer. Dubbing goes on; a dropped connection can be resumed on this "
        "server process only until it is back.",
        "Redis answers again: a dropped connection can be resumed on any server process.",
    ),
    "worker": _Kind(
        "worker_away",
        "The background worker does not answer. Dubbing goes on; files and other background "
        "work wait until it is back.",
        "The background worker answers again: what waited for it is being done.",
        # It shares the processor with live dubbing and may be slow to answer.
        failures=4,
    ),
    "disk": _Kind(
        "disk_full",
        "The server's disk is full or cannot be written to. Dubbing goes on; voice samples and "
        "files cannot be kept until there is room.",
        "The server's disk can be written to again.",
    ),
    "engines": _Kind(
        "engines_failed",
        "The engines could not be started. Dubbing cannot begin until they can; a new try is "
        "made with every start.",
        "The engines are running: dubbing can begin.",
        failures=1,
    ),
}


class Faults:
    """The faults of one process; no I/O."""

    def __init__(self) -> None:
        self._failures: dict[str, int] = {}
        self._first_seen: dict[str, datetime] = {}
        self._present: dict[str, datetime] = {}

    @property
    def since(self) -> dict[str, datetime]:
        """Part → when its present fault was first seen."""
        return dict(self._present)

    @property
    def suspected(self) -> bool:
        """Something failed in the last report: worth looking again soon."""
        return bool(self._failures)

    def current(self) -> list[FaultChange]:
        """The faults that are present, for who comes while they last."""
        return [_change(part, over=False, since=at) for part, at in self._present.items()]

    def update(self, report: Report, *, at: datetime | None = None) -> list[FaultChange]:
        """Take a report in; parts that it leaves out stay as they are."""
        at = at or datetime.now(UTC)
        changes: list[FaultChange] = []
        redis_away = not report.get("redis", {}).get("ok", True)
        for part, kind in KINDS.items():
            # The worker is asked through Redis: without it nothing is known of the worker.
            if part not in report or (part == "worker" and redis_away):
                continue
            if report[part]["ok"]:
                self._failures.pop(part, None)
                self._first_seen.pop(part, None)
                if (since := self._present.pop(part, None)) is not None:
                    changes.append(_change(part, over=True, since=since))
                continue
            self._failures[part] = self._failures.get(part, 0) + 1
            first = self._first_seen.setdefault(part, at)
            if part not in self._present and self._failures[part] >= kind.failures:
                self._present[part] = first
                changes.append(_change(part, over=False, since=first))
        return changes


def _change(part: str, *, over: bool, since: datetime) -> FaultChange:
    kind = KINDS[part]
    return FaultChange(kind.code, over, kind.over if over else kind.begun, since)


# --- This process's own ----------------------------------------------------------------

Callback = Callable[[FaultChange], None]

present = Faults()
_callbacks: dict[int, Callback] = {}


def subscribe(callback: Callback) -> Callable[[], None]:
    """Have every change told to ``callback``, until the returned function is called.

    It is called on the serving event loop and must not wait. What is present already is in
    ``present.current()``.
    """
    # By identity of the subscription: one callback may be subscribed twice.
    key = max(_callbacks, default=0) + 1
    _callbacks[key] = callback

    def unsubscribe() -> None:
        _callbacks.pop(key, None)

    return unsubscribe


def take_report(report: Report) -> list[FaultChange]:
    """Bring this process's faults up to date and tell the subscribers what changed."""
    changes = present.update(report)
    for change in changes:
        metrics.set_fault(change.code, present=not change.over)
        log.log(
            logging.INFO if change.over else logging.WARNING,
            "fault over" if change.over else "fault begins",
            extra={"code": change.code, "since": change.since.isoformat(timespec="seconds")},
        )
        for callback in tuple(_callbacks.values()):
            try:
                callback(change)
            except Exception:
                log.exception("a fault could not be told", extra={"code": change.code})
    return changes
