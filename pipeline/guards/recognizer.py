"""A recogniser that is several: the stream goes on with the next one, and comes back."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncGenerator, AsyncIterator
from dataclasses import dataclass, replace

from pipeline.bounds import RECOGNISER_LEGS_MAX as _LEGS_MAX
from pipeline.guards.chain import Chain, Link
from pipeline.guards.usage import Meter
from pipeline.ports import EngineError, RecognitionOptions, Recognizer, RecognizerStream
from pipeline.types import Hypothesis, SpeechPiece


class GuardedRecognizer:
    """Fills Recognizer for one run.

    A stream that breaks raises, as any does; whoever opens the next one gets it from the
    engine that is in order, and the speech that had no final comes again. At the first
    utterance after the first choice has mended, the stream goes back to it by itself.
    """

    def __init__(self, chain: Chain[Recognizer], meter: Meter) -> None:
        self.chain = chain
        self.meter = meter
        first = chain.first
        self.name = first.name
        self.languages = frozenset().union(*(link.engine.languages for link in chain.links))
        self.punctuates = first.punctuates
        """Of the engine whose hypotheses are read now."""
        self.candidates_max = first.candidates_max
        self.finds_any = first.finds_any
        self.found = ""
        """The language found last."""

    async def connect(self) -> None:
        """The engines were connected when they were made."""

    async def open(self, options: RecognitionOptions) -> GuardedStream:
        """Raises EngineError when no engine could."""
        failure = EngineError(
            "source_language_unsupported", "No engine hears this language.", recoverable=False
        )
        for link in self.chain.usable():
            wanted = self.suited(link.engine, options)
            if wanted is None:
                continue
            try:
                stream = await link.engine.open(wanted)
            except EngineError as error:
                self.chain.failed(link, error)
                failure = error
            else:
                self.meter.count(link.engine.name, "recognition", 0.0)
                return GuardedStream(self, options, Leg(link, stream))
        raise failure

    async def aclose(self) -> None:
        """Stop the run's probes; engines belong to their set."""
        await self.chain.aclose()

    def suited(self, engine: Recognizer, options: RecognitionOptions) -> RecognitionOptions | None:
        """``options`` as far as ``engine`` can follow; None when it cannot at all."""
        languages = options.languages
        known = tuple(one for one in languages if one in engine.languages)
        if (languages and len(known) == len(languages) <= engine.candidates_max) or (
            not languages and engine.finds_any
        ):
            return options
        # It hears one language where the first choice tells several apart: better than none.
        likeliest = [one for one in (self.found, *known) if one in engine.languages]
        if not likeliest:
            return None
        return replace(options, languages=(likeliest[0],), model="", region="")

    def preferred(self, options: RecognitionOptions) -> Link[Recognizer] | None:
        """The first engine in order that can follow ``options``."""
        self.chain.probe(lambda engine: engine.connect())
        return next((one for one in self.chain.usable() if self.suited(one.engine, options)), None)


@dataclass(slots=True, eq=False)
class Leg:
    """A stretch of the stream on one engine."""

    link: Link[Recognizer]
    stream: RecognizerStream
    heard: bool = False
    counted_s: float = 0.0
    """Of what the stream is billed for."""


class GuardedStream:
    """Port RecognizerStream, over the streams of one engine after another."""

    def __init__(self, guard: GuardedRecognizer, options: RecognitionOptions, leg: Leg) -> None:
        self._guard = guard
        self._options = options
        self._leg = leg
        self._legs: asyncio.Queue[Leg | None] = asyncio.Queue(_LEGS_MAX)
        self._legs.put_nowait(leg)
        self._opened = [leg]
        self._utterance = -1

    async def push(self, piece: SpeechPiece) -> None:
        """Raises EngineError."""
        if piece.utterance != self._utterance:
            self._utterance = piece.utterance
            await self._go_back()
        leg = self._leg
        try:
            await leg.stream.push(piece)
        except EngineError as error:
            raise self._fail(leg, error) from error
        finally:
            self._count(leg)

    async def __aiter__(self) -> AsyncIterator[Hypothesis]:
        while (leg := await self._legs.get()) is not None:
            guard = self._guard
            guard.punctuates = leg.link.engine.punctuates
            hypotheses = aiter(leg.stream)
            try:
                async for hypothesis in hypotheses:
                    if not leg.heard:
                        leg.heard = True
                        guard.chain.served(leg.link)
                    guard.found = hypothesis.language or guard.found
                    self._count(leg)
                    yield hypothesis
            except EngineError as error:
                raise self._fail(leg, error) from error
            finally:
                if isinstance(hypotheses, AsyncGenerator):
                    await hypotheses.aclose()

    @property
    def billed_s(self) -> float:
        return sum(leg.counted_s for leg in self._opened)

    async def finish(self) -> None:
        await self._leg.stream.finish()
        await self._legs.put(None)

    async def aclose(self) -> None:
        opened, self._opened = self._opened, []
        for leg in opened:
            await leg.stream.aclose()
            self._count(leg)

    def _count(self, leg: Leg) -> None:
        billed_s = leg.stream.billed_s
        if more_s := billed_s - leg.counted_s:
            self._guard.meter.count(leg.link.engine.name, "recognition", more_s, requests=0)
            leg.counted_s = billed_s

    async def _go_back(self) -> None:
        """Change to a better engine between two utterances, if there is one again."""
        better = self._guard.preferred(self._options)
        if better is None or better is self._leg.link or self._legs.qsize() >= _LEGS_MAX - 2:
            return
        links = self._guard.chain.links
        if links.index(better) > links.index(self._leg.link):
            return
        wanted = self._guard.suited(better.engine, self._options)
        if wanted is None:
            return
        try:
            stream = await better.engine.open(wanted)
        except EngineError as error:
            self._guard.chain.failed(better, error)
            return
        self._guard.meter.count(better.engine.name, "recognition", 0.0)
        before, self._leg = self._leg, Leg(better, stream)
        self._opened.append(self._leg)
        self._legs.put_nowait(self._leg)
        await before.stream.finish()
        self._count(before)

    def _fail(self, leg: Leg, error: EngineError) -> EngineError:
        guard = self._guard
        guard.chain.failed(leg.link, error)
        others = (one for one in guard.chain.usable() if one is not leg.link)
        # What this engine will not do again another one may.
        again = any(guard.suited(one.engine, self._options) for one in others)
        return EngineError(error.code, str(error), recoverable=error.recoverable or again)
