"""Translations that were made before: the same clause, pair and glossary cost nothing.

The store is whoever runs the server's; keys are digests that contain the owner, so nobody
can find out by asking, or by the time an answer takes, what others have had translated.
"""

from __future__ import annotations

import hashlib
import hmac
import unicodedata
from dataclasses import replace
from typing import Protocol

import msgspec

from pipeline import metrics
from pipeline.bounds import CACHED_MAX_CHARS
from pipeline.ports import TranslationRequest, Translator


class TranslationStore(Protocol):
    """Small texts by digest. Neither method raises: a store that is away has nothing."""

    async def get(self, key: str) -> str | None: ...

    def put(self, key: str, text: str) -> None:
        """Kept soon; nobody waits for it."""


def cache_key(
    request: TranslationRequest, *, engine: str, uses_context: bool, owner: str, secret: bytes
) -> str:
    """Digest of everything that the translation depends on, and of who asked."""
    parts = (
        owner,
        engine,
        request.source,
        request.target,
        " ".join(unicodedata.normalize("NFC", request.text).split()),
        sorted(request.glossary.items()),
        request.previous if uses_context else (),
    )
    return hmac.new(secret, msgspec.msgpack.encode(parts), hashlib.sha256).hexdigest()


class CachedTranslator:
    """Fills Translator with what ``inner`` made once for the same owner."""

    def __init__(
        self, inner: Translator, store: TranslationStore, *, owner: str, secret: bytes
    ) -> None:
        self._inner = inner
        self._store = store
        self._owner = owner
        self._secret = secret
        self.name = inner.name
        self.detects = inner.detects
        self.uses_context = inner.uses_context

    async def connect(self) -> None:
        await self._inner.connect()

    def pairs(self) -> frozenset[tuple[str, str]]:
        return self._inner.pairs()

    async def prepare(self, source: str, target: str) -> None:
        await self._inner.prepare(source, target)

    async def translate(self, request: TranslationRequest) -> str:
        """Raises EngineError, as the engine does."""
        if len(request.text) > CACHED_MAX_CHARS:
            return await self._inner.translate(request)
        key = cache_key(
            request,
            engine=self.name,
            uses_context=self.uses_context,
            owner=self._owner,
            secret=self._secret,
        )
        kept = await self._store.get(key)
        metrics.count_cache("translation", hit=kept is not None)
        if kept is not None:
            return kept
        makers: list[str] = []
        made = await self._inner.translate(replace(request, made_by=makers.append))
        # What a stand-in made would be given out long after the engine itself is back.
        if all(maker == self.name for maker in makers):
            self._store.put(key, made)
        return made

    async def aclose(self) -> None:
        await self._inner.aclose()
