"""Connections to Redis for what the event loop asks of it: bounded, and one pool a loop."""

from __future__ import annotations

import asyncio
import weakref

from django.conf import settings
from redis.asyncio import Redis

from pipeline.bounds import REDIS_CONNECTIONS_MAX
from pipeline.bounds import SHELF_CALL_S as CALL_S

_clients: weakref.WeakKeyDictionary[asyncio.AbstractEventLoop, Redis] = weakref.WeakKeyDictionary()


def redis_client() -> Redis:
    """The running loop's."""
    loop = asyncio.get_running_loop()
    if loop not in _clients:
        _clients[loop] = Redis.from_url(
            str(settings.CACHES["default"]["LOCATION"]),
            socket_timeout=CALL_S,
            socket_connect_timeout=CALL_S,
            max_connections=REDIS_CONNECTIONS_MAX,
        )
    return _clients[loop]


async def close_redis() -> None:
    """Close the running loop's connections."""
    client = _clients.pop(asyncio.get_running_loop(), None)
    if client is not None:
        await client.aclose()
