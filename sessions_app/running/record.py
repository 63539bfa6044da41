"""Finished lines on their way to the database: in batches, bounded, off the live path.

A database that is down never stops dubbing. Lines wait for it up to a bound, then the
oldest go and are counted.
"""

from __future__ import annotations

import asyncio
import contextlib
import logging
import time
from collections import deque
from collections.abc import Awaitable, Callable, Sequence

from pipeline import metrics
from pipeline.bounds import BATCH_MAX
from pipeline.bounds import LINES_UNWRITTEN_MAX as WAITING_MAX
from pipeline.reporting.record import LineRecord

log = logging.getLogger(__name__)

BATCH_WAIT_S = 3.0
RETRY_FIRST_S = 0.5
RETRY_MAX_S = 15.0
HURRY_S = 0.5
"""The shortest pause between two tries, also while somebody waits for them."""
CLOSE_S = 5.0
HEARTBEAT_S = 15.0

SaveLines = Callable[[Sequence[LineRecord]], Awaitable[None]]
"""Writes lines and says that the connection lives; lines may come again after an error."""


class LineWriter:
    """One connection's writer. ``offer`` never waits.

    ``then`` is done after every write, and nobody who waits for lines waits for it.
    """

    def __init__(
        self,
        save: SaveLines,
        *,
        then: Callable[[], Awaitable[object]] | None = None,
        heartbeat_s: float = HEARTBEAT_S,
    ) -> None:
        self._save = save
        self._then = then
        self._heartbeat_s = heartbeat_s
        self._waiting: deque[LineRecord] = deque()
        self._writing = 0
        self._wake = asyncio.Event()
        self._hurry = asyncio.Event()
        """Somebody waits for what is written: a retry is not put off."""
        self._settled = asyncio.Event()
        self._settled.set()
        self._task: asyncio.Task[None] | None = None
        self.lost = 0
        metrics.track_queue("lines_unwritten", self, lambda one: len(one._waiting) - one._writing)

    def start(self) -> None:
        self._task = asyncio.create_task(self._write(), name="line writer")

    def offer(self, line: LineRecord) -> bool:
        """Take a line; False when an older one had to go for it."""
        self._waiting.append(line)
        self._settled.clear()
        overfull = len(self._waiting) - self._writing > WAITING_MAX
        if overfull:
            # Lines being written stand at the front and must stay there.
            del self._waiting[self._writing]
            self.lost += 1
        self._wake.set()
        return not overfull

    def waiting(self) -> list[LineRecord]:
        """Lines that are not written yet, oldest first."""
        return list(self._waiting)

    def soon(self) -> None:
        """Have the next write done now, whatever there is to write."""
        self._wake.set()
        self._hurry.set()

    async def flush(self, *, timeout_s: float = CLOSE_S) -> bool:
        """Wait until everything offered is written; False when the time is up."""
        self.soon()
        with contextlib.suppress(TimeoutError):
            async with asyncio.timeout(timeout_s):
                await self._settled.wait()
        self._hurry.clear()
        return self._settled.is_set()

    async def aclose(self, *, timeout_s: float = CLOSE_S) -> None:
        """Flush, then stop; what is left is counted as lost. Idempotent."""
        if self._task is None:
            return
        await self.flush(timeout_s=timeout_s)
        self._task.cancel()
        await asyncio.gather(self._task, return_exceptions=True)
        self._task = None
        self.lost += len(self._waiting)
        self._waiting.clear()
        self._settled.set()

    async def _write(self) -> None:
        retry_s = RETRY_FIRST_S
        last_saved = time.monotonic()
        while True:
            if not self._waiting:
                self._settled.set()
                self._wake.clear()
                with contextlib.suppress(TimeoutError):
                    due_s = max(0.0, last_saved + self._heartbeat_s - time.monotonic())
                    async with asyncio.timeout(due_s):
                        await self._wake.wait()
                    # More lines follow soon: one write for all of them, unless it hurries.
                    async with asyncio.timeout(BATCH_WAIT_S):
                        await self._hurry.wait()
                self._hurry.clear()
            batch = [self._waiting[n] for n in range(min(BATCH_MAX, len(self._waiting)))]
            self._writing = len(batch)
            try:
                await self._save(batch)
            except Exception as error:  # whatever the database driver raises
                log.warning(
                    "lines not written",
                    extra={"waiting": len(self._waiting), "error": type(error).__name__},
                )
                self._writing = 0
                await self._pause(retry_s)
                retry_s = min(retry_s * 2, RETRY_MAX_S)
                continue
            for _ in batch:
                self._waiting.popleft()
            self._writing = 0
            last_saved = time.monotonic()
            retry_s = RETRY_FIRST_S
            if not self._waiting:
                self._settled.set()
            if self._then is not None:
                await self._then()

    async def _pause(self, seconds: float) -> None:
        await asyncio.sleep(min(seconds, HURRY_S))
        with contextlib.suppress(TimeoutError):
            async with asyncio.timeout(max(0.0, seconds - HURRY_S)):
                await self._hurry.wait()
