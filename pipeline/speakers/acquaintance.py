"""Finds out who a run's speakers are, beside the live path: nothing waits for it.

Clean speech of every speaker is gathered; at stages of 2, 4, 7 … seconds what is new
becomes voiceprints, and whoever remembers speakers (``pipeline.speakers.memory``) is asked.
An answer is told, and the actor's voice taken over; that takes effect with the speaker's
next clause. What a person decides meanwhile arrives by ``decide``, and is not asked again.
"""

from __future__ import annotations

import asyncio
import logging
from collections.abc import Callable
from dataclasses import dataclass, field, replace

import numpy as np

from pipeline.bounds import ACQUAINTANCE_S, SPEAKERS_MAX
from pipeline.ports import EngineError, SpeakerEncoder
from pipeline.speakers.identification import Band, mean_of
from pipeline.speakers.identification import Heard as Print
from pipeline.speakers.memory import Heard, Identity, SpeakerMemory, Stretch
from pipeline.speakers.voiceprinting import SpeechRefusedError, voiceprints_of
from pipeline.types import SAMPLE_RATE_HZ, Pcm, Voice

log = logging.getLogger(__name__)

STAGES_S = (2.0, 4.0, 7.0, 10.0, 15.0, 20.0, 30.0)
"""Clean speech of a speaker at which they are asked about again; after the last, no more."""


LEAST_S = 1.5
"""Less new speech makes no voiceprint."""


@dataclass(slots=True)
class _Speaker:
    pieces: list[Pcm] = field(default_factory=list)
    """Not yet made into voiceprints."""
    at_s: float = 0.0
    end_s: float = 0.0
    waiting_s: float = 0.0
    """Length of the pieces."""
    speech_s: float = 0.0
    """Of which voiceprints were made, or which were refused."""
    prints: dict[Band, list[Print]] = field(default_factory=dict)
    language: str = ""
    asking: asyncio.Task[None] | None = None
    identity: Identity | None = None
    decided: bool = False
    """A person did."""

    def is_due(self, *, ending: bool) -> bool:
        """Whether there is enough new speech; at the end any that is usable is."""
        if self.waiting_s < LEAST_S:
            return False
        reached = self.speech_s + self.waiting_s
        stage = next((one for one in STAGES_S if one > self.speech_s), None)
        return stage is not None and (ending or reached >= stage)


