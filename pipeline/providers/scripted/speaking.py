"""Scripted translator, synthesiser and cloner: the synthesiser hums."""

from __future__ import annotations

import asyncio
import functools
from collections.abc import AsyncIterator, Collection, Mapping, Sequence
from dataclasses import dataclass, field, replace
from typing import TYPE_CHECKING

import numpy as np

from pipeline.bounds import CHARACTERS_TRANSLATED_MAX
from pipeline.ports import BankedVoice, EngineError, SpeechRequest, TranslationRequest
from pipeline.text import glossary
from pipeline.text.speakable import speakable
from pipeline.types import SAMPLE_RATE_HZ, Pcm, Voice, VoiceTuning

if TYPE_CHECKING:
    from pipeline.sample_quality import Recording

_BLOCK_S = 0.05
_NOISE_FLATNESS = 0.5


@dataclass
class ScriptedTranslator:
    """``table`` where it has the text, else the text behind the target's code."""

    table: Mapping[str, str] = field(default_factory=dict)
    name: str = "scripted-translator"
    pair_set: frozenset[tuple[str, str]] = frozenset({("en", "es"), ("en", "fr")})
    delay_s: float = 0.005
    fail_on: Collection[str] = ()
    """Texts that cannot be translated."""
    keep_requests: bool = True
    """Off for long runs: the list would grow without end."""
    requests: list[TranslationRequest] = field(default_factory=list)
    detects: bool = False
    uses_context: bool = False

    async def connect(self) -> None:
        pass

    def pairs(self) -> frozenset[tuple[str, str]]:
        return self.pair_set

    async def prepare(self, source: str, target: str) -> None:
        if (source, target) not in self.pair_set and not (self.detects and not source):
            raise EngineError(
                "pair_unsupported",
                f"The script does not translate “{source}” to “{target}”.",
                recoverable=False,
            )

    async def translate(self, request: TranslationRequest) -> str:
        if self.keep_requests:
            self.requests.append(request)
        await self.prepare(request.source, request.target)
        if len(request.text) > CHARACTERS_TRANSLATED_MAX:
            raise EngineError(
                "text_too_long",
                f"A text to translate may have {CHARACTERS_TRANSLATED_MAX} characters.",
                recoverable=False,
            )
        with request.attempt(len(request.text)):
            await asyncio.sleep(self.delay_s)
            if request.text in self.fail_on:
                raise EngineError("translation_failed", "the script says so")
        if not request.text.strip():
            return request.text
        if request.text in self.table:
            return self.table[request.text]
        protected, placeholders = glossary.protect(request.text, request.glossary)
        return f"{request.target} {glossary.restore(protected, placeholders)}"

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
    at_once: int | None = None
    keep_requests: bool = True
    """Off for long runs: the list would grow without end."""
    requests: list[SpeechRequest] = field(default_factory=list)
    open_streams: int = 0
    warmed: list[str] = field(default_factory=list)
    """Ids of the voices that somebody was cast with, in order."""

    async def connect(self) -> None:
        pass

    def languages(self) -> frozenset[str]:
        return self.language_set

    def voices(self, language: str) -> tuple[Voice, ...]:
        return self.stock if language in self.language_set else ()

    async def prepare(self, language: str) -> None:
        pass

    async def warm(self, voice: Voice, language: str) -> None:
        assert language in self.language_set
        self.warmed.append(voice.id)

    async def synthesize(self, request: SpeechRequest) -> ScriptedSpeech:
        if self.keep_requests:
            self.requests.append(request)
        speakable(request.text)
        if request.language not in self.language_set:
            raise EngineError(
                "language_unsupported",
                f"The script does not speak “{request.language}”.",
                recoverable=False,
            )
        if request.voice.engine != self.name:
            raise EngineError(
                "voice_unknown", "This voice belongs to another engine.", recoverable=False
            )
        if request.text in self.fail_on:
            raise EngineError("synthesis_failed", "the script says so")
        self.open_streams += 1
        return ScriptedSpeech(self, request)

    async def aclose(self) -> None:
        pass


