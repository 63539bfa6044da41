"""Engines that follow a script: they fill every port, need no model and never guess.

They obey the same contracts as the real ones (order, endings, errors), so whatever
is driven by them is driven as in production. "Speech" is any tone: the detector
hears energy, the encoder tells tones of different pitch apart, the recogniser says
the next text of its script for every utterance, the synthesiser hums.
"""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator, Collection, Mapping, Sequence
from dataclasses import dataclass, field, replace

import numpy as np

from pipeline.ports import EngineError, SpeechRequest, TranslationRequest
from pipeline.types import SAMPLE_RATE_HZ, Embedding, Hypothesis, Pcm, SpeechPiece, Voice, Word

FRAME_SAMPLES = 512
_LOUD = 300.0
_BLOCK_S = 0.05


def tone(seconds: float, hz: float = 140.0, *, level: float = 8000.0) -> Pcm:
    """What counts as one person's speech here; ``hz`` is the person."""
    time_s = np.arange(round(seconds * SAMPLE_RATE_HZ)) / SAMPLE_RATE_HZ
    return (level * np.sin(2 * np.pi * hz * time_s)).astype(np.int16)


def silence(seconds: float) -> Pcm:
    return np.zeros(round(seconds * SAMPLE_RATE_HZ), dtype=np.int16)


def utterances(*spoken: tuple[float, float], pause_s: float = 1.0) -> Pcm:
    """Tones of (seconds, Hz), each followed by a pause."""
    parts = [part for seconds, hz in spoken for part in (tone(seconds, hz), silence(pause_s))]
    return np.concatenate([silence(0.3), *parts])


class ScriptedDetectorStream:
    frame_samples = FRAME_SAMPLES

    def __init__(self) -> None:
        self._rest: Pcm = np.zeros(0, dtype=np.int16)

    async def push(self, pcm: Pcm) -> Sequence[float]:
        joined = np.concatenate([self._rest, pcm])
        whole = len(joined) // FRAME_SAMPLES * FRAME_SAMPLES
        self._rest = joined[whole:]
        frames = joined[:whole].reshape(-1, FRAME_SAMPLES).astype(np.float64)
        loudness = np.sqrt((frames**2).mean(axis=1))
        return [0.99 if rms > _LOUD else 0.01 for rms in loudness]


class ScriptedDetector:
    """Speech is whatever is louder than a threshold."""

    def open(self) -> ScriptedDetectorStream:
        return ScriptedDetectorStream()


@dataclass
class ScriptedRecognizer:
    """Says ``script[n]`` for the n-th utterance of a stream, from the start when used up.

    A word lasts ``word_s``; the final squeezes those for which there was no time into
    what is left of the utterance. ``fail_at`` names utterances at
    whose end the engine breaks, once each.
    """

    script: Sequence[str] = ("the quick brown fox jumps over the lazy dog",)
    name: str = "scripted-recognizer"
    languages: frozenset[str] = frozenset({"en"})
    punctuates: bool = False
    final_delay_s: float = 0.01
    word_s: float = 0.3
    fail_at: set[int] = field(default_factory=set)
    opened: int = 0
    closed: int = 0

    async def prepare(self) -> None:
        pass

    async def open(self, language: str) -> ScriptedRecognizerStream:
        if language not in self.languages:
            raise EngineError(
                "source_language_unsupported", f"{language} is not in the script", recoverable=False
            )
        self.opened += 1
        return ScriptedRecognizerStream(self, language)

    async def aclose(self) -> None:
        pass


class ScriptedRecognizerStream:
    def __init__(self, engine: ScriptedRecognizer, language: str) -> None:
        self._engine = engine
        self._language = language
        self._pieces: asyncio.Queue[SpeechPiece | None] = asyncio.Queue(64)
        self._closed = False

    async def push(self, piece: SpeechPiece) -> None:
        await self._pieces.put(piece)

    async def finish(self) -> None:
        await self._pieces.put(None)

    async def __aiter__(self) -> AsyncIterator[Hypothesis]:
        start = 0
        utterance = -1
        while (piece := await self._pieces.get()) is not None:
            if piece.utterance != utterance:
                utterance, start = piece.utterance, piece.start
            if piece.ends:
                await asyncio.sleep(self._engine.final_delay_s)
                if utterance in self._engine.fail_at:
                    self._engine.fail_at.discard(utterance)
                    raise EngineError("engine_stopped", "the script says that the engine breaks")
            yield self._hypothesis(piece, start)

    def _hypothesis(self, piece: SpeechPiece, start: int) -> Hypothesis:
        engine = self._engine
        texts = engine.script[piece.utterance % len(engine.script)].split()
        start_s = start / SAMPLE_RATE_HZ
        end_s = piece.end / SAMPLE_RATE_HZ
        if piece.ends and piece.speech_end is not None:
            end_s = piece.speech_end / SAMPLE_RATE_HZ
        fit = int((end_s - start_s) / engine.word_s)
        texts = texts if piece.ends else texts[:fit]
        # Words keep the places they had in partials; those left over share the rest.
        rest_s = max(0.01, (end_s - start_s - fit * engine.word_s) / max(1, len(texts) - fit))
        words = []
        at_s = start_s
        for n, text in enumerate(texts):
            lasts_s = engine.word_s if n < fit else rest_s
            words.append(Word(text, at_s, at_s + lasts_s))
            at_s += lasts_s
        return Hypothesis(piece.utterance, tuple(words), end_s, piece.ends, self._language)

    async def aclose(self) -> None:
        if not self._closed:
            self._closed = True
            self._engine.closed += 1


