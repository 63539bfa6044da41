"""When a vendor is left alone, and when it is tried again. Pure: time comes from ``clock``.

The circuit breaker of Nygard, "Release It!" (2007): closed while all is well; open after
failures in a row, so that no line waits for what does not answer; half-open once the wait is
over, when one probe decides. Waits double up to a limit.

Many runs share one breaker, so what happens to one of them must not take a vendor away from the
others that serves them well: requests that broke with one connection are one failure, and one
that is never answered, while others are, is that request's own.
"""

from __future__ import annotations

import time
import weakref
from collections.abc import Callable
from dataclasses import dataclass
from typing import Literal

from pipeline.ports import EngineError

State = Literal["closed", "open", "half_open"]

OF_THE_REQUEST = frozenset(
    {
        "nothing_to_speak",
        "text_too_long",
        "language_unsupported",
        "source_language_unsupported",
        "pair_unsupported",
        "vendor_refused",
        "voice_gone",
        "voice_unknown",
        "voices_full",
        "speech_unusable",
    }
)
"""Failures that say nothing of the vendor's health."""
AT_ONCE = frozenset({"key_missing", "key_refused", "plan_too_small", "quota_used_up"})
"""Failures that will not mend themselves: a person has to do something first."""
_BUSY = frozenset({"vendor_busy", "engine_busy", "recognizer_busy"})


@dataclass(frozen=True, slots=True)
class BreakerRules:
    failures: int = 2
    """So many within ``within_s`` open it; an answer that never came counts for as many, where
    nobody else was answered for ``silent_s``."""
    within_s: float = 20.0
    silent_s: float = 1.0
    """Less than any request is waited for: an answer since then was given while it waited."""
    answers: int = 10
    """Good answers that make up for one that never came while others did."""
    open_s: float = 1.0
    """Wait before the first probe."""
    open_most_s: float = 30.0
    """Longest wait, and the first one after what only a person can mend."""


class Breaker:
    """One vendor's and leg's; shared by all runs that use them with the same key."""

    def __init__(
        self,
        name: str,
        rules: BreakerRules | None = None,
        *,
        clock: Callable[[], float] = time.monotonic,
    ) -> None:
        self.name = name
        self.state: State = "closed"
        self._rules = rules or BreakerRules()
        self._clock = clock
        self._failures: list[float] = []
        self._wait_s = self._rules.open_s
        self._opened_at = 0.0
        self._answered_at = float("-inf")
        self._unanswered = 0.0
        """Requests that were not answered while others were, less those others' share."""
        self._last: tuple[weakref.ref[EngineError], float] | None = None
        """The failure counted last, and when."""
        self.reason = ""
        """Code of the failure that opened it; "" while closed."""

    @property
    def closed(self) -> bool:
        """Whether requests go to the vendor."""
        return self.state == "closed"

    def take_probe(self) -> bool:
        """Whether the caller is to make the one probe that is due; it must report on it."""
        if self.state != "open" or self._clock() - self._opened_at < self._wait_s:
            return False
        self.state = "half_open"
        return True

    def succeeded(self) -> None:
        """A request or the probe was answered well."""
        if self.state == "open":
            # An answer to a request from before says nothing of now.
            return
        if self.state == "closed":
            # A probe's answer says that it may serve, not that it serves others meanwhile.
            self._answered_at = self._clock()
        self.state, self.reason = "closed", ""
        self._failures.clear()
        self._wait_s = self._rules.open_s
        self._unanswered = max(0.0, self._unanswered - 1 / self._rules.answers)

    def failed(self, error: EngineError) -> None:
        """A request or the probe failed."""
        if error.code in OF_THE_REQUEST or error.code in _BUSY:
            if self.state == "half_open":
                # It does answer.
                self.succeeded()
            return
        now = self._clock()
        if self.state == "half_open":
            self._wait_s = min(self._wait_s * 2, self._rules.open_most_s)
            self._open(error.code, now)
            return
        if self.state == "open" or self._is_counted(error, now):
            return
        self._last = weakref.ref(error), now
        weight = 1
        if error.code == "engine_timeout":
            weight = self._rules.failures
            if now - self._answered_at < self._rules.silent_s:
                self._unanswered += 1
                weight = 0 if self._unanswered < self._rules.failures else weight
        self._failures = [at for at in self._failures if now - at < self._rules.within_s]
        self._failures += [now] * weight
        if error.code in AT_ONCE:
            self._wait_s = self._rules.open_most_s
            self._open(error.code, now)
        elif len(self._failures) >= self._rules.failures:
            self._open(error.code, now)

    def trip(self, code: str) -> None:
        """Leave the vendor alone from the beginning: it could not even be reached."""
        if self.state == "closed":
            self._open(code, self._clock())

    def given_up(self) -> None:
        """The probe ended without a verdict: it is due again at once."""
        if self.state == "half_open":
            self.state = "open"

    def _is_counted(self, error: EngineError, now: float) -> bool:
        """Whether it is one of the requests that a connection broke under, and not the first."""
        if self._last is None:
            return False
        last, at = self._last
        return last() is error and now - at < self._rules.silent_s

    def _open(self, code: str, now: float) -> None:
        self.state, self.reason, self._opened_at = "open", code, now
        self._failures.clear()
        self._unanswered = 0.0
