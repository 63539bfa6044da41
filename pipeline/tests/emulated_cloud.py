"""The whole cloud emulated, and a run that is dubbed through the vendors' real SDKs."""

from __future__ import annotations

import asyncio
import time
from collections.abc import AsyncIterator, Callable
from contextlib import asynccontextmanager
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from pipeline.dubber import Dubber, Output
from pipeline.emulators.behaviour import Delays, Faults
from pipeline.emulators.ears import Ear
from pipeline.emulators.elevenlabs import ElevenLabsEmulator
from pipeline.emulators.google import GoogleEmulator
from pipeline.emulators.google_speech_rules import SpeechRules
from pipeline.emulators.scripted_ear import ScriptedEar
from pipeline.events import Notice
from pipeline.guards.breaker import BreakerRules
from pipeline.guards.guarding import LIMITED, Guards, guarded
from pipeline.guards.usage import Meter
from pipeline.plan import DubbingPlan, Engines
from pipeline.providers.elevenlabs.cloner import ElevenLabsCloner
from pipeline.providers.elevenlabs.synthesizer import ElevenLabsSynthesizer
from pipeline.providers.google.recognizer import GoogleRecognizer
from pipeline.providers.google.recognizer_stream import Pacing
from pipeline.providers.google.translator import GoogleTranslator
from pipeline.providers.scripted.hearing import ScriptedDetector, ScriptedEncoder
from pipeline.providers.settings import ElevenLabsAccess
from pipeline.tests.google_cloud import access
from pipeline.types import SAMPLE_RATE_HZ, AudioChunk, Pcm

CHUNK = 1024


@dataclass
class Cloud:
    google: GoogleEmulator
    elevenlabs: ElevenLabsEmulator
    engines: Engines
    guards: Guards
    faults: Faults
    notices: list[Notice] = field(default_factory=list)
    meter: Meter = field(default_factory=Meter)

    def guarded(self, *stand_ins: Engines) -> Engines:
        """The engines as a session gets them."""
        return guarded(
            self.engines,
            stand_ins,
            self.guards,
            meter=self.meter,
            user="1",
            tell=self.notices.append,
        )


@asynccontextmanager
async def cloud(
    folder: Path,
    *,
    ear: Ear | None = None,
    delays: Delays | None = None,
    pacing: Pacing | None = None,
    breaker: BreakerRules | None = None,
    rules: SpeechRules | None = None,
    model: str = "long",
) -> AsyncIterator[Cloud]:
    """Both vendors over TLS, and engines that are connected to them."""
    faults = Faults()
    rules = rules or SpeechRules(pace=None)
    given: dict[str, Any] = {"delays": delays or Delays(), "faults": faults}
    async with (
        GoogleEmulator(folder, ear=ear or ScriptedEar(), speech_rules=rules, **given) as google,
        ElevenLabsEmulator(
            certificate=google.certificate, plan="business", speed=0.0, **given
        ) as elevenlabs,
    ):
        roots = google.certificate.certificate
        google_access = access(google, model=model)
        voices = ElevenLabsAccess(
            api_key=elevenlabs.api_key, base_url=elevenlabs.base_url, root_certificates=roots
        )
        engines = Engines(
            detector=ScriptedDetector(),
            recognizer=GoogleRecognizer(google_access, pacing=pacing or Pacing()),
            translator=GoogleTranslator(google_access),
            synthesizer=ElevenLabsSynthesizer(voices),
            encoder=ScriptedEncoder(),
            cloner=ElevenLabsCloner(voices),
        )
        guards = Guards(dict.fromkeys(LIMITED, 10), rules=breaker)
        try:
            assert not await engines.connect()
            yield Cloud(google, elevenlabs, engines, guards, faults)
        finally:
            await engines.aclose()


async def dub(
    engines: Engines,
    pcm: Pcm,
    *,
    speed: float = 1.0,
    before: Callable[[float], None] = lambda at_s: None,
    patience_s: float = 60.0,
    **changed: Any,
) -> list[tuple[float, Output]]:
    """Dub live at ``speed`` times the pace; (moment, output). ``before`` is called with the
    media time of each chunk before it is sent."""
    settled: dict[str, Any] = {
        "session_id": "test",
        "source_language": "en",
        "target_language": "es",
        "preserve_voice": False,
        "live": speed <= 1.0,
    }
    dubber = Dubber(DubbingPlan(**settled | changed), engines)
    await dubber.start()
    told: list[tuple[float, Output]] = []
    began = time.monotonic()

    async def feed() -> None:
        for number, at in enumerate(range(0, len(pcm), CHUNK)):
            before(at / SAMPLE_RATE_HZ)
            due = began + (at + CHUNK) / SAMPLE_RATE_HZ / speed
            await asyncio.sleep(max(0.0, due - time.monotonic()))
            chunk = AudioChunk(number, at, pcm[at : at + CHUNK])
            if speed <= 1.0:
                dubber.push(chunk)
            else:
                await dubber.feed(chunk)
        await dubber.finish()

    feeding = asyncio.create_task(feed())
    try:
        async with asyncio.timeout(len(pcm) / SAMPLE_RATE_HZ / speed + patience_s):
            async for output in dubber.events():
                told.append((time.monotonic(), output))
        await feeding
    finally:
        feeding.cancel()
        await asyncio.gather(feeding, return_exceptions=True)
        await dubber.aclose()
        for engine in (engines.recognizer, engines.translator, engines.synthesizer):
            if type(engine).__name__.startswith("Guarded"):
                await engine.aclose()
    return told
