"""Translations kept in Redis for CACHE_TTL seconds, under keys that tell nothing."""

from __future__ import annotations

from pipeline.bounds import CACHE_LOOK_S, CACHE_PUTS_MAX
from pipeline.guards.cache import CachedTranslator
from pipeline.ports import Translator
from sessions_app.caches.redis_cache import RedisCache, secret_for


class RedisTranslations:
    """Port TranslationStore; belongs to one event loop."""

    def __init__(self, ttl_s: int) -> None:
        self._cache = RedisCache(
            "translation", ttl_s, look_s=CACHE_LOOK_S, puts_max=CACHE_PUTS_MAX, queue="cache_puts"
        )

    async def get(self, key: str) -> str | None:
        found = await self._cache.get(key)
        return None if found is None else found.decode()

    def put(self, key: str, text: str) -> None:
        self._cache.put(key, text.encode())

    async def settled(self) -> None:
        await self._cache.settled()


def cached(translator: Translator, store: RedisTranslations, *, owner: str) -> CachedTranslator:
    """``translator`` with what ``owner`` had translated before."""
    secret = secret_for("translation cache")
    return CachedTranslator(translator, store, owner=owner, secret=secret)
