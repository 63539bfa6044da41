"""Hypotheses on their way to whoever reads them: bounded, of partials only the newest."""

from __future__ import annotations

import asyncio
from collections import deque

from pipeline import metrics
from pipeline.bounds import UNREAD_MAX
from pipeline.ports import EngineError
from pipeline.types import Hypothesis


class Unread:
    """One event loop; any number of producers, one reader."""

    def __init__(self) -> None:
        self._waiting: deque[Hypothesis] = deque()
        self._wake = asyncio.Event()
        self._room = asyncio.Event()
        self._room.set()
        self._failure: EngineError | None = None
        self._ended = False
        metrics.track_queue("hypotheses_unread", self, lambda one: len(one._waiting))

    @property
    def is_over(self) -> bool:
        return self._ended or self._failure is not None

    @property
    def failure(self) -> EngineError | None:
        return self._failure

    @property
    def is_full(self) -> bool:
        return not self._room.is_set()

    async def room(self) -> None:
        """Wait until more may be put in; producers ask before they read on."""
        await self._room.wait()

    def put(self, hypothesis: Hypothesis) -> None:
        if self._waiting and not self._waiting[-1].is_final:
            self._waiting.pop()
        self._waiting.append(hypothesis)
        if len(self._waiting) >= UNREAD_MAX:
            self._room.clear()
        self._wake.set()

    def fail(self, failure: EngineError) -> None:
        """What waits is still read; then the reader meets the failure."""
        self._failure = self._failure or failure
        self._over()

    def end(self) -> None:
        self._ended = True
        self._over()

    async def next(self) -> Hypothesis | None:
        """None: the end. Raises EngineError where there was a failure."""
        while not self._waiting:
            if self._failure is not None and not self._ended:
                raise self._failure
            if self._ended:
                return None
            self._wake.clear()
            await self._wake.wait()
        hypothesis = self._waiting.popleft()
        if len(self._waiting) < UNREAD_MAX:
            self._room.set()
        return hypothesis

    def _over(self) -> None:
        self._room.set()
        self._wake.set()
