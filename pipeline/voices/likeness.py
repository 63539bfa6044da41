"""Gathers each speaker's clean speech and has their voice shaped after it.

Speakers start with a stock voice at once; as soon as enough of their speech has
been heard a clone is made beside the live path, and the casting swaps it in, which
takes effect at the next clause. A second, last clone uses the full reference.

Where voices are kept beside the run, one that was shaped before is swapped in the same way.
"""

from __future__ import annotations

import asyncio
import logging
from collections import defaultdict
from collections.abc import Awaitable, Callable

import numpy as np

from pipeline.bounds import SPEAKERS_MAX
from pipeline.ports import EngineError, VoiceCloner
from pipeline.types import SAMPLE_RATE_HZ, Pcm, Voice
from pipeline.voices.casting import Casting
from pipeline.voices.kept_voices import KeptVoices
from pipeline.voices.made_voices import MadeVoices

log = logging.getLogger(__name__)


class Likeness:
    """One run's voices in the making. Audio stays in memory and goes with the run."""

    def __init__(
        self,
        cloner: VoiceCloner,
        casting: Casting,
        warm: Callable[[Voice], Awaitable[None]],
        kept: KeptVoices | None = None,
        allowed: Callable[[str], bool] = lambda _: True,
    ) -> None:
        """``allowed``: whether a speaker's speech may be made into a clone at all."""
        self._cloner = cloner
        self._allowed = allowed
        self._casting = casting
        self._warm = warm
        self._speech: defaultdict[str, list[Pcm]] = defaultdict(list)
        self._cloned_from_s: dict[str, float] = {}
        self._tasks: dict[str, asyncio.Task[None]] = {}
        self.made = MadeVoices(cloner)
        self._kept = kept
        self._recalls: dict[str, asyncio.Task[None]] = {}
        """Speakers that were looked for."""
        self._forgetting: set[asyncio.Task[None]] = set()
        self._one_look = asyncio.Lock()
        """Many at once would take the store's connections from others."""

    def recall(self, speaker: str, *, known: bool, again: bool = False) -> None:
        """Look for the voice that ``speaker`` had before; nobody waits for it.

        Once, unless ``again``: then also after a look that has ended.

        ``known``: they are the same person as then, and what was shaped need not be shaped
        again. Of one who only came as the so-many-th of the same session that is likely but
        not sure: their own speech has the last word.
        """
        before = self._recalls.get(speaker)
        if before is None and len(self._recalls) >= SPEAKERS_MAX:
            return
        if self._kept is None or (before is not None and not (again and before.done())):
            return
        recall = self._recall(self._kept, speaker, known=known)
        self._recalls[speaker] = asyncio.create_task(recall)

    def rebase(self, speaker: str) -> None:
        """``speaker`` has another stock voice: that one is to be shaped after them."""
        self._cloned_from_s.pop(speaker, None)
        self._recalls.pop(speaker, None)
        pieces = self._speech.get(speaker, [])
        speech_s = sum(map(len, pieces)) / SAMPLE_RATE_HZ
        if not self._allowed(speaker):
            return
        if speaker not in self._tasks and speech_s >= self._cloner.needs_s:
            self._tasks[speaker] = asyncio.create_task(self._clone(speaker, speech_s))

    def collect(self, speaker: str, pcm: Pcm) -> None:
        """Take clean speech of a speaker; starts a clone when there is enough."""
        cloned_s = self._cloned_from_s.get(speaker, 0.0)
        if cloned_s >= self._cloner.enough_s or speaker in self._tasks:
            return
        if speaker not in self._speech and len(self._speech) >= SPEAKERS_MAX:
            return
        pieces = self._speech[speaker]
        if not self._allowed(speaker):
            # Kept in memory for when they are known to have consented, and no longer.
            if sum(map(len, pieces)) < self._cloner.enough_s * SAMPLE_RATE_HZ:
                pieces.append(pcm)
            return
        self.recall(speaker, known=False)
        pieces.append(pcm)
        speech_s = sum(map(len, pieces)) / SAMPLE_RATE_HZ
        wanted_s = self._cloner.enough_s if cloned_s else self._cloner.needs_s
        if speech_s >= wanted_s:
            self._tasks[speaker] = asyncio.create_task(self._clone(speaker, speech_s))

    def unshape(self, speaker: str) -> None:
        """What was made of ``speaker`` is not used any more, and is freed at the vendor."""
        self._cloned_from_s.pop(speaker, None)
        if (task := self._tasks.get(speaker)) is not None:
            task.cancel()
        if (voice := self._casting.unshape(speaker)) is not None:
            self._forgetting.add(task := asyncio.create_task(self.made.forget(voice)))
            task.add_done_callback(self._forgetting.discard)

    async def _clone(self, speaker: str, speech_s: float) -> None:
        again = False
        try:
            sample = np.concatenate(self._speech[speaker])
            stock = self._casting.stock_voice(speaker)
            voice = await self._cloner.clone(sample, stock)
            self.made.add(voice)
            await self._warm(voice)
            if not self._allowed(speaker):
                await self.made.forget(voice)
                return  # the consent has ended meanwhile
            if self._casting.stock_voice(speaker).id != stock.id:
                again = True
                return  # they have turned out to be somebody whose voice is another
            if self._cloned_from_s.get(speaker, 0.0) > speech_s:
                return  # a better one was found meanwhile
            self._casting.replace(speaker, voice)
            if self._kept is not None:
                self._kept.keep(self._cloner, speaker, stock, voice, speech_s)
        except EngineError as error:
            # Not fatal: the stock voice goes on, and more speech may serve better.
            log.info("voice not shaped", extra={"speaker": speaker, "code": error.code})
        finally:
            if not again:
                self._shaped_after(speaker, speech_s)
            self._tasks.pop(speaker, None)
            if again:
                self.rebase(speaker)

    async def _recall(self, kept: KeptVoices, speaker: str, *, known: bool) -> None:
        async with self._one_look:
            stock = self._casting.stock_voice(speaker)
            found = await kept.find(self._cloner, speaker, stock)
        if found is None:
            return
        await self._warm(found.voice)
        if self._cloned_from_s.get(speaker, 0.0) > 0:
            return  # they have been shaped meanwhile
        if self._casting.stock_voice(speaker).id != stock.id:
            return  # and speak with another voice
        self._casting.replace(speaker, found.voice)
        # Of some engines only those that stand in for them are kept.
        if known and found.voice.profile is not None:
            self._shaped_after(speaker, found.speech_s)

    def _shaped_after(self, speaker: str, speech_s: float) -> None:
        speech_s = max(speech_s, self._cloned_from_s.get(speaker, 0.0))
        self._cloned_from_s[speaker] = speech_s
        if speech_s >= self._cloner.enough_s:
            self._speech[speaker].clear()

    async def aclose(self) -> None:
        tasks = [*self._tasks.values(), *self._recalls.values()]
        for task in tasks:
            task.cancel()
        tasks += self._forgetting
        await asyncio.gather(*tasks, return_exceptions=True)
        self._speech.clear()
        # Not before the end: a clause may still be spoken with the voice before the last.
        await self.made.release()
