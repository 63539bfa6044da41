"""Puts guards around the engines of one run."""

from __future__ import annotations

import time
from collections.abc import Callable, Mapping, Sequence
from dataclasses import replace

from pipeline.events import Notice
from pipeline.guards.breaker import Breaker, BreakerRules
from pipeline.guards.cache import CachedTranslator
from pipeline.guards.chain import Chain, Engine, Link
from pipeline.guards.gate import FairGate
from pipeline.guards.recognizer import GuardedRecognizer
from pipeline.guards.synthesizer import GuardedSynthesizer
from pipeline.guards.translator import GuardedTranslator
from pipeline.guards.usage import Meter
from pipeline.guards.voices import GuardedCloner
from pipeline.plan import Engines, Leg
from pipeline.ports import Translator

LEG_NAMES: Mapping[Leg, str] = {
    "recognition": "recognises",
    "translation": "translates",
    "synthesis": "speaks",
}


LIMITED = ("google-translate", "elevenlabs")
"""Engines that are asked for so many things at once only as the installation allows."""


class Guards:
    """Breakers and gates of the engines that one set of keys opens; of one event loop.

    ``places`` is how many requests an engine of a vendor gets at once, by engine name;
    engines that are not in it have limits of their own.
    """

    def __init__(
        self,
        places: Mapping[str, int],
        *,
        rules: BreakerRules | None = None,
        clock: Callable[[], float] = time.monotonic,
    ) -> None:
        self._rules = rules
        self._clock = clock
        self._breakers: dict[tuple[str, Leg], Breaker] = {}
        self.gates: dict[str, FairGate] = {name: FairGate(limit) for name, limit in places.items()}

    def breaker(self, engine: str, leg: Leg) -> Breaker:
        made = self._breakers.get((engine, leg))
        if made is None:
            made = self._breakers[engine, leg] = Breaker(engine, self._rules, clock=self._clock)
        return made

    def leave_alone(self, engine: str, leg: Leg, code: str) -> None:
        """It failed when it was connected: begin with the stand-ins."""
        self.breaker(engine, leg).trip(code)

    def states(self) -> dict[str, str]:
        """``engine leg`` → state of its circuit."""
        return {f"{engine} {leg}": one.state for (engine, leg), one in self._breakers.items()}

    def left_alone(self) -> dict[str, str]:
        """``engine leg`` → code of what it failed with, of those that are not asked now."""
        return {
            f"{engine} {leg}": one.reason
            for (engine, leg), one in self._breakers.items()
            if not one.closed
        }


def guarded(
    chosen: Engines,
    stand_ins: Sequence[Engines],
    guards: Guards,
    *,
    meter: Meter,
    user: str,
    tell: Callable[[Notice], None],
    cached: Callable[[Translator], CachedTranslator] | None = None,
) -> Engines:
    """``chosen`` for one run, with those of ``stand_ins`` behind them, in that order.

    ``tell`` is given a notice when another engine takes over, and when the first is back.
    The run closes what it gets; the engines themselves stay open.
    """

    def announce(leg: Leg, engine: str, reason: str) -> None:
        tell(_notice(leg, engine, reason))

    def chain(leg: Leg, engines: Sequence[Engine]) -> Chain[Engine]:
        links: dict[str, Link[Engine]] = {}
        for engine in engines:
            links.setdefault(engine.name, Link(engine, guards.breaker(engine.name, leg)))
        return Chain(leg, tuple(links.values()), announce)

    sets = (chosen, *stand_ins)
    translator: Translator = GuardedTranslator(
        chain("translation", [one.translator for one in sets]), meter, guards.gates, user
    )
    cloners = {one.synthesizer.name: one.cloner for one in reversed(sets)}
    return replace(
        chosen,
        recognizer=GuardedRecognizer(chain("recognition", [one.recognizer for one in sets]), meter),
        translator=cached(translator) if cached else translator,
        synthesizer=GuardedSynthesizer(
            chain("synthesis", [one.synthesizer for one in sets]), meter, guards.gates, user
        ),
        cloner=GuardedCloner(chosen.cloner, cloners),
    )


def _notice(leg: Leg, engine: str, reason: str) -> Notice:
    if reason:
        return Notice(
            code="engine_stands_in",
            message=f"{engine} {LEG_NAMES[leg]} now, because the engine before it failed "
            f"({reason}); it is tried again by itself.",
        )
    return Notice(code="engine_back", message=f"{engine} {LEG_NAMES[leg]} again.")
