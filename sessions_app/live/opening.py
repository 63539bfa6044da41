"""Calls that open a session in the database, whose caller may be gone before they end."""

from __future__ import annotations

import asyncio
import logging
from collections.abc import Callable
from typing import Any, TypeVar

from accounts.orm_thread import in_orm_thread

log = logging.getLogger(__name__)

T = TypeVar("T")

_under_way: set[asyncio.Task[Any]] = set()
"""Calls, and what takes back those that nobody waits for any more."""
_opening = 0


def opening() -> int:
    """Sessions that are being opened just now; the process's."""
    return _opening


async def in_time(
    function: Callable[[], T], undo: Callable[[], object] | None = None, *, timeout_s: float
) -> T:
    """Call a function that uses the ORM. Raises TimeoutError and what it raises.

    A thread cannot be stopped: what it has done after all when nobody waits any more, because
    the time was up or the client had gone, is taken back by ``undo``.
    """
    global _opening
    call = asyncio.create_task(in_orm_thread(function), name="open session")
    _keep(call)
    _opening += 1
    try:
        async with asyncio.timeout(timeout_s):
            return await asyncio.shield(call)
    except (TimeoutError, asyncio.CancelledError):
        if not call.cancelled():
            _keep(asyncio.create_task(_take_back(call, undo), name="take back"))
        raise
    finally:
        _opening -= 1


async def _take_back(call: asyncio.Task[Any], undo: Callable[[], object] | None) -> None:
    try:
        await call
        if undo is not None:
            await in_orm_thread(undo)
    except Exception as error:
        # Then nothing was done, or the hold runs out by itself.
        log.info("opened too late", extra={"error": type(error).__name__})


def _keep(task: asyncio.Task[Any]) -> None:
    _under_way.add(task)
    task.add_done_callback(_under_way.discard)
