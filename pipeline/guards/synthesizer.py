"""A synthesiser that is several: another one speaks when the first cannot, or its rest."""

from __future__ import annotations

from collections.abc import AsyncGenerator, AsyncIterator
from contextlib import aclosing, suppress
from dataclasses import dataclass, replace

from pipeline.bounds import FIRST_SOUND_LEG_S, NEXT_SOUND_LEG_S
from pipeline.guards.chain import Chain, Link
from pipeline.guards.gate import FairGate
from pipeline.guards.usage import Meter
from pipeline.guards.voices import voice_for, with_stand_ins
from pipeline.ports import EngineError, SpeechRequest, SpeechStream, Synthesizer
from pipeline.speaking.making import in_time
from pipeline.text.speakable import speakable
from pipeline.types import Pcm, Voice

_UNSPEAKABLE = frozenset({"nothing_to_speak", "text_too_long"})


@dataclass(slots=True)
class _Begun:
    """Speech that has its first block."""

    link: Link[Synthesizer]
    stream: SpeechStream
    blocks: AsyncIterator[Pcm]
    first: Pcm | None

    async def aclose(self) -> None:
        await _close(self.stream, self.blocks)


class GuardedSynthesizer:
    """Fills Synthesizer for one run. ``gates`` are by engine name."""

    def __init__(
        self, chain: Chain[Synthesizer], meter: Meter, gates: dict[str, FairGate], user: str
    ) -> None:
        self._chain = chain
        self._meter = meter
        self._gates = gates
        self._user = user
        self.name = chain.first.name

    @property
    def at_once(self) -> int | None:
        return self._chain.first.at_once

    async def connect(self) -> None:
        """The engines were connected when they were made."""

    def languages(self) -> frozenset[str]:
        return frozenset().union(*(link.engine.languages() for link in self._chain.links))

    def voices(self, language: str) -> tuple[Voice, ...]:
        """Those of the first engine that speaks the language, with stand-ins of the others."""
        able = [voices for link in self._chain.links if (voices := link.engine.voices(language))]
        if not able:
            return ()
        first, *others = able
        for voices in others:
            first = with_stand_ins(first, voices)
        return first

    async def prepare(self, language: str) -> None:
        """Warm every engine, the one that serves first. Raises EngineError when none could
        be."""
        await self._chain.warm(self._able(language), lambda engine: engine.prepare(language))

    async def warm(self, voice: Voice, language: str) -> None:
        """Have whoever would speak now dial for the voice. Raises EngineError."""
        for link in self._able(language)[:1]:
            if (own := voice_for(link.engine, voice, language)) is not None:
                await link.engine.warm(own, language)

    async def synthesize(self, request: SpeechRequest) -> GuardedSpeech:
        """Comes back with the first block made. Raises EngineError when no engine could."""
        self._chain.probe(lambda engine: self._try(engine, request))
        return GuardedSpeech(self, request, await self.begin(request, ()))

    async def aclose(self) -> None:
        """Stop the run's probes; engines belong to their set."""
        await self._chain.aclose()

    async def begin(self, request: SpeechRequest, without: tuple[Link[Synthesizer], ...]) -> _Begun:
        """Speech up to its first block, from the first engine that gives it."""
        links = [link for link in self._able(request.language) if link not in without]
        failure = EngineError("language_unsupported", "No engine speaks this.", recoverable=False)
        for link in links:
            try:
                begun = await self._begin(link, request, alone=link is links[-1])
            except EngineError as error:
                self._chain.failed(link, error)
                failure = error
                if error.code in _UNSPEAKABLE:
                    break
            else:
                self._chain.served(link)
                return begun
        raise failure

    def broke(self, link: Link[Synthesizer], error: EngineError) -> None:
        """Speech of ``link`` ended before its end."""
        self._chain.failed(link, error)

    def _able(self, language: str) -> list[Link[Synthesizer]]:
        return [link for link in self._chain.usable() if language in link.engine.languages()]

    async def _begin(
        self, link: Link[Synthesizer], request: SpeechRequest, *, alone: bool
    ) -> _Begun:
        engine = link.engine
        voice = voice_for(engine, request.voice, request.language)
        if voice is None:
            raise EngineError("voice_unknown", "This engine has no voice for the language.")
        wanted = replace(request, voice=voice)

        async def start() -> _Begun:
            with self._meter.request(engine.name, "synthesis", len(speakable(request.text))):
                if alone:
                    return _Begun(link, *await _start(engine, wanted))
                async with in_time(FIRST_SOUND_LEG_S, "The voice engine did not answer in time."):
                    return _Begun(link, *await _start(engine, wanted))

        # A place is for asking: how much is made at once is the engine's own affair.
        if (gate := self._gates.get(engine.name)) is None:
            return await start()
        # Where the plan allows less, it is here that turns are taken by user.
        gate.learn(engine.at_once)
        async with gate.turn(self._user):
            return await start()

    async def _try(self, engine: Synthesizer, request: SpeechRequest) -> None:
        voice = voice_for(engine, request.voice, request.language)
        if voice is None:
            raise EngineError("voice_unknown", "This engine has no voice for the language.")
        with self._meter.request(engine.name, "synthesis", len(speakable(request.text))):
            stream, blocks, _ = await _start(engine, replace(request, voice=voice))
        await _close(stream, blocks)


