"""What a run tells, waiting for whoever listens; bounded, in order."""

from __future__ import annotations

import asyncio
from typing import Generic, TypeVar

from pipeline import metrics
from pipeline.bounds import EVENTS_MAX
from pipeline.events import Event

T = TypeVar("T")


class Outbox(Generic[T]):
    def __init__(self) -> None:
        self._queue: asyncio.Queue[T | Event | None] = asyncio.Queue(EVENTS_MAX)
        metrics.track_queue("events", self, len)

    def __len__(self) -> int:
        return self._queue.qsize()

    async def put(self, output: T | Event) -> None:
        """Tell something; waits while the listener is far behind."""
        await self._queue.put(output)

    def offer(self, event: Event) -> None:
        """Tell what may be left out when the listener is slow."""
        if self._queue.qsize() < EVENTS_MAX // 2:
            self._queue.put_nowait(event)

    def insist(self, event: Event) -> None:
        """Tell at once what is left out only when nothing fits in any more."""
        if not self._queue.full():
            self._queue.put_nowait(event)

    async def get(self) -> T | Event | None:
        """The next output; None after the last."""
        return await self._queue.get()

    async def end(self) -> None:
        """Nothing more is told."""
        await self._queue.put(None)

    def cut(self) -> list[T | Event]:
        """End at once: what nobody has taken is taken back, and returned."""
        left = []
        while not self._queue.empty():
            if (output := self._queue.get_nowait()) is not None:
                left.append(output)
        self._queue.put_nowait(None)
        return left
