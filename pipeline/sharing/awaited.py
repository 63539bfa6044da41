"""Translations that another run makes: lines wait for them here, in whatever order they come."""

from __future__ import annotations

import asyncio

from pipeline.bounds import TRANSLATION_S
from pipeline.ports import EngineError
from pipeline.sharing.shared import SharedTranslation
from pipeline.speaking.making import Translation, in_time


class Awaited:
    """Of one run; lines have the numbers of the run that is followed."""

    def __init__(self) -> None:
        self._coming: dict[int, asyncio.Future[Translation]] = {}
        self._own: dict[int, int] = {}
        """Lines that are committed here → their own numbers."""
        self._tasks: set[asyncio.Task[Translation]] = set()

    def expect(self, line: int) -> None:
        """The line has come, and its translation may from now on."""
        if line not in self._coming:
            self._coming[line] = asyncio.get_running_loop().create_future()

    def forget(self, line: int) -> None:
        """Nobody will wait for it."""
        self._coming.pop(line, None)

    def wait_for(self, line: int, own: int) -> asyncio.Task[Translation]:
        """The translation of a line that is the ``own``-th here.

        It raises EngineError when it failed there, or does not come in time.
        """
        self.expect(line)
        coming = self._coming[line]
        self._own[line] = own

        async def awaited() -> Translation:
            async with in_time(TRANSLATION_S, "The translation did not come in time."):
                return await asyncio.shield(coming)

        def note(done: asyncio.Task[Translation]) -> None:
            self._tasks.discard(done)
            # Cancelled, the run winds down: whoever goes on with it waits again.
            if not done.cancelled():
                self._coming.pop(line, None)
                self._own.pop(line, None)

        task = asyncio.create_task(awaited())
        self._tasks.add(task)
        task.add_done_callback(note)
        return task

    def resolve(self, item: SharedTranslation) -> None:
        """It has come, or failed; one that nobody expects is left aside."""
        coming = self._coming.get(item.line)
        if coming is None or coming.done():
            return
        if item.failed:
            _fail(coming, EngineError(item.failed, item.message, recoverable=False))
        else:
            coming.set_result(Translation(item.text, item.took_ms))

    def fail(self, error: EngineError) -> None:
        """None comes any more."""
        for coming in self._coming.values():
            if not coming.done():
                _fail(coming, error)

    def open(self) -> dict[int, int]:
        """Committed lines whose translation has not come → their own numbers."""
        return {line: own for line, own in self._own.items() if not self._coming[line].done()}

    async def aclose(self) -> None:
        """Wait no longer. Idempotent."""
        tasks = list(self._tasks)
        for task in tasks:
            task.cancel()
        await asyncio.gather(*tasks, return_exceptions=True)


def _fail(coming: asyncio.Future[Translation], error: EngineError) -> None:
    coming.set_exception(error)
    # Whoever waits for it gets it; one that nobody waits for is no fault of ours.
    coming.exception()