async def _start(
    engine: Synthesizer, request: SpeechRequest
) -> tuple[SpeechStream, AsyncIterator[Pcm], Pcm | None]:
    """Speech, its blocks and the first of them."""
    stream = await engine.synthesize(request)
    blocks = aiter(stream)
    try:
        first = await anext(blocks, None)
    except BaseException:
        with suppress(EngineError):
            await _close(stream, blocks)
        raise
    return stream, blocks, first


async def _close(stream: SpeechStream, blocks: AsyncIterator[Pcm]) -> None:
    if isinstance(blocks, AsyncGenerator):
        await blocks.aclose()
    await stream.aclose()


class GuardedSpeech:
    """Port SpeechStream. What breaks in the middle is spoken to its end by another engine."""

    def __init__(self, guard: GuardedSynthesizer, request: SpeechRequest, begun: _Begun) -> None:
        self._guard = guard
        self._request = request
        self._begun = begun
        self.sample_rate_hz = begun.stream.sample_rate_hz
        self.rate = begun.stream.rate
        self.tempo_left = begun.stream.tempo_left
        self.voice = begun.stream.voice
        self._before_s = 0.0
        """Sound of the engine that broke off."""

    @property
    def expected_s(self) -> float:
        """As far as the engine knows it by now."""
        return self._before_s + self._begun.stream.expected_s

    async def __aiter__(self) -> AsyncIterator[Pcm]:
        samples = 0
        try:
            async with aclosing(self._sound(self._begun)) as sound:
                async for block in sound:
                    samples += len(block)
                    yield block
            return
        except EngineError as error:
            failure = error
        broken = self._begun
        expected_s = broken.stream.expected_s
        self._guard.broke(broken.link, failure)
        await self._end(broken)
        rest = rest_of(self._request.text, samples / self.sample_rate_hz, expected_s)
        if not rest:
            return
        left_s = max(0.3, expected_s - samples / self.sample_rate_hz)
        request = replace(self._request, text=rest, fit_s=left_s)
        self._before_s = samples / self.sample_rate_hz
        try:
            self._begun = await self._guard.begin(request, (broken.link,))
        except EngineError:
            # What made it break off is the failure, not that nobody could go on.
            raise failure from None
        self.voice = self._begun.stream.voice
        if self._begun.stream.sample_rate_hz != self.sample_rate_hz:
            raise failure
        async with aclosing(self._sound(self._begun)) as sound:
            async for block in sound:
                yield block

    async def aclose(self) -> None:
        await self._end(self._begun)

    async def _sound(self, begun: _Begun) -> AsyncGenerator[Pcm, None]:
        block = begun.first
        while block is not None:
            yield block
            async with in_time(NEXT_SOUND_LEG_S, "The voice engine stopped in a line."):
                block = await anext(begun.blocks, None)

    async def _end(self, begun: _Begun) -> None:
        with suppress(EngineError):
            await begun.aclose()


def rest_of(text: str, spoken_s: float, expected_s: float) -> str:
    """The words of ``text`` that are not spoken when ``spoken_s`` of ``expected_s`` are: from
    the word in which it broke off, which is said again, because half a word is none."""
    if expected_s <= 0:
        return text if not spoken_s else ""
    said = min(1.0, spoken_s / expected_s) * len(text)
    position = 0
    for word in text.split():
        begin = text.index(word, position)
        position = begin + len(word)
        if position > said + 0.5:
            return text[begin:]
    return ""