class Acquaintances:
    """``tell`` is given every identity that is new; ``stock_voice`` is the casting's."""

    def __init__(
        self,
        memory: SpeakerMemory,
        encoder: SpeakerEncoder,
        *,
        consistent_by: SpeakerEncoder | None = None,
        tell: Callable[[Identity], None],
        stock_voice: Callable[[str], Voice | None],
        resolve: Callable[[str], str | None],
    ) -> None:
        self._memory = memory
        self._encoder = encoder
        self._consistent_by = consistent_by
        self._tell = tell
        self._stock_voice = stock_voice
        self._resolve = resolve
        self._speakers: dict[str, _Speaker] = {}
        self._recalling: asyncio.Task[None] | None = None
        self._noting: set[asyncio.Task[None]] = set()
        self._ending = False
        self._no_print = (memory.encoder, memory.version) != (encoder.name, encoder.version)

    def recall(self) -> None:
        """Ask who the session's speakers are known to be; for a run that goes on."""
        self._recalling = asyncio.create_task(self._recall())

    async def _recall(self) -> None:
        for identity in await self._memory.known():
            self._take(identity)

    def identity_of(self, speaker: str) -> Identity | None:
        known = self._speakers.get(speaker)
        return known.identity if known else None

    def speakers_known_as(self, actor: str) -> list[str]:
        """Those who are, or are suggested to be, that actor."""
        return [
            name
            for name, one in self._speakers.items()
            if one.identity is not None and one.identity.actor == actor
        ]

    def disown(self, speaker: str) -> None:
        """The clone of whoever that is may not be used any more; who it is stays known."""
        known = self._speakers.get(speaker)
        if known is not None and known.identity is not None:
            known.identity = replace(known.identity, own=None)

    def hear(self, speaker: str, pcm: Pcm, *, at_s: float, end_s: float, language: str) -> None:
        """Take speech that is surely ``speaker``'s; never waits."""
        if self._no_print or (
            speaker not in self._speakers and len(self._speakers) >= SPEAKERS_MAX
        ):
            return
        known = self._speakers.setdefault(speaker, _Speaker())
        if known.speech_s >= STAGES_S[-1] or known.waiting_s >= STAGES_S[-1]:
            return
        if not known.pieces:
            known.at_s = at_s
        known.pieces.append(pcm)
        known.end_s, known.language = end_s, language
        known.waiting_s += len(pcm) / SAMPLE_RATE_HZ
        if known.is_due(ending=False) and known.asking is None:
            known.asking = asyncio.create_task(self._ask(speaker, known))

    async def _ask(self, speaker: str, known: _Speaker) -> None:
        try:
            # Beside one stage's work the next may have become due.
            while known.is_due(ending=self._ending):
                stretch = await self._stretch(known)
                if stretch is None:
                    continue
                now = self._resolve(speaker)
                if now != speaker:
                    return  # folded into another one, who has speech of their own
                identity = await self._memory.identify(self._heard(speaker, known, stretch))
                if identity is not None and (identity.by_person or not known.decided):
                    self._take(identity)
        except EngineError as error:
            log.info("speaker not identified", extra={"speaker": speaker, "code": error.code})
        except Exception:
            # A fault here costs the name, never the dubbing.
            log.exception("speaker not identified")
        finally:
            known.asking = None

    async def _stretch(self, known: _Speaker) -> Stretch | None:
        pcm = np.concatenate(known.pieces)
        at_s, end_s = known.at_s, known.end_s
        known.pieces.clear()
        known.speech_s += known.waiting_s
        known.waiting_s = 0.0
        try:
            async with asyncio.timeout(ACQUAINTANCE_S):
                made = await voiceprints_of(
                    self._encoder,
                    pcm,
                    consistent_by=self._consistent_by,
                    keep=self._memory.keeps,
                )
        except (SpeechRefusedError, TimeoutError):
            return None
        for band, one in made.heard.items():
            known.prints.setdefault(band, []).append(one)
        return Stretch(at_s, end_s - at_s, made)

    def _heard(self, speaker: str, known: _Speaker, stretch: Stretch) -> Heard:
        means = {band: mean_of(prints) for band, prints in known.prints.items()}
        return Heard(
            speaker=speaker,
            voice={band: mean for band, mean in means.items() if mean is not None},
            new=(stretch,),
            speech_s=known.speech_s,
            language=known.language,
            stock=self._stock_voice(speaker),
        )

    def decide(self, identity: Identity) -> None:
        """A person said who a speaker is, or is not."""
        known = self._speakers.setdefault(identity.speaker, _Speaker())
        known.decided = identity.state == "confirmed" and identity.by_person
        self._take(identity)

    def _take(self, identity: Identity) -> None:
        known = self._speakers.setdefault(identity.speaker, _Speaker())
        before, known.identity = known.identity, identity
        known.decided = known.decided or identity.by_person
        if before != identity and not (before is None and identity.state == "unknown"):
            self._tell(identity)

    def spoke_with(self, identity: Identity, stock: Voice, language: str) -> None:
        """Have it noted which voice speaks for a confirmed actor; nobody waits for it."""
        if len(self._noting) < SPEAKERS_MAX:
            task = asyncio.create_task(self._memory.spoke_with(identity, stock, language))
            self._noting.add(task)
            task.add_done_callback(self._noting.discard)

    async def settle(self) -> None:
        """Ask about what is left at the end of a run, and wait; the memory's calls are bounded."""
        self._ending = True
        for speaker, known in self._speakers.items():
            if known.asking is None and known.is_due(ending=True):
                known.asking = asyncio.create_task(self._ask(speaker, known))
        under_way = [one.asking for one in self._speakers.values() if one.asking]
        await asyncio.gather(*under_way, *self._noting, return_exceptions=True)

    async def aclose(self) -> None:
        under_way = [one.asking for one in self._speakers.values() if one.asking]
        under_way += [self._recalling] if self._recalling else []
        under_way += list(self._noting)
        for task in under_way:
            task.cancel()
        await asyncio.gather(*under_way, return_exceptions=True)
        self._speakers.clear()
