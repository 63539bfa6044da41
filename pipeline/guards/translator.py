"""A translator that is several: the next one answers when the first does not."""

from __future__ import annotations

from dataclasses import replace
from functools import partial

from pipeline.bounds import TRANSLATION_LEG_S
from pipeline.guards.chain import Chain, Link
from pipeline.guards.gate import FairGate
from pipeline.guards.usage import Meter
from pipeline.ports import EngineError, TranslationRequest, Translator
from pipeline.speaking.making import in_time


class GuardedTranslator:
    """Fills Translator for one run. ``gates`` are by engine name; who has none is not limited."""

    def __init__(
        self, chain: Chain[Translator], meter: Meter, gates: dict[str, FairGate], user: str
    ) -> None:
        self._chain = chain
        self._meter = meter
        self._gates = gates
        self._user = user
        self.name = chain.first.name
        self.detects = chain.first.detects
        self.uses_context = chain.first.uses_context

    async def connect(self) -> None:
        """The engines were connected when they were made."""

    def pairs(self) -> frozenset[tuple[str, str]]:
        return frozenset().union(*(link.engine.pairs() for link in self._chain.links))

    async def prepare(self, source: str, target: str) -> None:
        """Warm every engine, the one that serves first. Raises EngineError when none could
        be."""
        await self._chain.warm(
            self._able(source, target), lambda engine: engine.prepare(source, target)
        )

    async def translate(self, request: TranslationRequest) -> str:
        """Raises EngineError when no engine could."""
        self._chain.probe(lambda engine: self._request(engine, request))
        links = self._able(request.source, request.target)
        failure = EngineError(
            "pair_unsupported", "No engine translates this pair.", recoverable=False
        )
        for link in links:
            try:
                text = await self._ask(link, request, alone=link is links[-1])
            except EngineError as error:
                self._chain.failed(link, error)
                failure = error
                if error.code in ("text_too_long", "nothing_to_speak"):
                    break
            else:
                self._chain.served(link)
                request.made_by(link.engine.name)
                return text
        raise failure

    async def aclose(self) -> None:
        """Stop the run's probes; engines belong to their set."""
        await self._chain.aclose()

    async def _request(self, engine: Translator, request: TranslationRequest) -> str:
        attempt = partial(self._meter.request, engine.name, "translation")
        return await engine.translate(replace(request, attempt=attempt))

    def _able(self, source: str, target: str) -> list[Link[Translator]]:
        return [
            link
            for link in self._chain.usable()
            if (source, target) in link.engine.pairs() or (not source and link.engine.detects)
        ]

    async def _ask(
        self, link: Link[Translator], request: TranslationRequest, *, alone: bool
    ) -> str:
        async def ask() -> str:
            if alone:
                return await self._request(link.engine, request)
            async with in_time(TRANSLATION_LEG_S, "The translator did not answer in time."):
                return await self._request(link.engine, request)

        gate = self._gates.get(link.engine.name)
        if gate is None:
            return await ask()
        async with gate.turn(self._user):
            return await ask()