@functools.lru_cache(maxsize=64)
def _hum(hz: int, rate_hz: int) -> Pcm:
    """A second of hum, which repeats exactly, and a block more: any block is a slice of it.

    Made once, because a load test should measure the server and not sines.
    """
    time_s = np.arange(rate_hz + round(_BLOCK_S * rate_hz)) / rate_hz
    hum: Pcm = (8000 * np.sin(2 * np.pi * hz * time_s)).astype(np.int16)
    hum.flags.writeable = False
    return hum


class ScriptedSpeech:
    def __init__(self, engine: ScriptedSynthesizer, request: SpeechRequest) -> None:
        natural_s = max(0.2, len(request.text) * engine.char_s)
        wanted = natural_s / request.fit_s if request.fit_s else 1.0
        self.rate = min(1.5, max(0.8, wanted)) * request.tempo
        self.sample_rate_hz = engine.sample_rate_hz
        self._samples = round(natural_s / self.rate * self.sample_rate_hz)
        self.expected_s = self._samples / self.sample_rate_hz
        self.voice = request.voice
        self.tempo_left = 1.0
        self._engine = engine
        self._hum = _hum(round(request.voice.pitch_hz) or 150, self.sample_rate_hz)
        self._closed = False

    async def __aiter__(self) -> AsyncIterator[Pcm]:
        await asyncio.sleep(self._engine.delay_s)
        block = round(_BLOCK_S * self.sample_rate_hz)
        for begin in range(0, self._samples, block):
            if self._closed:
                return
            place = begin % self.sample_rate_hz
            yield self._hum[place : place + min(block, self._samples - begin)]

    async def aclose(self) -> None:
        if not self._closed:
            self._closed = True
            self._engine.open_streams -= 1


def _is_voiced(pcm: Pcm) -> bool:
    """Whether some pitches stand out: of noise all are alike, of silence none is there."""
    frames = pcm[: len(pcm) // 512 * 512].reshape(-1, 512).astype(np.float32)
    power = np.mean(np.abs(np.fft.rfft(frames, axis=1)) ** 2, axis=0) + 1e-3
    flatness = float(np.exp(np.mean(np.log(power))) / np.mean(power))
    return flatness < _NOISE_FLATNESS


@dataclass
class ScriptedCloner:
    """Marks the base voice with the number of samples it was shaped after."""

    needs_s: float = 3.0
    enough_s: float = 6.0
    needs_consent: bool = False
    delay_s: float = 0.01
    clones: int = 0
    forgotten: list[str] = field(default_factory=list)

    async def clone(self, pcm: Pcm, base: Voice) -> Voice:
        await asyncio.sleep(self.delay_s)
        if len(pcm) < SAMPLE_RATE_HZ:
            raise EngineError("speech_unusable", "The script wants a second of speech.")
        if not _is_voiced(pcm):
            raise EngineError("speech_unusable", "The script hears nobody in this.")
        self.clones += 1
        return replace(base, profile=len(pcm))

    def dump(self, voice: Voice) -> bytes | None:
        return str(voice.profile).encode() if isinstance(voice.profile, int) else None

    def load(self, base: Voice, content: bytes) -> Voice | None:
        return replace(base, profile=int(content)) if content.isdigit() else None

    async def forget(self, voice: Voice) -> None:
        self.forgotten.append(voice.id)

    async def aclose(self) -> None:
        pass


@dataclass
class ScriptedBank:
    """Keeps how many samples a voice was made after."""

    name: str = "scripted-synthesizer"
    needs_s: float = 3.0

    async def make(self, recordings: Sequence[Recording], *, mark: str) -> BankedVoice:
        samples = sum(len(one.speech_rate) for one in recordings)
        if samples < self.needs_s * SAMPLE_RATE_HZ:
            raise EngineError(
                "speech_unusable", "The script wants three seconds of speech.", recoverable=False
            )
        return BankedVoice(f"script-{mark}", str(samples).encode())

    async def delete(self, voice_id: str) -> None:
        pass

    async def delete_marked(self, mark: str) -> int:  # noqa: ARG002  # the port's
        return 0

    @staticmethod
    def voice(banked: BankedVoice, base: Voice, tuning: VoiceTuning) -> Voice | None:
        if not banked.content.isdigit():
            return None
        profile = int(banked.content)
        return replace(
            base,
            id=banked.voice_id,
            profile=profile,
            tuning=tuning,
            lasting=banked.voice_id,
            stands_on=base,
        )

    async def aclose(self) -> None:
        pass
