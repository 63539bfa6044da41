"""What a session takes of each vendor, counted as it happens and given out in deltas."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass

from pipeline import metrics
from pipeline.plan import Leg
from pipeline.ports import EngineError

Key = tuple[str, Leg]
"""Engine and leg."""

UNITS: Mapping[Leg, str] = {
    "recognition": "seconds",
    "translation": "characters",
    "synthesis": "characters",
}


@dataclass(frozen=True, slots=True)
class Used:
    """``amount`` is in seconds of source for recognition, in characters for the others."""

    engine: str
    leg: Leg
    amount: float
    requests: int


NOT_TAKEN = frozenset(
    # A vendor that answers so has not begun: nothing is billed.
    "key_missing key_refused language_unsupported nothing_to_speak pair_unsupported plan_too_small "
    "quota_used_up text_too_long vendor_busy vendor_refused vendor_unreachable voice_gone "
    "voice_unknown".split()
)


class Meter:
    """One session's, over all its runs. What was taken with ``take`` is not given out again."""

    def __init__(self) -> None:
        self._amounts: dict[Key, float] = {}
        self._requests: dict[Key, int] = {}

    def count(self, engine: str, leg: Leg, amount: float, *, requests: int = 1) -> None:
        self._add(engine, leg, amount, requests)
        metrics.count_engine_use(engine, leg, UNITS[leg], amount, requests)

    @contextmanager
    def request(self, engine: str, leg: Leg, amount: float) -> Iterator[None]:
        """Count the one request made inside, unless the vendor did not take it.

        Cancelled, it counts: it may be with the vendor already.
        """
        try:
            yield
        except EngineError as error:
            taken = error.code not in NOT_TAKEN if error.taken is None else error.taken
            if taken:
                self.count(engine, leg, amount)
            raise
        except BaseException:
            self.count(engine, leg, amount)
            raise
        self.count(engine, leg, amount)

    def take(self) -> tuple[Used, ...]:
        """What came since the last ``take``."""
        amounts, self._amounts = self._amounts, {}
        requests, self._requests = self._requests, {}
        return tuple(
            Used(engine, leg, amount, requests.get((engine, leg), 0))
            for (engine, leg), amount in amounts.items()
        )

    def give_back(self, used: Iterable[Used]) -> None:
        """They could not be stored: they come again with the next ``take``."""
        for one in used:
            self._add(one.engine, one.leg, one.amount, one.requests)

    def _add(self, engine: str, leg: Leg, amount: float, requests: int) -> None:
        key = (engine, leg)
        self._amounts[key] = self._amounts.get(key, 0.0) + amount
        self._requests[key] = self._requests.get(key, 0) + requests
