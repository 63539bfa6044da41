"""The emulated vendor and engines dialled to it, for the tests of the ElevenLabs provider."""

from __future__ import annotations

from collections.abc import AsyncIterator
from contextlib import aclosing, asynccontextmanager
from dataclasses import replace
from typing import Any

import numpy as np

from pipeline.emulators.elevenlabs.server import ElevenLabsEmulator
from pipeline.ports import SpeechRequest, SpeechStream
from pipeline.providers.elevenlabs.client import Account
from pipeline.providers.elevenlabs.cloner import ElevenLabsCloner
from pipeline.providers.elevenlabs.synthesizer import ElevenLabsSynthesizer
from pipeline.providers.settings import ElevenLabsAccess
from pipeline.types import SAMPLE_RATE_HZ, Pcm, Voice

TEXT = "Esta es una frase que se dice."


def access_to(vendor: ElevenLabsEmulator, **changes: Any) -> ElevenLabsAccess:
    access = ElevenLabsAccess(
        api_key=vendor.api_key,
        base_url=vendor.base_url,
        root_certificates=vendor.certificate,
    )
    return replace(access, **changes)


@asynccontextmanager
async def emulated(**options: Any) -> AsyncIterator[ElevenLabsEmulator]:
    """A vendor that makes a clip at once unless told otherwise."""
    at_once: dict[str, Any] = {"speed": 0.0}
    async with ElevenLabsEmulator(**(at_once | options)) as vendor:
        yield vendor


@asynccontextmanager
async def speaking(
    vendor: ElevenLabsEmulator, *, prepare: str = "es", **changes: Any
) -> AsyncIterator[ElevenLabsSynthesizer]:
    synthesizer = ElevenLabsSynthesizer(access_to(vendor, **changes))
    try:
        await synthesizer.connect()
        if prepare:
            await synthesizer.prepare(prepare)
        yield synthesizer
    finally:
        await synthesizer.aclose()


@asynccontextmanager
async def cloning(vendor: ElevenLabsEmulator, **changes: Any) -> AsyncIterator[ElevenLabsCloner]:
    cloner = ElevenLabsCloner(access_to(vendor, **changes))
    try:
        yield cloner
    finally:
        await cloner.aclose()


def account_of(engine: ElevenLabsSynthesizer | ElevenLabsCloner) -> Account:
    assert engine._account is not None
    return engine._account


def request_of(
    synthesizer: ElevenLabsSynthesizer, text: str = TEXT, voice: Voice | None = None, **more: Any
) -> SpeechRequest:
    return SpeechRequest(text, "es", voice or synthesizer.voices("es")[0], **more)


async def heard(stream: SpeechStream) -> Pcm:
    """All sound of a stream, which is closed then."""
    try:
        async with aclosing(aiter(stream)) as blocks:  # type: ignore[type-var]
            return np.concatenate([block async for block in blocks] or [np.zeros(0, np.int16)])
    finally:
        await stream.aclose()


async def say(
    synthesizer: ElevenLabsSynthesizer, text: str = TEXT, voice: Voice | None = None, **more: Any
) -> Pcm:
    return await heard(await synthesizer.synthesize(request_of(synthesizer, text, voice, **more)))


def speech(seconds: float = 12.0, pitch_hz: float = 150.0) -> Pcm:
    """A voice-like buzz with pauses."""
    time_s = np.arange(round(seconds * SAMPLE_RATE_HZ)) / SAMPLE_RATE_HZ
    wave = sum(np.sin(2 * np.pi * h * pitch_hz * time_s) / h for h in range(1, 6))
    loud = np.sin(2 * np.pi * 0.5 * time_s) > -0.7
    return np.asarray(wave * loud * 5000).astype(np.int16)
