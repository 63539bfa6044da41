"""The stateless middle: one line's words become another language's speech."""

from __future__ import annotations

import asyncio
import logging
import time
from collections.abc import AsyncGenerator, AsyncIterator, Callable
from contextlib import asynccontextmanager, suppress
from dataclasses import dataclass

from pipeline.bounds import FIRST_SOUND_S, TRANSLATION_S
from pipeline.ports import (
    EngineError,
    SpeechRequest,
    SpeechStream,
    Synthesizer,
    TranslationRequest,
    Translator,
)
from pipeline.types import Line, Pcm, Voice

log = logging.getLogger(__name__)

Clock = Callable[[], float]


@dataclass(frozen=True, slots=True)
class Translation:
    text: str
    took_ms: float


@dataclass(slots=True)
class Clip:
    """A line's dub as far as it has been made; without sound when ``failure`` is set."""

    text: str = ""
    translation_ms: float = 0.0
    synthesis_ms: float = 0.0
    tempo: float = 1.0
    """Tempo that was asked of the engine on top of the fit."""
    stream: SpeechStream | None = None
    blocks: AsyncIterator[Pcm] | None = None
    first: Pcm | None = None
    failure: EngineError | None = None

    async def aclose(self) -> None:
        # An abandoned generator would leak: it is closed before what it reads from.
        if isinstance(self.blocks, AsyncGenerator):
            await self.blocks.aclose()
        if self.stream is not None:
            await self.stream.aclose()


async def translate(
    translator: Translator, request: TranslationRequest, clock: Clock = time.monotonic
) -> Translation:
    """Translate one clause; raises EngineError."""
    began = clock()
    async with in_time(TRANSLATION_S, "The translator did not answer in time."):
        translated = await translator.translate(request)
    return Translation(translated, (clock() - began) * 1000)


@asynccontextmanager
async def in_time(seconds: float, otherwise: str) -> AsyncIterator[None]:
    """Raises EngineError("engine_timeout") when an engine takes longer: lines come out in
    order, and one that never ends would hold up all that follow."""
    try:
        async with asyncio.timeout(seconds) as limit:
            yield
    except TimeoutError as error:
        if not limit.expired():
            raise
        raise EngineError("engine_timeout", otherwise, recoverable=False) from error


async def make_clip(
    synthesizer: Synthesizer,
    line: Line,
    translation: asyncio.Future[Translation],
    fit_s: float,
    tempo: Callable[[], float],
    clock: Clock = time.monotonic,
    *,
    voice_now: Callable[[Voice], Voice] = lambda voice: voice,
) -> Clip:
    """Wait for the translation, then speak up to the first block of sound.

    ``fit_s`` is the duration to aim at; ``tempo`` is asked at the last moment, when the
    backlog is known best. An engine that fails before the first block is asked once more,
    unless it says that this is of no use: a worker that died has been replaced by then. A
    failure that stays becomes a clip without sound whose text is kept.
    """
    clip = Clip()

    async def speak() -> None:
        clip.tempo = tempo()
        async with in_time(FIRST_SOUND_S, "The voice engine did not answer in time."):
            clip.stream = await synthesizer.synthesize(
                SpeechRequest(
                    text=clip.text,
                    language=line.target_language,
                    voice=voice_now(line.voice),
                    style=line.style,
                    fit_s=fit_s,
                    tempo=clip.tempo,
                )
            )
            clip.blocks = aiter(clip.stream)
            clip.first = await anext(clip.blocks, None)

    try:
        done = await translation
        clip.text, clip.translation_ms = done.text, done.took_ms
        began = clock()
        try:
            await speak()
        except EngineError as error:
            if not error.recoverable:
                raise
            log.info("speech asked for again", extra={"code": error.code})
            with suppress(EngineError):
                await clip.aclose()
            clip.stream = clip.blocks = None
            await speak()
        clip.synthesis_ms = (clock() - began) * 1000
    except EngineError as error:
        clip.failure = error
        await clip.aclose()
    except BaseException:
        with suppress(EngineError):
            await clip.aclose()
        raise
    return clip


async def only_text(translation: asyncio.Future[Translation]) -> Clip:
    """The clip of a line that is not to be spoken: its text, as far as there is one."""
    with suppress(EngineError):
        done = await translation
        return Clip(text=done.text, translation_ms=done.took_ms)
    return Clip()
