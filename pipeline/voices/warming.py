"""Has voices dialled for before they are spoken with."""

from __future__ import annotations

import asyncio
import logging

from pipeline.bounds import SPEAKERS_MAX
from pipeline.ports import EngineError, Synthesizer
from pipeline.types import Voice

log = logging.getLogger(__name__)


class Warming:
    """One run's: each voice once, nobody waits for it."""

    def __init__(self, synthesizer: Synthesizer, language: str) -> None:
        self._synthesizer = synthesizer
        self._language = language
        self._warmed: set[str] = set()
        self._tasks: set[asyncio.Task[None]] = set()

    def soon(self, voice: Voice) -> None:
        """Have a voice dialled for while its line is being translated."""
        if voice.id not in self._warmed and len(self._tasks) < SPEAKERS_MAX:
            self._warmed.add(voice.id)
            task = asyncio.create_task(self.now(voice))
            self._tasks.add(task)
            task.add_done_callback(self._tasks.discard)

    async def now(self, voice: Voice) -> None:
        self._warmed.add(voice.id)
        try:
            await self._synthesizer.warm(voice, self._language)
        except EngineError as error:
            # The clause itself will say so, if it is still so by then.
            log.info("voice not warmed", extra={"voice": voice.id, "code": error.code})

    async def aclose(self) -> None:
        """Stop what is on its way. Idempotent."""
        tasks = list(self._tasks)
        for task in tasks:
            task.cancel()
        await asyncio.gather(*tasks, return_exceptions=True)
