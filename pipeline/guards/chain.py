"""Engines of one role in the order in which they are asked, each behind its breaker."""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable, Callable, Coroutine, Iterator, Sequence
from dataclasses import dataclass
from typing import Any, Generic, Protocol, TypeVar

from pipeline import metrics
from pipeline.bounds import PROBE_S
from pipeline.guards.breaker import Breaker
from pipeline.plan import Leg
from pipeline.ports import EngineError


class Named(Protocol):
    @property
    def name(self) -> str: ...


Engine = TypeVar("Engine", bound=Named)

Tell = Callable[[Leg, str, str], None]
"""(leg, engine that serves from now on, code of what keeps the first choice away; "" when
the first choice is back)."""


@dataclass(frozen=True, slots=True)
class Link(Generic[Engine]):
    engine: Engine
    breaker: Breaker


class Chain(Generic[Engine]):
    """One run's view of the engines of a role: the first is the one that was chosen."""

    def __init__(self, leg: Leg, links: Sequence[Link[Engine]], tell: Tell) -> None:
        if not links:
            raise ValueError("a chain needs at least one engine")
        self.links = tuple(links)
        self._leg = leg
        self._tell = tell
        self._told = self.links[0].engine.name
        self._reason = links[0].breaker.reason or "engine_failed"
        """Why the first choice did not serve, when it did not."""
        self._tasks: set[asyncio.Task[None]] = set()

    @property
    def first(self) -> Engine:
        return self.links[0].engine

    def usable(self) -> Iterator[Link[Engine]]:
        """The links to ask, in order. When all are left alone, all are asked after all."""
        closed = [link for link in self.links if link.breaker.closed]
        yield from closed or self.links

    def served(self, link: Link[Engine]) -> None:
        """``link`` has answered well."""
        link.breaker.succeeded()
        self._show(link)
        if link is not self.links[0]:
            metrics.count_stand_in(link.engine.name, self._leg)
        if link.engine.name != self._told:
            self._told = link.engine.name
            away = link is not self.links[0]
            self._tell(self._leg, link.engine.name, self._reason if away else "")

    def failed(self, link: Link[Engine], error: EngineError) -> None:
        metrics.count_engine_failure(link.engine.name, self._leg, error.code)
        if link is self.links[0]:
            self._reason = error.code
        link.breaker.failed(error)
        self._show(link)

    async def warm(
        self, links: Sequence[Link[Engine]], how: Callable[[Engine], Awaitable[object]]
    ) -> None:
        """Have engines made ready: whoever serves first is waited for, the others do it beside
        the work. Raises EngineError when none could be."""
        failure: EngineError | None = None
        for number, link in enumerate(links):
            try:
                await how(link.engine)
            except EngineError as error:
                self.failed(link, error)
                failure = error
            else:
                for other in links[number + 1 :]:
                    self._beside(self._warm(other, how))
                return
        if failure is not None:
            raise failure

    def probe(self, ask: Callable[[Engine], Awaitable[object]]) -> None:
        """Try the engines that are left alone again, where that is due, beside the real work:
        nobody waits for what may not answer."""
        for link in self.links:
            if link.breaker.take_probe():
                self._beside(self._probe(link, ask))

    def _beside(self, work: Coroutine[Any, Any, None]) -> None:
        task = asyncio.create_task(work, name=f"beside {self._leg}")
        self._tasks.add(task)
        task.add_done_callback(self._tasks.discard)

    async def _warm(self, link: Link[Engine], how: Callable[[Engine], Awaitable[object]]) -> None:
        try:
            await how(link.engine)
        except EngineError as error:
            self.failed(link, error)

    async def aclose(self) -> None:
        """Stop what is done beside the work."""
        for task in self._tasks:
            task.cancel()
        await asyncio.gather(*self._tasks, return_exceptions=True)

    async def _probe(self, link: Link[Engine], ask: Callable[[Engine], Awaitable[object]]) -> None:
        try:
            async with asyncio.timeout(PROBE_S):
                await ask(link.engine)
        except EngineError as error:
            self.failed(link, error)
        except TimeoutError:
            self.failed(link, EngineError("engine_timeout", "The engine did not answer."))
        except BaseException:
            link.breaker.given_up()
            raise
        else:
            link.breaker.succeeded()
            self._show(link)

    def _show(self, link: Link[Engine]) -> None:
        metrics.set_circuit(link.engine.name, self._leg, is_open=not link.breaker.closed)
