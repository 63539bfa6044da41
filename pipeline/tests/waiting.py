"""Waiting, with a bound, for what comes by itself and says nothing when it does."""

from __future__ import annotations

import asyncio
from collections.abc import Callable

SETTLE_S = 20.0


async def until(condition: Callable[[], bool], seconds: float = SETTLE_S) -> None:
    """Raises TimeoutError."""
    async with asyncio.timeout(seconds):
        while not condition():  # noqa: ASYNC110 - nobody tells
            await asyncio.sleep(0.01)
