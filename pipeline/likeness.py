"""Gathers each speaker's clean speech and has their voice shaped after it.

Speakers start with a stock voice at once; as soon as enough of their speech has
been heard a clone is made beside the live path, and the casting swaps it in, which
takes effect at the next clause. A second, last clone uses the full reference.
"""

from __future__ import annotations

import asyncio
import logging
from collections import defaultdict
from collections.abc import Awaitable, Callable

import numpy as np

from pipeline.bounds import SPEAKERS_MAX
from pipeline.casting import Casting
from pipeline.ports import EngineError, VoiceCloner
from pipeline.types import SAMPLE_RATE_HZ, Pcm, Voice

log = logging.getLogger(__name__)


class Likeness:
    """One run's voices in the making. Audio stays in memory and goes with the run."""

    def __init__(
        self, cloner: VoiceCloner, casting: Casting, warm: Callable[[Voice], Awaitable[None]]
    ) -> None:
        self._cloner = cloner
        self._casting = casting
        self._warm = warm
        self._speech: defaultdict[str, list[Pcm]] = defaultdict(list)
        self._cloned_from_s: dict[str, float] = {}
        self._tasks: dict[str, asyncio.Task[None]] = {}
        self._made: list[Voice] = []

    def collect(self, speaker: str, pcm: Pcm) -> None:
        """Take clean speech of a speaker; starts a clone when there is enough."""
        cloned_s = self._cloned_from_s.get(speaker, 0.0)
        if cloned_s >= self._cloner.enough_s or speaker in self._tasks:
            return
        if speaker not in self._speech and len(self._speech) >= SPEAKERS_MAX:
            return
        pieces = self._speech[speaker]
        pieces.append(pcm)
        speech_s = sum(map(len, pieces)) / SAMPLE_RATE_HZ
        wanted_s = self._cloner.enough_s if cloned_s else self._cloner.needs_s
        if speech_s >= wanted_s:
            self._tasks[speaker] = asyncio.create_task(self._clone(speaker, speech_s))

    async def _clone(self, speaker: str, speech_s: float) -> None:
        try:
            sample = np.concatenate(self._speech[speaker])
            stock = self._casting.stock_voice(speaker)
            voice = await self._cloner.clone(sample, stock)
            self._made.append(voice)
            await self._warm(voice)
            self._casting.replace(speaker, voice)
        except EngineError as error:
            # Not fatal: the stock voice goes on, and more speech may serve better.
            log.info("voice not shaped", extra={"speaker": speaker, "code": error.code})
        finally:
            self._cloned_from_s[speaker] = speech_s
            if speech_s >= self._cloner.enough_s:
                self._speech[speaker].clear()
            self._tasks.pop(speaker, None)

    async def aclose(self) -> None:
        tasks = list(self._tasks.values())
        for task in tasks:
            task.cancel()
        await asyncio.gather(*tasks, return_exceptions=True)
        self._speech.clear()
        # Not before the end: a clause may still be spoken with the voice before the last.
        made, self._made = self._made, []
        await asyncio.gather(*map(self._cloner.forget, made), return_exceptions=True)
