"""Keeps what another process would need to go on with a session, should this one die."""

from __future__ import annotations

import asyncio
import logging
from collections.abc import Callable

from sessions_app.processes import shelf
from sessions_app.running.live_state import LiveState

log = logging.getLogger(__name__)

REFRESH_S = 10.0
"""What is put down expires, so it is put down anew while nothing changes."""
RETRY_S = 2.0


class Checkpoints:
    """One session's; ``mark`` costs nothing, writes are joined while one is under way."""

    def __init__(self, state: Callable[[], LiveState]) -> None:
        self._state = state
        self._changed = asyncio.Event()
        self._closed = False
        self._task: asyncio.Task[None] | None = None

    def start(self) -> None:
        self._task = asyncio.create_task(self._write(), name="checkpoints")

    def mark(self) -> None:
        """Something has changed."""
        self._changed.set()

    async def aclose(self) -> None:
        """Write nothing more; waits for a write under way, which is bounded. Idempotent."""
        # Not cancelled: redis-py turns that into an error of its own.
        self._closed = True
        self._changed.set()
        if self._task is not None:
            await self._task

    async def _write(self) -> None:
        # Nothing is worth keeping before the first run.
        await self._changed.wait()
        while not self._closed:
            self._changed.clear()
            try:
                done = await shelf.put(self._state())
            except Exception:  # the session itself must not suffer
                log.exception("session not put down")
                done = False
            await self._until_changed(REFRESH_S if done else RETRY_S)

    async def _until_changed(self, timeout_s: float) -> None:
        try:
            async with asyncio.timeout(timeout_s):
                await self._changed.wait()
        except TimeoutError:
            pass
