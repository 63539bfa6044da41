"""Both vendors at once on this machine, as one cloud with one certificate.

Keys are kept in its folder: at the same ports it is the same cloud again after a restart.

async with EmulatedCloud(folder, CloudOptions(interim_s=0.15)) as cloud:
    cloud.google.address, cloud.elevenlabs.base_url, …
"""

from __future__ import annotations

import asyncio
from collections import deque
from contextlib import AsyncExitStack
from dataclasses import dataclass
from pathlib import Path
from types import TracebackType
from typing import Any, Literal, Self

import numpy as np

from pipeline.bounds import EMULATOR_LATE_KEPT_MAX
from pipeline.emulators.behaviour import Delays, Fault, Faults
from pipeline.emulators.ears import Ear
from pipeline.emulators.elevenlabs.mouths import HumMouth, Mouth
from pipeline.emulators.elevenlabs.offline_mouth import OfflineMouth
from pipeline.emulators.elevenlabs.server import ElevenLabsEmulator
from pipeline.emulators.google.server import GoogleEmulator
from pipeline.emulators.google.speech_rules import SpeechRules
from pipeline.emulators.google.translation_rules import TranslationRules
from pipeline.emulators.machine_translation import EchoEngine, OfflineEngine, TranslationEngine
from pipeline.emulators.offline_ear import OfflineEar
from pipeline.emulators.scripted_ear import ScriptedEar

Inside = Literal["offline", "scripted"]

LATE_EVERY_S = 0.02

EVERY_FAULT: dict[str, tuple[str, ...]] = {
    "speech": ("unavailable", "internal", "aborted", "resource_exhausted", "drop", "stall"),
    "translation": ("unavailable", "internal", "resource_exhausted", "deadline_exceeded", "stall"),
    "multi_stream_input.text": ("drop", "close", "stall", "slow", "bad_base64", "odd_bytes"),
    "multi_stream_input": ("http_503", "system_busy"),
}
"""Leg → what a vendor's bad day brings; nothing that only a person could mend."""


@dataclass(frozen=True, slots=True, kw_only=True)
class CloudOptions:
    """Delays in seconds; what the vendors take themselves."""

    inside: Inside = "offline"
    """``offline``: the offline engines really recognise (English), translate and speak.
    ``scripted``: words by the clock, an echo and a hum, which cost next to nothing."""
    interim_s: float = 0.0
    translation_s: float = 0.0
    first_sound_s: float = 0.0
    jitter: float = 0.0
    """Share of each delay by which it varies either way."""
    fault_rate: float = 0.0
    """Share of calls that fail, over all kinds in ``EVERY_FAULT``."""
    seed: int = 0
    plan: str = "scale"
    """Of ElevenLabs: limits of concurrency, voices and characters."""
    region: str = "eu"
    streams_max: int = 8
    """Recogniser processes of ``offline``."""
    google_port: int = 0
    elevenlabs_port: int = 0


class EmulatedCloud:
    """``folder`` exists and is the caller's: keys and certificate are written there."""

    def __init__(self, folder: Path, options: CloudOptions) -> None:
        really = options.inside == "offline"
        ear: Ear = (
            OfflineEar(streams_max=options.streams_max) if really else ScriptedEar(spelled=True)
        )
        engine: TranslationEngine = OfflineEngine() if really else EchoEngine()
        mouth: Mouth = OfflineMouth() if really else HumMouth()
        delays = Delays(
            interim=options.interim_s,
            final=options.interim_s,
            translation=options.translation_s,
            first_sound=options.first_sound_s,
            jitter=options.jitter,
            seed=options.seed,
        )
        self.faults = Faults(seed=options.seed)
        if options.fault_rate:
            self.faults.add(*_bad_day(options.fault_rate))
        self.google = GoogleEmulator(
            folder,
            ear=ear,
            engine=engine,
            delays=delays,
            faults=self.faults,
            speech_rules=SpeechRules(region=options.region),
            translation_rules=TranslationRules(),
            port=options.google_port,
        )
        self.elevenlabs = ElevenLabsEmulator(
            mouth=mouth,
            plan=options.plan,
            delays=delays,
            faults=self.faults,
            certificate=self.google.certificate,
            port=options.elevenlabs_port,
        )
        self._late_s: deque[float] = deque(maxlen=EMULATOR_LATE_KEPT_MAX)
        self._stack = AsyncExitStack()

    def figures(self) -> dict[str, Any]:
        """What the vendors would bill, and what went wrong, since the start; fit for JSON."""
        google, elevenlabs = self.google.counts, self.elevenlabs.counters
        faults = self.faults.counts_by_leg
        return {
            "recognition_s": google.billed_s,
            "recognition_streams": google.streams_opened,
            "translation_characters": google.characters,
            "synthesis_characters": elevenlabs.characters,
            "statuses": dict(google.statuses + elevenlabs.refusals),
            "faults": {f"{leg}: {scenario}": count for (leg, scenario), count in faults.items()},
            "late_ms": self._late_ms(),
        }

    def _late_ms(self) -> dict[str, float]:
        """By how much this process itself is late, which no vendor's delay asked for."""
        if not self._late_s:
            return {}
        found = np.percentile(np.array(self._late_s) * 1000, (50, 95, 99))
        return dict(zip(("p50", "p95", "p99"), found.tolist(), strict=True))

    async def _watch(self) -> None:
        loop = asyncio.get_running_loop()
        while True:
            due = loop.time() + LATE_EVERY_S
            await asyncio.sleep(LATE_EVERY_S)
            self._late_s.append(max(0.0, loop.time() - due))

    async def __aenter__(self) -> Self:
        async with AsyncExitStack() as stack:
            stack.callback(asyncio.create_task(self._watch(), name="emulators' lateness").cancel)
            await stack.enter_async_context(self.google)
            await stack.enter_async_context(self.elevenlabs)
            self._stack = stack.pop_all()
        return self

    async def __aexit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        trace: TracebackType | None,
    ) -> None:
        await self._stack.aclose()


def _bad_day(rate: float) -> list[Fault]:
    return [
        Fault(scenario=scenario, legs=(leg,), probability=rate / len(scenarios))
        for leg, scenarios in EVERY_FAULT.items()
        for scenario in scenarios
    ]
