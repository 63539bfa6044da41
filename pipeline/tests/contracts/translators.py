"""Translators under contract, and what each can be asked."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator, Callable
from contextlib import AbstractAsyncContextManager, asynccontextmanager
from dataclasses import dataclass
from pathlib import Path

import py3langid

from pipeline.emulators.machine_translation import EchoEngine, OfflineEngine, TranslationEngine
from pipeline.ports import Translator
from pipeline.providers.google.translator import GoogleTranslator
from pipeline.providers.offline.translator import ApertiumTranslator
from pipeline.providers.scripted.speaking import ScriptedTranslator
from pipeline.providers.settings import GoogleAccess
from pipeline.tests.contracts.checking import given, google_keys
from pipeline.tests.google_cloud import access, cloud


@dataclass(frozen=True)
class Subject:
    name: str
    made: Callable[[Path], AbstractAsyncContextManager[Translator]]
    """The engine, not connected yet, closed at the end; the folder is its own."""
    pair: tuple[str, str] = ("en", "es")
    echo: str = ""
    """What stands before every text that the engine only repeats."""


@asynccontextmanager
async def _scripted(_: Path) -> AsyncIterator[Translator]:
    engine: Translator = ScriptedTranslator()
    yield engine
    await engine.aclose()


@asynccontextmanager
async def _apertium(_: Path) -> AsyncIterator[Translator]:
    engine: Translator = ApertiumTranslator()
    try:
        yield engine
    finally:
        await engine.aclose()


def _google_emulated(
    inside: Callable[[], TranslationEngine],
) -> Callable[[Path], AbstractAsyncContextManager[Translator]]:
    @asynccontextmanager
    async def made(folder: Path) -> AsyncIterator[Translator]:
        # The emulated vendor loads it at the first text whose language it has to find.
        await asyncio.to_thread(py3langid.classify, "warm")
        async with cloud(folder, engine=inside()) as emulator:
            engine: Translator = GoogleTranslator(access(emulator))
            try:
                yield engine
            finally:
                await engine.aclose()

    return made


@asynccontextmanager
async def _google(_: Path) -> AsyncIterator[Translator]:
    engine: Translator = GoogleTranslator(GoogleAccess(credentials=google_keys()))
    try:
        yield engine
    finally:
        await engine.aclose()


SUBJECTS = (
    Subject("scripted", _scripted, echo="es "),
    Subject("apertium", _apertium),
    Subject("google emulated", _google_emulated(EchoEngine), echo="[es] "),
    Subject("google emulated over apertium", _google_emulated(OfflineEngine)),
) + ((Subject("google", _google),) if given("GOOGLE_CLOUD_CREDENTIALS_PATH") else ())
