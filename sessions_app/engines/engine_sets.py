"""Sets of engines, shared by all the runs that want the same ones with the same keys.

Engines own processes, threads and connections that belong to the event loop they were made
on, so every loop has its own. A set is made by the first that asks, kept while a run uses it
and a while longer, and closed after that. One that could not be made is made anew for the
next that asks: a key may have been mended.
"""

from __future__ import annotations

import asyncio
import logging
from collections import OrderedDict
from collections.abc import Callable
from typing import Any, Literal

from django.conf import settings

from pipeline import metrics
from pipeline.bounds import (
    ENGINE_SET_CLOSE_S,
    ENGINE_SET_IDLE_S,
    ENGINE_SET_START_S,
    ENGINE_SETS_MAX,
)
from pipeline.guards.guarding import LIMITED, Guards
from pipeline.plan import Engines
from pipeline.ports import EngineError
from sessions_app.engines.engine_access import Wanted

log = logging.getLogger(__name__)

Make = Callable[[Wanted], Engines]
"""Blocking, cheap enough for a thread, and starts no process yet. Raises EngineError."""
PASSING = frozenset({"vendor_unreachable", "vendor_failed", "vendor_busy", "engine_timeout"})
"""Failures of a start that the engine may get over by itself."""
State = Literal["starting", "ready", "failed"]


class EngineSet:
    """One set on its way from being made to being closed."""

    def __init__(self, wanted: Wanted, making: asyncio.Task[Engines], guards: Guards) -> None:
        self.wanted = wanted
        self.making = making
        self.guards = guards
        """Shared by all its runs."""
        self.users = 0
        self.closer: asyncio.TimerHandle | None = None

    @property
    def state(self) -> State:
        if not self.making.done():
            return "starting"
        failed = self.making.cancelled() or self.making.exception() is not None
        return "failed" if failed else "ready"

    @property
    def engines(self) -> Engines | None:
        """None unless it is ready."""
        return self.making.result() if self.state == "ready" else None

    def status(self) -> dict[str, Any]:
        """For the health page: no key, and nobody's name."""
        found: dict[str, Any] = {"state": self.state}
        if self.engines is not None:
            found |= self.engines.names()
            if left_alone := self.guards.left_alone():
                found["left_alone"] = left_alone
        elif self.state == "failed":
            found |= {"code": _code_of(self.making), "ok": False}
        return found


class Lease:
    """A set that is kept for its holder until it is released."""

    def __init__(self, engines: Engines, guards: Guards, release: Callable[[], None]) -> None:
        self.engines = engines
        self.guards = guards
        self._release: Callable[[], None] | None = release

    def release(self) -> None:
        """Idempotent."""
        release, self._release = self._release, None
        if release is not None:
            release()

    def __enter__(self) -> Engines:
        return self.engines

    def __exit__(self, *_: object) -> None:
        self.release()


