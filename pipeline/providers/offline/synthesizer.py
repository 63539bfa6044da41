"""Synthesizer on espeak-ng, every voice of which can be shaped after a person.

espeak-ng needs a few milliseconds for a whole clip, so a clip's duration is exact
before its first block leaves and ``fit_s`` is met by speaking again at another rate.
All output is 16 kHz: shaping works there, and one rate spares everyone downstream.
"""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator, Iterator
from concurrent.futures import ThreadPoolExecutor

import numpy as np

from pipeline.bounds import ESPEAK_WAITING_MAX, SHAPING_THREADS
from pipeline.ports import EngineError, SpeechRequest
from pipeline.providers.offline.espeak_pool import EspeakPool
from pipeline.providers.offline.espeak_voices import (
    BY_KEY,
    ENGINE,
    MAX_PITCH,
    SHAPING_BASE,
    UNITS_PER_SEMITONE,
    Variant,
    data_folder,
    read_languages,
    stock_voices,
    variant_of,
)
from pipeline.providers.offline.espeak_worker import SpeakJob
from pipeline.providers.offline.loudness import active_level_db, apply_gain
from pipeline.providers.offline.shaping import DEFAULT_SHAPING, Shaping, shape_blocks
from pipeline.providers.offline.voice_profile import VoiceProfile
from pipeline.text.speakable import speakable
from pipeline.types import SAMPLE_RATE_HZ, Pcm, Voice
from pipeline.voices.delivery import Delivery, delivery_of

BLOCK_SAMPLES = SAMPLE_RATE_HZ // 4
LEVEL_DB = -21.0
"""Level that every voice speaks at in the neutral style, dB of full scale."""


class EspeakSynthesizer:
    """Port Synthesizer; one instance serves a whole server process.

    ``shaping`` is how far cloned voices are bent; see ``Shaping.from_settings``.
    Raises EngineError("engine_missing") when espeak-ng is not installed.
    """

    name = ENGINE
    at_once = None

    def __init__(
        self,
        *,
        processes: int = 1,
        waiting: int = ESPEAK_WAITING_MAX,
        shaping: Shaping = DEFAULT_SHAPING,
    ) -> None:
        self._languages = read_languages(data_folder())
        self._pool = EspeakPool(size=processes, waiting=waiting)
        self._shaping = shaping
        self._threads = ThreadPoolExecutor(
            max_workers=SHAPING_THREADS, thread_name_prefix="shaping"
        )

    async def connect(self) -> None:
        """Start the processes."""
        await self._pool.start()

    def languages(self) -> frozenset[str]:
        return frozenset(self._languages)

    def voices(self, language: str) -> tuple[Voice, ...]:
        return stock_voices(language) if language in self._languages else ()

    async def prepare(self, language: str) -> None:
        """Start the processes and have each load the language by saying a word in it."""
        await self._pool.start()
        if voices := self.voices(language):
            request = SpeechRequest("a", language, voices[0])
            words = (self._pool.run(self._job(request)) for _ in range(self._pool.size))
            await asyncio.gather(*words)

    async def warm(self, voice: Voice, language: str) -> None:
        """Nothing: the processes speak with every voice."""

    async def synthesize(self, request: SpeechRequest) -> EspeakSpeech:
        """Raises EngineError: ``nothing_to_speak``, ``text_too_long``,
        ``language_unsupported``, ``voice_unknown`` and those of ``EspeakPool.run``."""
        profile = request.voice.profile
        if profile is not None and not isinstance(profile, VoiceProfile):
            raise EngineError(
                "voice_unknown", "This voice was cloned by another engine.", recoverable=False
            )
        spoken = await self._pool.run(self._job(request))
        if spoken.error:
            raise _refusal(spoken.error)
        pcm: Pcm = np.frombuffer(spoken.pcm, np.int16)
        gain_db = LEVEL_DB - active_level_db(pcm) + delivery_of(request.style).gain_db
        blocks = (
            _cut(pcm)
            if profile is None
            else shape_blocks(
                pcm,
                profile,
                style=request.style,
                shaping=self._shaping.tuned(request.voice.tuning),
                whole=request.whole,
            )
        )
        return EspeakSpeech(
            (apply_gain(block, gain_db) for block in blocks),
            expected_s=len(pcm) / SAMPLE_RATE_HZ,
            rate=spoken.rate,
            voice=request.voice,
            # Cutting needs no thread; shaping takes some 50 ms a block.
            threads=self._threads if profile is not None else None,
        )

    async def aclose(self) -> None:
        await self._pool.aclose()
        self._threads.shutdown(wait=False, cancel_futures=True)

    def _job(self, request: SpeechRequest) -> SpeakJob:
        language = self._languages.get(request.language)
        if language is None:
            raise _refusal("language_unsupported")
        variant = variant_of(request.voice)
        delivery = delivery_of(request.style)
        if request.voice.profile is None:
            pitch, pitch_range = _styled_pitch(variant, delivery)
        else:
            # Shaping sets the pitch itself, the style's part of it included.
            variant = BY_KEY.get(request.voice.tuning.base, SHAPING_BASE)
            pitch, pitch_range = variant.pitch, 50
        return SpeakJob(
            text=speakable(request.text),
            voice=f"{language}+{variant.variant}",
            pitch=pitch,
            pitch_range=pitch_range,
            rate=delivery.rate * (request.voice.tuning.speed or 1.0),
            fit_s=request.fit_s if request.fit_s is None or request.fit_s > 0 else None,
            tempo=float(np.clip(request.tempo, 0.5, 2.0)),
        )


class EspeakSpeech:
    """Port SpeechStream: blocks of one clip, shaped on a thread while iterated."""

    sample_rate_hz = SAMPLE_RATE_HZ

    def __init__(
        self,
        blocks: Iterator[Pcm],
        *,
        expected_s: float,
        rate: float,
        voice: Voice,
        threads: ThreadPoolExecutor | None,
    ) -> None:
        self.expected_s = expected_s
        self.rate = rate
        self.voice = voice
        self.tempo_left = 1.0
        self._blocks = blocks
        self._threads = threads
        self._closed = False

    async def __aiter__(self) -> AsyncIterator[Pcm]:
        while not self._closed:
            block = await self._next()
            if block is None:
                return
            yield block

    async def aclose(self) -> None:
        self._closed = True

    async def _next(self) -> Pcm | None:
        if self._threads is None:
            return next(self._blocks, None)
        loop = asyncio.get_running_loop()
        return await loop.run_in_executor(self._threads, next, self._blocks, None)


def _styled_pitch(variant: Variant, delivery: Delivery) -> tuple[int, int]:
    raised = variant.pitch + UNITS_PER_SEMITONE * delivery.pitch_semitones
    pitch = round(float(np.clip(raised, 0, MAX_PITCH)))
    return pitch, round(min(50 * delivery.pitch_range, MAX_PITCH))


def _cut(pcm: Pcm) -> Iterator[Pcm]:
    for start in range(0, len(pcm), BLOCK_SAMPLES):
        yield pcm[start : start + BLOCK_SAMPLES]


_REFUSALS = {
    "nothing_to_speak": "There is nothing in this text that can be spoken.",
    "language_unsupported": "espeak-ng does not speak this language; choose another target.",
}


def _refusal(code: str) -> EngineError:
    return EngineError(code, _REFUSALS.get(code, "espeak-ng failed."), recoverable=False)
