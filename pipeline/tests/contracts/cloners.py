"""Voice cloners under contract, each with the engine that speaks its voices."""

from __future__ import annotations

from collections.abc import AsyncIterator, Callable
from contextlib import AbstractAsyncContextManager, asynccontextmanager
from dataclasses import dataclass

import numpy as np

from pipeline.emulators.elevenlabs.offline_mouth import OfflineMouth
from pipeline.ports import SpeechRequest, Synthesizer, VoiceCloner
from pipeline.providers.elevenlabs.cloner import ElevenLabsCloner
from pipeline.providers.elevenlabs.synthesizer import ElevenLabsSynthesizer
from pipeline.providers.offline.shaping import WorldCloner
from pipeline.providers.offline.synthesizer import EspeakSynthesizer
from pipeline.providers.scripted.sounds import tone
from pipeline.providers.scripted.speaking import ScriptedCloner, ScriptedSynthesizer
from pipeline.providers.settings import ElevenLabsAccess
from pipeline.tests.contracts.checking import given
from pipeline.tests.emulated_elevenlabs import cloning, emulated, speaking
from pipeline.types import SAMPLE_RATE_HZ, Pcm

_SAYING = (
    "The child almost hurt the small dog, and nobody knew where the others had gone. "
    "At that high level the air is pure, and one sees as far as the sea. "
    "Drop the two when you add the figures, or they will never come out right. "
)


@dataclass(frozen=True)
class Ready:
    cloner: VoiceCloner
    synthesizer: Synthesizer


@dataclass(frozen=True)
class Subject:
    name: str
    connected: Callable[[], AbstractAsyncContextManager[Ready]]
    hums: bool = False
    """Whether a tone is a person to it."""


async def person(subject: Subject, seconds: float) -> Pcm:
    """So much of one person's clean speech."""
    if subject.hums:
        return tone(seconds, 140.0)
    engine = EspeakSynthesizer()
    try:
        await engine.connect()
        voice = engine.voices("en")[2]
        parts: list[Pcm] = []
        while sum(map(len, parts)) < seconds * SAMPLE_RATE_HZ:
            stream = await engine.synthesize(SpeechRequest(_SAYING, "en", voice))
            parts += [block async for block in stream]
            await stream.aclose()
    finally:
        await engine.aclose()
    return np.concatenate(parts)[: round(seconds * SAMPLE_RATE_HZ)]


@asynccontextmanager
async def _scripted() -> AsyncIterator[Ready]:
    yield Ready(ScriptedCloner(), ScriptedSynthesizer())


@asynccontextmanager
async def _world() -> AsyncIterator[Ready]:
    engine = EspeakSynthesizer()
    try:
        await engine.connect()
        yield Ready(WorldCloner(), engine)
    finally:
        await engine.aclose()


@asynccontextmanager
async def _elevenlabs_emulated() -> AsyncIterator[Ready]:
    async with (
        emulated(plan="creator", mouth=OfflineMouth()) as vendor,
        speaking(vendor) as engine,
        cloning(vendor) as cloner,
    ):
        yield Ready(cloner, engine)


@asynccontextmanager
async def _elevenlabs() -> AsyncIterator[Ready]:
    access = ElevenLabsAccess(api_key=given("ELEVENLABS_API_KEY"))
    engine, cloner = ElevenLabsSynthesizer(access), ElevenLabsCloner(access)
    try:
        await engine.connect()
        yield Ready(cloner, engine)
    finally:
        await cloner.aclose()
        await engine.aclose()


SUBJECTS = (
    Subject("scripted", _scripted, hums=True),
    Subject("world", _world),
    Subject("elevenlabs emulated", _elevenlabs_emulated),
) + ((Subject("elevenlabs", _elevenlabs),) if given("ELEVENLABS_API_KEY") else ())
