"""Synthesisers under contract, and what each can be asked."""

from __future__ import annotations

from collections.abc import AsyncIterator, Callable
from contextlib import AbstractAsyncContextManager, asynccontextmanager
from dataclasses import dataclass

from pipeline.emulators.behaviour import Delays
from pipeline.ports import Synthesizer
from pipeline.providers.elevenlabs.synthesizer import ElevenLabsSynthesizer
from pipeline.providers.offline.synthesizer import EspeakSynthesizer
from pipeline.providers.scripted.speaking import ScriptedSynthesizer
from pipeline.providers.settings import ElevenLabsAccess
from pipeline.tests.contracts.checking import given
from pipeline.tests.emulated_elevenlabs import account_of, emulated, speaking

Taken = Callable[[], int]


@dataclass(frozen=True)
class Ready:
    """A connected engine and what it holds for clips that are being made."""

    engine: Synthesizer
    taken: Taken


@dataclass(frozen=True)
class Subject:
    name: str
    connected: Callable[[], AbstractAsyncContextManager[Ready]]
    language: str = "es"


@asynccontextmanager
async def _scripted() -> AsyncIterator[Ready]:
    engine = ScriptedSynthesizer()
    checked: Synthesizer = engine
    await checked.connect()
    yield Ready(checked, lambda: engine.open_streams)
    await checked.aclose()


@asynccontextmanager
async def _espeak() -> AsyncIterator[Ready]:
    engine = EspeakSynthesizer()
    checked: Synthesizer = engine
    try:
        await checked.connect()
        yield Ready(checked, lambda: engine._pool.size - engine._pool._slots.qsize())
    finally:
        await checked.aclose()


def _elevenlabs_emulated(*, sockets: bool) -> Callable[[], AbstractAsyncContextManager[Ready]]:
    @asynccontextmanager
    async def connected() -> AsyncIterator[Ready]:
        # A plan of six places, so that one that is not given back is missed soon.
        async with (
            emulated(plan="starter", delays=Delays(first_sound=0.05), speed=40.0) as vendor,
            speaking(vendor, use_sockets=sockets) as engine,
        ):
            checked: Synthesizer = engine
            yield Ready(checked, lambda: account_of(engine).gate.inside)

    return connected


@asynccontextmanager
async def _elevenlabs() -> AsyncIterator[Ready]:
    engine = ElevenLabsSynthesizer(ElevenLabsAccess(api_key=given("ELEVENLABS_API_KEY")))
    checked: Synthesizer = engine
    try:
        await checked.connect()
        yield Ready(checked, lambda: account_of(engine).gate.inside)
    finally:
        await checked.aclose()


SUBJECTS = (
    Subject("scripted", _scripted),
    Subject("espeak", _espeak),
    Subject("elevenlabs emulated", _elevenlabs_emulated(sockets=True)),
    Subject("elevenlabs emulated over http", _elevenlabs_emulated(sockets=False)),
) + ((Subject("elevenlabs", _elevenlabs),) if given("ELEVENLABS_API_KEY") else ())
