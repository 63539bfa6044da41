"""How an emulated vendor behaves: how long each leg takes, and what goes wrong.

Both objects are shared by everything that an emulator serves and may be changed while it
runs, from any thread.
"""

from __future__ import annotations

import random
import threading
from collections import Counter
from dataclasses import dataclass, field


@dataclass(kw_only=True)
class Delays:
    """Seconds that the vendor itself takes, beside the network and the client.

    ``draw("interim")`` gives that leg's mean, moved by up to ``jitter`` of it either way,
    evenly. The same ``seed`` and the same order of draws give the same delays.
    """

    interim: float = 0.0
    """From the arrival of a word's last sample to the interim result with the word."""
    final: float = 0.0
    """From the arrival of the pause's last sample to the final result."""
    translation: float = 0.0
    detection: float = 0.0
    first_sound: float = 0.0
    """From a text that can be spoken to its first sound."""
    next_sound: float = 0.0
    """Between one block of sound and the next."""
    accept: float = 0.0
    """Before a socket or a stream is accepted."""
    administration: float = 0.0
    """Voices, glossaries, accounts, lists of languages."""
    jitter: float = 0.0
    """Share of each mean, 0 to 1."""
    seed: int = 0

    def __post_init__(self) -> None:
        self._random = random.Random(self.seed)
        self._lock = threading.Lock()

    def draw(self, leg: str) -> float:
        """Seconds to wait now; never negative. Raises AttributeError for an unknown leg."""
        mean: float = getattr(self, leg)
        if not self.jitter:
            return max(0.0, mean)
        with self._lock:
            return max(0.0, mean * (1 + self.jitter * self._random.uniform(-1, 1)))


@dataclass(frozen=True, slots=True, kw_only=True)
class Fault:
    """One thing that goes wrong: ``scenario`` is a name from the emulator's own table.

    Of the calls on its legs the first ``after_n`` stay well; of those after them each fails
    with ``probability``, until ``times`` have failed.
    """

    scenario: str
    legs: tuple[str, ...] = ()
    """Which calls; () is every call. Legs with a dot in their name are single messages
    inside a call (``speech.audio``) and have to be named."""
    after_n: int = 0
    times: int | None = None
    """None: as often as it comes up."""
    probability: float = 1.0
    after_s: float | None = None
    """Seconds into the call (of audio, where there is audio) at which it happens; None is
    the scenario's own moment."""
    message: str = ""
    """What the vendor says; "" is the scenario's own text."""

    def is_on(self, leg: str) -> bool:
        return leg in self.legs if self.legs else "." not in leg


@dataclass
class _Armed:
    fault: Fault
    seen: int = 0
    done: int = 0


@dataclass
class Faults:
    """What is to go wrong, in the order in which it was added; nothing at first.

    ``with_probability(0.01, ...)`` makes one call in a hundred fail.
    """

    seed: int = 0
    counts: Counter[str] = field(default_factory=Counter)
    """Scenario → how often it was picked; kept by ``clear``."""
    counts_by_leg: Counter[tuple[str, str]] = field(default_factory=Counter)
    """The same by (leg, scenario)."""

    def __post_init__(self) -> None:
        self._armed: list[_Armed] = []
        self._random = random.Random(self.seed)
        self._lock = threading.Lock()

    def add(self, *faults: Fault) -> None:
        with self._lock:
            self._armed += [_Armed(fault) for fault in faults]

    def once(self, scenario: str, *legs: str, after_n: int = 0) -> None:
        """The next call on these legs fails, or the one after ``after_n`` more."""
        self.add(Fault(scenario=scenario, legs=legs, after_n=after_n, times=1))

    def always(self, scenario: str, *legs: str) -> None:
        self.add(Fault(scenario=scenario, legs=legs))

    def with_probability(self, probability: float, scenario: str, *legs: str) -> None:
        self.add(Fault(scenario=scenario, legs=legs, probability=probability))

    def clear(self) -> None:
        with self._lock:
            self._armed.clear()

    def pick(self, leg: str) -> Fault | None:
        """What goes wrong with the call on ``leg`` that has just come; None: nothing.

        Every call has to ask exactly once: asking is what is counted by ``after_n``.
        """
        with self._lock:
            picked: Fault | None = None
            for armed in self._armed:
                if not armed.fault.is_on(leg):
                    continue
                armed.seen += 1
                if picked is None and self._strikes(armed):
                    armed.done += 1
                    picked = armed.fault
                    self.counts[picked.scenario] += 1
                    self.counts_by_leg[leg, picked.scenario] += 1
            return picked

    def _strikes(self, armed: _Armed) -> bool:
        fault = armed.fault
        if armed.seen <= fault.after_n:
            return False
        if fault.times is not None and armed.done >= fault.times:
            return False
        return fault.probability >= 1 or self._random.random() < fault.probability
