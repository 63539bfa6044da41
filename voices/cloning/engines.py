"""The engines that make, speak and judge clones, for a worker's use."""

from __future__ import annotations

import functools
from collections.abc import AsyncIterator, Sequence
from contextlib import asynccontextmanager
from dataclasses import dataclass
from typing import cast

import numpy as np
import soxr

from pipeline.cloning.quality import LANGUAGE, Hear
from pipeline.ports import EngineError, SpeechRequest, Synthesizer, VoiceBank
from pipeline.providers import registry
from pipeline.providers.catalogue import BANKS
from pipeline.providers.settings import EngineSettings
from pipeline.types import SAMPLE_RATE_HZ, Pcm, Voice
from voices.cloning.access import access


@dataclass(frozen=True, slots=True)
class Voicing:
    """One engine's bank and the synthesiser that speaks with its voices."""

    bank: VoiceBank
    synthesizer: Synthesizer

    def base(self, language: str) -> Voice:
        """The stock voice that a clone stands on. Raises EngineError."""
        voices = self.synthesizer.voices(language)
        if not voices:
            raise EngineError(
                "language_unsupported",
                f"{self.synthesizer.name} does not speak “{language}”.",
                recoverable=False,
            )
        return voices[0]

    async def say(self, text: str, language: str, voice: Voice) -> Pcm:
        """All of it, at 16 kHz. Raises EngineError."""
        stream = await self.synthesizer.synthesize(SpeechRequest(text, language, voice))
        try:
            blocks = [block async for block in stream]
        finally:
            await stream.aclose()
        pcm: Pcm = np.concatenate(blocks) if blocks else np.zeros(0, np.int16)
        if stream.sample_rate_hz != SAMPLE_RATE_HZ:
            pcm = soxr.resample(pcm, stream.sample_rate_hz, SAMPLE_RATE_HZ, quality="HQ")
        return pcm


def known_engine(engine: str) -> bool:
    return engine in BANKS


def usual_engine(user_id: int | None) -> str:
    """The synthesiser of a session of this person. Raises EngineError."""
    provider = access().usual_provider(user_id)
    return next(engine for engine, name in BANKS.items() if name == provider)


def settings_of(user_id: int | None) -> EngineSettings:
    return access().of_user(user_id)


@asynccontextmanager
async def voicing(engine: str, settings: EngineSettings) -> AsyncIterator[Voicing]:
    """Raises EngineError."""
    provider = _provider(engine)
    bank = cast("VoiceBank", registry.make_engine(settings, "bank", provider))
    synthesizer = cast("Synthesizer", registry.make_engine(settings, "synthesizer", provider))
    try:
        await synthesizer.connect()
        yield Voicing(bank, synthesizer)
    finally:
        await bank.aclose()
        await synthesizer.aclose()


@asynccontextmanager
async def bank_of(engine: str, settings: EngineSettings) -> AsyncIterator[VoiceBank]:
    """The bank alone. Raises EngineError."""
    bank = cast("VoiceBank", registry.make_engine(settings, "bank", _provider(engine)))
    try:
        yield bank
    finally:
        await bank.aclose()


@functools.cache
def ear() -> Hear | None:
    """The offline recogniser, for how well a voice is understood in English."""
    from pocketsphinx import Decoder

    decoder = Decoder(samprate=SAMPLE_RATE_HZ, loglevel="FATAL", fwdflat=False)

    def hear(pcm: Pcm) -> Sequence[str]:
        decoder.start_utt()
        decoder.process_raw(pcm.tobytes(), full_utt=True)
        decoder.end_utt()
        found = decoder.hyp()
        return found.hypstr.split() if found else []

    return hear


def measuring_language(synthesizer: Synthesizer, wished: str) -> str:
    """English wherever the engine speaks it, because that is what is listened to."""
    return LANGUAGE if LANGUAGE in synthesizer.languages() else wished


def _provider(engine: str) -> str:
    if engine not in BANKS:
        raise EngineError(
            "engine_unknown", f"“{engine}” makes no voices that last.", recoverable=False
        )
    return BANKS[engine]
