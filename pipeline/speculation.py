"""Translates what is likely to be committed next, so that committing it costs nothing.

One guess at a time: a newer one takes the place of an older, whose work is cancelled at the
vendor. A guess counts only when it is committed exactly as it was.
"""

from __future__ import annotations

import asyncio
from collections.abc import Callable, Coroutine
from typing import Any

from pipeline import metrics
from pipeline.making import Translation
from pipeline.ports import EngineError, TranslationRequest

Translate = Callable[[TranslationRequest], Coroutine[Any, Any, Translation]]


class Speculation:
    """One run's. ``clock`` gives seconds."""

    def __init__(self, translate: Translate, clock: Callable[[], float]) -> None:
        self._translate = translate
        self._clock = clock
        self._request: TranslationRequest | None = None
        self._task: asyncio.Task[Translation] | None = None

    def expect(self, request: TranslationRequest) -> None:
        """``request`` is likely to be made soon: begin with it, unless that is so already."""
        if request == self._request:
            return
        self._drop("replaced")
        self._request = request
        self._task = asyncio.create_task(self._translate(request))
        # Nobody may ever ask for it, and then a failure is nobody's.
        self._task.add_done_callback(lambda done: done.cancelled() or done.exception())

    async def translate(self, request: TranslationRequest) -> Translation:
        """The translation, begun long ago or now; ``took_ms`` counts from now.

        Raises EngineError. A guess that failed is asked for again, if that may help.
        """
        began = self._clock()
        task = self._take(request)
        if task is not None:
            try:
                text = (await task).text
            except EngineError as error:
                metrics.count_speculation("failed")
                if not error.recoverable:
                    raise
            else:
                metrics.count_speculation("used")
                return Translation(text, (self._clock() - began) * 1000)
            finally:
                # Where the line itself is given up, nobody wants it.
                task.cancel()
        done = await self._translate(request)
        return Translation(done.text, (self._clock() - began) * 1000)

    async def aclose(self) -> None:
        """Stop what is on its way. Idempotent."""
        if (task := self._task) is not None:
            self._drop("replaced")
            await asyncio.gather(task, return_exceptions=True)

    def _take(self, request: TranslationRequest) -> asyncio.Task[Translation] | None:
        task = self._task
        if request != self._request or task is None:
            self._drop("missed")
            return None
        self._request = self._task = None
        return task

    def _drop(self, outcome: str) -> None:
        if self._task is not None:
            metrics.count_speculation(outcome)
            self._task.cancel()
        self._request = self._task = None
