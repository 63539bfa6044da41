"""The offline engines inside the emulator: espeak speaks, WORLD makes clones resemble people."""

from __future__ import annotations

from collections.abc import AsyncGenerator, Sequence
from contextlib import aclosing

import numpy as np
import soxr

from pipeline.emulators.elevenlabs.mouths import CharacterTime, Saying, Utterance, pieces_of, spread
from pipeline.ports import EngineError, SpeechRequest, SpeechStream
from pipeline.providers.offline.espeak_voices import stock_voices
from pipeline.providers.offline.shaping import WorldCloner
from pipeline.providers.offline.synthesizer import EspeakSynthesizer
from pipeline.types import SAMPLE_RATE_HZ, Pcm, Style, Voice

_PIECE_CHARACTERS = 900
"""Of a text that is said at once; espeak takes no more than 1000."""
_SILENCE_S = 0.2
"""For a text in which nothing can be pronounced."""


class OfflineMouth:
    """``default_language`` is spoken where a request names none, or one espeak has not.

    ``synthesizer`` may be shared with others and is then theirs to close.
    """

    def __init__(
        self, *, default_language: str = "en", synthesizer: EspeakSynthesizer | None = None
    ) -> None:
        self._default_language = default_language
        self._own = synthesizer is None
        self._synthesizer = synthesizer or EspeakSynthesizer()
        self._cloner = WorldCloner()

    async def connect(self) -> None:
        await self._synthesizer.connect()

    async def speak(self, saying: Saying) -> Utterance:
        language = saying.language or self._default_language
        if language not in self._synthesizer.languages():
            language = self._default_language
        streams: list[SpeechStream] = []
        times: list[CharacterTime] = []
        at = 0.0
        for piece in pieces_of(saying.text, _PIECE_CHARACTERS):
            stream = await self._say(piece, language, saying)
            length_s = _SILENCE_S if stream is None else stream.expected_s
            streams += [stream] if stream is not None else []
            times += spread(piece, length_s, start_s=at)
            at += length_s
        return Utterance(times=tuple(times), blocks=_blocks(streams, saying.rate_hz))

    async def learn(self, pcm: Pcm) -> object:
        base = stock_voices(self._default_language)[0]
        try:
            voice = await self._cloner.clone(pcm, base)
        except EngineError as error:
            raise ValueError(str(error)) from error
        return voice.profile

    async def aclose(self) -> None:
        if self._own:
            await self._synthesizer.aclose()

    async def _say(self, text: str, language: str, saying: Saying) -> SpeechStream | None:
        request = SpeechRequest(
            text=text,
            language=language,
            voice=_voice(language, saying),
            # More style is more movement of the voice, more stability less.
            style=Style(pitch_range=1.5 - saying.settings.stability + saying.settings.style),
            tempo=saying.settings.speed,
        )
        try:
            return await self._synthesizer.synthesize(request)
        except EngineError as error:
            if error.code == "nothing_to_speak":
                return None
            raise


def _voice(language: str, saying: Saying) -> Voice:
    """The offline engine's voice for one of the emulator's."""
    stored = saying.voice
    return Voice(
        id=f"espeak:{language}:{stored.variant}",
        engine="espeak",
        name=stored.name,
        languages=(language,),
        pitch_hz=stored.pitch_hz,
        profile=stored.profile,
    )


async def _blocks(streams: Sequence[SpeechStream], rate_hz: int) -> AsyncGenerator[Pcm]:
    if not streams:
        yield np.zeros(round(_SILENCE_S * rate_hz), np.int16)
        return
    resampler = soxr.ResampleStream(SAMPLE_RATE_HZ, rate_hz, 1, dtype="int16")
    try:
        for number, stream in enumerate(streams, 1):
            async with aclosing(stream):
                async for block in stream:
                    yield _resampled(resampler, block, rate_hz)
            if number == len(streams) and rate_hz != SAMPLE_RATE_HZ:
                yield np.asarray(resampler.resample_chunk(np.zeros(0, np.int16), last=True))
    finally:
        for stream in streams:
            await stream.aclose()


def _resampled(resampler: soxr.ResampleStream, block: Pcm, rate_hz: int) -> Pcm:
    if rate_hz == SAMPLE_RATE_HZ:
        return block
    return np.asarray(resampler.resample_chunk(np.ascontiguousarray(block)), np.int16)
