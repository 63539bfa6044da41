"""The engines that this process has loaded, by event loop: leased to sessions, asked by pages.

Nothing has to be stopped at exit: an engine's process leaves when its pipe closes.
"""

from __future__ import annotations

import asyncio
import functools
import logging
import weakref
from collections.abc import Callable, Mapping
from concurrent.futures import TimeoutError as FutureTimeoutError
from typing import Any, TypeVar

from django.conf import settings
from django.utils.module_loading import import_string

from pipeline.bounds import ENGINES_ASKED_S
from pipeline.plan import Engines
from pipeline.ports import EngineError
from sessions_app.engines.engine_access import (
    Wanted,
    access_of,
    installation_access,
    vendors_of,
    wanted_by,
)
from sessions_app.engines.engine_sets import EngineSets, Lease

log = logging.getLogger(__name__)

Answer = TypeVar("Answer")
_sets: weakref.WeakKeyDictionary[asyncio.AbstractEventLoop, EngineSets] = (
    weakref.WeakKeyDictionary()
)
_refusal: dict[str, Any] = {}
"""Why the installation by itself, without anybody's own keys, has no engines."""


def make_engines(wanted: Wanted | None = None) -> Engines:
    """A new set, by default of the installation's. Raises EngineError."""
    # Tests put sets of their own here.
    if make := getattr(settings, "DUBBING_ENGINES", None):
        made: Engines = import_string(make)()
        return made
    # Imported late: a management command that dubs nothing should not load models.
    from pipeline.providers import registry

    wanted = wanted or installation_access().want()
    return registry.make_engines(wanted.settings, wanted.providers)


def sets() -> EngineSets:
    """The running loop's."""
    loop = asyncio.get_running_loop()
    found = _sets.get(loop)
    if found is None:
        found = _sets[loop] = EngineSets(make_engines)
    return found


async def lease(user_id: int, wish: Mapping[str, str] | None = None) -> Lease:
    """The engines that somebody's session gets; kept until released. Raises EngineError."""
    return await sets().lease(await wanted_by(user_id, wish))


async def engines() -> Engines:
    """The installation's, which stay loaded on this loop from now on. Raises EngineError."""
    begin_warming(again=True)
    with await sets().lease(installation_access().want()) as made:
        return made


def begin_warming(*, again: bool = False) -> None:
    """Have the installation's engines loaded in the background, once."""
    if asyncio.get_running_loop() in _sets and not again:
        return
    _refusal.clear()
    ours = sets()
    try:
        ours.warm(installation_access().want())
    except EngineError as error:
        # Where people bring their own keys, a server without any is as it should be.
        own = settings.ALLOW_USER_KEYS and error.code == "key_missing"
        state = {"state": "ready"} if own else {"state": "failed", "ok": False}
        _refusal.update(state, code=error.code)
        log.log(
            logging.INFO if own else logging.WARNING,
            "no engines for the installation",
            extra={"code": error.code},
        )


async def close_engines() -> None:
    """Stop the running loop's engines, if it has any."""
    ours = _sets.pop(asyncio.get_running_loop(), None)
    if ours is not None:
        await ours.aclose()
    _refusal.clear()


def engine_status() -> dict[str, Any]:
    """For the health page, from any thread: ``state`` is idle, starting, ready or failed, then
    the names of the installation's engines; ``sets`` are all that this process has.

    ``ok`` is False when the installation's could not be made.
    """
    found: dict[str, Any] = {"state": "idle", **_refusal}
    everything = []
    for ours in list(_sets.values()):
        if (pinned := ours.pinned()) is not None:
            found = pinned.status()
        everything += [{**one.status(), "runs": one.users} for one in ours.all()]
    return {**found, "sets": everything}


def ask(
    user_id: int, question: Callable[[Engines], Answer], *, wish: Mapping[str, str] | None = None
) -> Answer:
    """Ask somebody's engines about languages or voices; for threads of pages, and bounded.

    ``wish``: role → engine, for others than a session gets that wishes for nothing.
    Raises EngineError.
    """
    wanted = access_of(user_id).want(wish)
    for loop, ours in list(_sets.items()):
        if (loaded := ours.ready(wanted)) is not None:
            return question(loaded)
        if loop.is_running():
            # Engines live on the loop that serves; another one's would be of no use to it.
            future = asyncio.run_coroutine_threadsafe(_asked(ours, wanted, question), loop)
            try:
                return future.result(ENGINES_ASKED_S)
            except FutureTimeoutError:
                future.cancel()
                raise EngineError("engine_timeout", "The engines do not answer yet.") from None
    if not vendors_of(wanted.providers):
        return question(_built_to_ask(wanted, getattr(settings, "DUBBING_ENGINES", "")))
    return asyncio.run(_asked_alone(wanted, question))


@functools.lru_cache(maxsize=4)
def _built_to_ask(wanted: Wanted, instead: str) -> Engines:  # noqa: ARG001 - part of the key
    """Engines of this machine, which know their languages and voices before they start."""
    return make_engines(wanted)


async def _asked(ours: EngineSets, wanted: Wanted, question: Callable[[Engines], Answer]) -> Answer:
    with await ours.lease(wanted) as made:
        return question(made)


async def _asked_alone(wanted: Wanted, question: Callable[[Engines], Answer]) -> Answer:
    ours = EngineSets(make_engines)
    try:
        async with asyncio.timeout(ENGINES_ASKED_S):
            return await _asked(ours, wanted, question)
    except TimeoutError:
        raise EngineError("engine_timeout", "The engines did not answer in time.") from None
    finally:
        await ours.aclose()
