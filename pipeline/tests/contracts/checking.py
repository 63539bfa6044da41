"""What the contracts of all roles share."""

from __future__ import annotations

import asyncio
import functools
import os
import re
from collections import Counter
from collections.abc import AsyncIterator, Awaitable, Callable, Collection
from contextlib import asynccontextmanager
from pathlib import Path
from typing import Any, ParamSpec

from pipeline.guards.breaker import OF_THE_REQUEST
from pipeline.ports import EngineError
from pipeline.tests.waiting import SETTLE_S, until

Asked = ParamSpec("Asked")

REAL_VENDORS = os.environ.get("CONTRACT_REAL_VENDORS") == "1"
CONNECT_S = 60.0
"""For processes that load models on a machine that is busy."""
_SERVERS = re.compile(r"AioServer|RequestHandler|pipeline/emulators|connection_handler")


def given(name: str) -> str:
    """A real vendor's key or key file; "" where its engines are no subjects."""
    return os.environ.get(name, "") if REAL_VENDORS else ""


def google_keys() -> str:
    """Text of the service account's JSON."""
    return Path(given("GOOGLE_CLOUD_CREDENTIALS_PATH")).read_text(encoding="utf-8")


def within(
    seconds: float,
) -> Callable[[Callable[Asked, Awaitable[None]]], Callable[Asked, Awaitable[None]]]:
    """A test's own limit: an engine that hangs fails it by name."""

    def bounded(test: Callable[Asked, Awaitable[None]]) -> Callable[Asked, Awaitable[None]]:
        @functools.wraps(test)
        async def run(*args: Asked.args, **kwargs: Asked.kwargs) -> None:
            async with asyncio.timeout(seconds):
                await test(*args, **kwargs)

        return run

    return bounded


_CONNECTIONS = ("Connection.keepalive", "VoiceSocket._read")


@asynccontextmanager
async def nothing_left() -> AsyncIterator[None]:
    """Whatever is begun inside has ended soon after it."""
    before = _kinds(_tasks())
    yield
    try:
        await until(lambda: not _kinds(_tasks()) - before)
    except TimeoutError:
        left = sorted(map(repr, _tasks()))
        raise AssertionError(f"left behind: {_kinds(_tasks()) - before} of {left}") from None


def _kinds(tasks: set[asyncio.Task[Any]]) -> Counter[str]:
    """How many of each, but for open connections: an engine keeps some for the next clause,
    one more where many were given up at once, and has tests of its own for how many."""
    kinds = Counter(getattr(task.get_coro(), "__qualname__", repr(task)) for task in tasks)
    for kept in _CONNECTIONS:
        del kinds[kept]
    return kinds


def _tasks() -> set[asyncio.Task[Any]]:
    """All that run but those of emulated vendors' servers, which come and go by themselves."""
    return {task for task in asyncio.all_tasks() if not _SERVERS.search(repr(task))}


async def stopped(*tasks: asyncio.Task[Any]) -> None:
    """Tasks whose engine was closed under them end soon, at most with an EngineError."""
    done, late = await asyncio.wait(tasks, timeout=SETTLE_S)
    for task in late:
        task.cancel()
    assert not late, f"not released: {[task.get_name() for task in late]}"
    for task in done:
        assert not task.cancelled()
        if (error := task.exception()) is not None:
            assert isinstance(error, EngineError), repr(error)


def refused_for_good(error: EngineError, codes: Collection[str]) -> None:
    """A request that will never be met, told so that a user understands it."""
    assert error.code in codes
    assert error.code in OF_THE_REQUEST, "else it would be held against the vendor's health"
    assert not error.recoverable
    plain(error)


def plain(error: EngineError) -> None:
    """The message is a sentence, and nothing in it was written for programmers."""
    message = str(error)
    assert 10 <= len(message) <= 1_000
    # A product's own name may begin in lower case.
    assert message[0].isupper() or message.startswith("espeak-ng"), message
    assert message.rstrip()[-1] in ".!?", message
    # Names that a person has chosen are quoted.
    said = re.sub("“.*?”", "", message)
    assert not re.search(r"Error|Exception|Traceback|None|[{}<>]|\w\.\w+\(|\w_\w", said), message
