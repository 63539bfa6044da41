"""Translations kept in Redis for CACHE_TTL seconds, under keys that tell nothing.

Nobody waits for it: a Redis that is slow or away is left alone for a while.
"""

from __future__ import annotations

import asyncio
import hashlib
import logging
import time

from django.conf import settings
from redis.exceptions import RedisError

from pipeline import metrics
from pipeline.bounds import CACHE_AWAY_S, CACHE_LOOK_S, CACHE_PUTS_MAX
from pipeline.guards.cache import CachedTranslator
from pipeline.ports import Translator
from sessions_app.redis_client import redis_client

log = logging.getLogger(__name__)


class RedisTranslations:
    """Port TranslationStore; belongs to one event loop."""

    def __init__(self, ttl_s: int) -> None:
        self._ttl_s = ttl_s
        self._away_until = 0.0
        self._puts: set[asyncio.Task[None]] = set()
        metrics.track_queue("cache_puts", self, lambda store: len(store._puts))

    async def get(self, key: str) -> str | None:
        if time.monotonic() < self._away_until:
            return None
        try:
            async with asyncio.timeout(CACHE_LOOK_S):
                found = await redis_client().get(_name(key))
        except (RedisError, OSError, TimeoutError) as error:
            self._away(error)
            return None
        return found.decode() if isinstance(found, bytes) else found

    def put(self, key: str, text: str) -> None:
        if len(self._puts) >= CACHE_PUTS_MAX or time.monotonic() < self._away_until:
            return
        task = asyncio.create_task(self._put(key, text))
        self._puts.add(task)
        task.add_done_callback(self._puts.discard)

    async def _put(self, key: str, text: str) -> None:
        try:
            await redis_client().set(_name(key), text.encode(), ex=self._ttl_s)
        except (RedisError, OSError, TimeoutError) as error:
            self._away(error)

    def _away(self, error: Exception) -> None:
        self._away_until = time.monotonic() + CACHE_AWAY_S
        log.info("translation cache left alone", extra={"error": type(error).__name__})


def cached(translator: Translator, store: RedisTranslations, *, owner: str) -> CachedTranslator:
    """``translator`` with what ``owner`` had translated before."""
    secret = hashlib.sha256(b"translation cache" + settings.SECRET_KEY.encode()).digest()
    return CachedTranslator(translator, store, owner=owner, secret=secret)


def _name(key: str) -> str:
    return f"dubbing:translation:{key}"
