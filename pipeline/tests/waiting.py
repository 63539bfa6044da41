"""Waiting, with a bound, for what comes by itself and says nothing when it does."""

from __future__ import annotations

import asyncio
import time
from collections.abc import Callable
from typing import TypeVar

SETTLE_S = 20.0
"""For what this process does itself."""
WAIT_S = 90.0
"""For what another process does, on a machine that may be busy."""

Found = TypeVar("Found")


async def until(condition: Callable[[], bool], seconds: float = SETTLE_S) -> None:
    """Raises TimeoutError."""
    async with asyncio.timeout(seconds):
        while not condition():  # noqa: ASYNC110 - nobody tells
            await asyncio.sleep(0.01)


def wait_until(
    look: Callable[[], Found | None],
    *,
    within_s: float = WAIT_S,
    every_s: float = 0.05,
    what: str = "it",
) -> Found:
    """What ``look`` gives, once that is something; fails when that takes longer."""
    deadline = time.monotonic() + within_s
    while not (found := look()):
        assert time.monotonic() < deadline, f"{what} did not come within {within_s:g} s"
        time.sleep(every_s)
    return found