class EngineSets:
    """The sets of one event loop."""

    def __init__(
        self, make: Make, *, most: int = ENGINE_SETS_MAX, idle_s: float = ENGINE_SET_IDLE_S
    ) -> None:
        self._make = make
        self._most = most
        self._idle_s = idle_s
        self._sets: OrderedDict[Wanted, EngineSet] = OrderedDict()
        """The one used longest ago first."""
        self._pinned: Wanted | None = None
        self._closing: set[asyncio.Task[None]] = set()
        metrics.track_queue("engine_sets", self, lambda sets: len(sets._sets))

    async def lease(self, wanted: Wanted) -> Lease:
        """The set, made if it is not there. Raises EngineError."""
        one = self._get(wanted)
        one.users += 1
        if one.closer is not None:
            one.closer.cancel()
            one.closer = None
        try:
            # One caller that gives up must not stop what others wait for.
            engines = await asyncio.shield(one.making)
        except BaseException:
            self._leave(one)
            raise
        return Lease(engines, one.guards, lambda: self._leave(one))

    def warm(self, wanted: Wanted) -> None:
        """Have the set made in the background, and keep it also while no run uses it."""
        self._pinned = wanted
        self._get(wanted)

    def ready(self, wanted: Wanted) -> Engines | None:
        """The set if it is there and loaded; for questions only, from any thread."""
        one = self._sets.get(wanted)
        return one.engines if one is not None else None

    def pinned(self) -> EngineSet | None:
        return self._sets.get(self._pinned) if self._pinned is not None else None

    def all(self) -> list[EngineSet]:
        return list(self._sets.values())

    async def aclose(self) -> None:
        """Close every set, used or not, and wait for it."""
        for one in self.all():
            self._close(one)
        while self._closing:
            await asyncio.gather(*self._closing, return_exceptions=True)

    # Made --------------------------------------------------------------------------

    def _get(self, wanted: Wanted) -> EngineSet:
        one = self._sets.get(wanted)
        if one is not None and one.state == "failed":
            self._drop(one)
            one = None
        if one is None:
            self._make_room()
            guards = Guards(dict.fromkeys(LIMITED, settings.MAX_CONCURRENT_REQUESTS))
            making = asyncio.create_task(self._made(wanted, guards), name="engines")
            # A failure that nobody waits for is in the health report.
            making.add_done_callback(lambda done: done.cancelled() or done.exception())
            one = self._sets[wanted] = EngineSet(wanted, making, guards)
        self._sets.move_to_end(wanted)
        return one

    async def _made(self, wanted: Wanted, guards: Guards) -> Engines:
        made: Engines | None = None
        try:
            async with asyncio.timeout(ENGINE_SET_START_S):
                made = await asyncio.to_thread(self._make, wanted)
                for role, error in (await made.connect()).items():
                    if not (wanted.may_fail and error.code in PASSING):
                        raise error
                    log.warning("engine not reached", extra={"code": error.code, "role": role})
                    guards.leave_alone(made.names()[role], role, error.code)
        except BaseException as error:
            if made is not None:
                await _close_quietly(made)
            if isinstance(error, EngineError):
                log.warning("engines did not start", extra={"code": error.code})
                raise
            if isinstance(error, TimeoutError):
                log.warning("engines did not start", extra={"code": "engine_timeout"})
                raise EngineError(
                    "engine_timeout", "The engines did not start in time; try again."
                ) from error
            if not isinstance(error, Exception):
                raise
            log.exception("engines did not start", extra={"code": "engine_failed"})
            raise EngineError(
                "engine_failed", "The server's engines could not be started."
            ) from error
        return made

    # Closed ------------------------------------------------------------------------

    def _make_room(self) -> None:
        """Close what was used longest ago until one more set fits. Raises EngineError."""
        for one in self.all():
            if len(self._sets) < self._most:
                return
            if not one.users and one.wanted != self._pinned:
                self._close(one)
        if len(self._sets) >= self._most:
            raise EngineError(
                "engine_sets_full",
                "Too many different engines and keys are in use at once; try again later.",
            )

    def _leave(self, one: EngineSet) -> None:
        one.users -= 1
        if one.users or self._sets.get(one.wanted) is not one or one.wanted == self._pinned:
            return
        self._sets.move_to_end(one.wanted)
        one.closer = asyncio.get_running_loop().call_later(self._idle_s, self._close, one)

    def _close(self, one: EngineSet) -> None:
        self._drop(one)
        closing = asyncio.create_task(_close_when_made(one.making), name="closing engines")
        self._closing.add(closing)
        closing.add_done_callback(self._closing.discard)

    def _drop(self, one: EngineSet) -> None:
        if one.closer is not None:
            one.closer.cancel()
            one.closer = None
        if self._sets.get(one.wanted) is one:
            del self._sets[one.wanted]


async def _close_when_made(making: asyncio.Task[Engines]) -> None:
    (made,) = await asyncio.gather(making, return_exceptions=True)
    if isinstance(made, Engines):
        await _close_quietly(made)


async def _close_quietly(engines: Engines) -> None:
    try:
        async with asyncio.timeout(ENGINE_SET_CLOSE_S):
            await engines.aclose()
    except TimeoutError:
        log.warning("engines did not close in time")
    except Exception:
        log.exception("engines did not close well")


def _code_of(making: asyncio.Task[Engines]) -> str:
    error = None if making.cancelled() else making.exception()
    return error.code if isinstance(error, EngineError) else "engine_failed"
