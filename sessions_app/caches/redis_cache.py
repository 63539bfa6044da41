"""Small contents kept in Redis for a while, under keys that tell nothing.

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
from pipeline.bounds import CACHE_AWAY_S
from sessions_app.caches.redis_client import redis_client

log = logging.getLogger(__name__)


class RedisCache:
    """Contents of one kind; port VoiceStore. Belongs to one event loop."""

    def __init__(self, kind: str, ttl_s: int, *, look_s: float, puts_max: int, queue: str) -> None:
        self._kind = kind
        self._ttl_s = ttl_s
        self._look_s = look_s
        self._puts_max = puts_max
        self._away_until = 0.0
        self._puts: set[asyncio.Task[None]] = set()
        metrics.track_queue(queue, self, lambda store: len(store._puts))

    async def get(self, key: str) -> bytes | None:
        if time.monotonic() < self._away_until:
            return None
        try:
            async with asyncio.timeout(self._look_s):
                found = await redis_client().get(self._name(key))
        except (RedisError, OSError, TimeoutError) as error:
            self._away(error)
            return None
        return found.encode() if isinstance(found, str) else found

    def put(self, key: str, content: bytes) -> None:
        if len(self._puts) >= self._puts_max or time.monotonic() < self._away_until:
            return
        task = asyncio.create_task(self._put(key, content))
        self._puts.add(task)
        task.add_done_callback(self._puts.discard)

    async def settled(self) -> None:
        """Until all that was put is kept, or is not going to be."""
        await asyncio.gather(*self._puts)

    async def _put(self, key: str, content: bytes) -> None:
        try:
            await redis_client().set(self._name(key), content, ex=self._ttl_s)
        except (RedisError, OSError, TimeoutError) as error:
            self._away(error)

    def _away(self, error: Exception) -> None:
        self._away_until = time.monotonic() + CACHE_AWAY_S
        log.info("cache left alone", extra={"cache": self._kind, "error": type(error).__name__})

    def _name(self, key: str) -> str:
        return f"dubbing:{self._kind}:{key}"


def secret_for(purpose: str) -> bytes:
    """What a cache's keys are made with; every purpose has its own."""
    return hashlib.sha256(purpose.encode() + settings.SECRET_KEY.encode()).digest()