@dataclass
class ScriptedTranslator:
    """``table`` where it has the text, else the text behind the target's code."""

    table: Mapping[str, str] = field(default_factory=dict)
    name: str = "scripted-translator"
    pair_set: frozenset[tuple[str, str]] = frozenset({("en", "es"), ("en", "fr")})
    delay_s: float = 0.005
    fail_on: Collection[str] = ()
    """Texts that cannot be translated."""
    requests: list[TranslationRequest] = field(default_factory=list)

    def pairs(self) -> frozenset[tuple[str, str]]:
        return self.pair_set

    async def prepare(self, source: str, target: str) -> None:
        if (source, target) not in self.pair_set:
            raise EngineError("pair_unsupported", f"no {source}-{target}", recoverable=False)

    async def translate(self, request: TranslationRequest) -> str:
        self.requests.append(request)
        await asyncio.sleep(self.delay_s)
        if request.text in self.fail_on:
            raise EngineError("translation_failed", "the script says so")
        return self.table.get(request.text, f"{request.target} {request.text}")

    async def aclose(self) -> None:
        pass


def _stock_voices() -> tuple[Voice, ...]:
    return (
        Voice("hum-low", "scripted-synthesizer", "Low hum", (), "low", 100.0),
        Voice("hum-high", "scripted-synthesizer", "High hum", (), "high", 220.0),
        Voice("hum-mid", "scripted-synthesizer", "Middle hum", (), "mid", 150.0),
    )


@dataclass
class ScriptedSynthesizer:
    """Hums at the voice's pitch for ``char_s`` a character, fitted to ``fit_s``."""

    name: str = "scripted-synthesizer"
    language_set: frozenset[str] = frozenset({"en", "es", "fr"})
    stock: tuple[Voice, ...] = field(default_factory=_stock_voices)
    sample_rate_hz: int = SAMPLE_RATE_HZ
    char_s: float = 0.06
    delay_s: float = 0.01
    """Before the first block; later blocks come at once."""
    fail_on: Collection[str] = ()
    """Texts that cannot be spoken."""
    requests: list[SpeechRequest] = field(default_factory=list)
    open_streams: int = 0

    def languages(self) -> frozenset[str]:
        return self.language_set

    def voices(self, language: str) -> tuple[Voice, ...]:
        return self.stock if language in self.language_set else ()

    async def prepare(self, language: str) -> None:
        pass

    async def synthesize(self, request: SpeechRequest) -> ScriptedSpeech:
        self.requests.append(request)
        if request.text in self.fail_on:
            raise EngineError("synthesis_failed", "the script says so")
        self.open_streams += 1
        return ScriptedSpeech(self, request)

    async def aclose(self) -> None:
        pass


class ScriptedSpeech:
    def __init__(self, engine: ScriptedSynthesizer, request: SpeechRequest) -> None:
        natural_s = max(0.2, len(request.text) * engine.char_s)
        wanted = natural_s / request.fit_s if request.fit_s else 1.0
        self.rate = min(1.5, max(0.8, wanted)) * request.tempo
        self.sample_rate_hz = engine.sample_rate_hz
        self._samples = round(natural_s / self.rate * self.sample_rate_hz)
        self.expected_s = self._samples / self.sample_rate_hz
        self._engine = engine
        self._hz = request.voice.pitch_hz or 150.0
        self._closed = False

    async def __aiter__(self) -> AsyncIterator[Pcm]:
        await asyncio.sleep(self._engine.delay_s)
        block = round(_BLOCK_S * self.sample_rate_hz)
        for begin in range(0, self._samples, block):
            time_s = np.arange(begin, min(begin + block, self._samples)) / self.sample_rate_hz
            yield (8000 * np.sin(2 * np.pi * self._hz * time_s)).astype(np.int16)

    async def aclose(self) -> None:
        if not self._closed:
            self._closed = True
            self._engine.open_streams -= 1


@dataclass
class ScriptedEncoder:
    """Tones of the same pitch are the same voice, tones 40 Hz apart are strangers."""

    delay_s: float = 0.002

    async def embed(self, pcm: Pcm) -> Embedding:
        if len(pcm) < 0.4 * SAMPLE_RATE_HZ:
            raise ValueError("a voiceprint needs at least 0.4 s of speech")
        await asyncio.sleep(self.delay_s)
        sounding = pcm[np.abs(pcm) > 0]
        crossings = int(np.count_nonzero(np.diff(np.signbit(sounding))))
        voiced_s = max(len(sounding), 1) / SAMPLE_RATE_HZ
        slot = crossings / 2 / voiced_s / 20
        embedding: Embedding = np.exp(-0.5 * (np.arange(256, dtype=np.float32) - slot) ** 2)
        embedding /= np.linalg.norm(embedding)
        return embedding


@dataclass
class ScriptedCloner:
    """Marks the base voice with the number of samples it was shaped after."""

    needs_s: float = 3.0
    enough_s: float = 6.0
    delay_s: float = 0.01
    clones: int = 0

    async def clone(self, pcm: Pcm, base: Voice) -> Voice:
        await asyncio.sleep(self.delay_s)
        if len(pcm) < SAMPLE_RATE_HZ:
            raise EngineError("speech_unusable", "the script wants a second of speech")
        self.clones += 1
        return replace(base, profile=len(pcm))
