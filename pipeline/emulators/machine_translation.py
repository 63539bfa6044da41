"""The engine inside an emulated translation service: a marked echo, or the offline one."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Protocol

from pipeline.ports import EngineError, TranslationRequest
from pipeline.providers.offline.translator import ApertiumTranslator


class TranslationEngine(Protocol):
    async def translate(self, text: str, source: str, target: str, terms: Mapping[str, str]) -> str:
        """``source`` and ``target`` are ISO 639-1 codes; each of ``terms`` that occurs in the
        text comes out as its value."""

    async def aclose(self) -> None: ...


class EchoEngine:
    """``Hello`` to Spanish is ``[es] Hello``."""

    async def translate(
        self,
        text: str,
        source: str,  # noqa: ARG002 - an echo understands nothing
        target: str,
        terms: Mapping[str, str],
    ) -> str:
        for term, wanted in terms.items():
            text = text.replace(term, wanted)
        return f"[{target}] {text}"

    async def aclose(self) -> None:
        pass


class OfflineEngine:
    """Apertium for the pairs that are installed, an echo for the others."""

    def __init__(self) -> None:
        self._apertium = ApertiumTranslator()
        self._pairs = self._apertium.pairs()
        self._echo = EchoEngine()

    async def translate(self, text: str, source: str, target: str, terms: Mapping[str, str]) -> str:
        if (source, target) not in self._pairs or not text.strip():
            return await self._echo.translate(text, source, target, terms)
        try:
            return await self._apertium.translate(TranslationRequest(text, source, target, terms))
        except EngineError:
            # A text that it cannot take: the emulated service itself would have managed.
            return await self._echo.translate(text, source, target, terms)

    async def aclose(self) -> None:
        await self._apertium.aclose()
