"""Where live sessions are put down for another process: one Redis key each, for a while.

Redis being away costs the move to another process, never the dubbing: every call is
bounded and says only whether it worked.
"""

from __future__ import annotations

import asyncio
import logging
import uuid

import msgspec
from django.conf import settings
from redis.exceptions import RedisError

from pipeline.bounds import SHELF_CALL_S as CALL_S
from pipeline.bounds import SHELF_RESTART_S as RESTART_S
from pipeline.bounds import STATE_MAX_BYTES
from sessions_app.caches.redis_client import redis_client
from sessions_app.running.live_state import LiveState, decode, encode

log = logging.getLogger(__name__)


async def put(state: LiveState) -> bool:
    """Put the session down, over what lay there; False when that was not possible."""
    data = encode(state)
    if len(data) > STATE_MAX_BYTES:
        log.warning("session too large to put down", extra={"bytes": len(data)})
        return False
    lasts_s = settings.RESUME_SECONDS + RESTART_S
    try:
        async with asyncio.timeout(CALL_S):
            await redis_client().set(_key(state.session_id), data, px=round(lasts_s * 1000))
    except (RedisError, OSError, TimeoutError) as error:
        log.info("session not put down", extra={"error": type(error).__name__})
        return False
    return True


async def look(session_id: uuid.UUID) -> LiveState | None:
    """What lies there, left lying; None when there is nothing, or no telling."""
    return await _read(session_id, take=False)


async def take(session_id: uuid.UUID) -> LiveState | None:
    """What lies there; of several who ask, one gets it."""
    return await _read(session_id, take=True)


async def remove(session_id: uuid.UUID) -> None:
    try:
        async with asyncio.timeout(CALL_S):
            await redis_client().delete(_key(str(session_id)))
    except (RedisError, OSError, TimeoutError):
        pass  # it expires


async def _read(session_id: uuid.UUID, *, take: bool) -> LiveState | None:
    client, key = redis_client(), _key(str(session_id))
    try:
        async with asyncio.timeout(CALL_S):
            data = await (client.getdel(key) if take else client.get(key))
    except (RedisError, OSError, TimeoutError) as error:
        log.info("session not looked up", extra={"error": type(error).__name__})
        return None
    if data is None:
        return None
    try:
        return decode(data if isinstance(data, bytes) else data.encode())
    except msgspec.MsgspecError:
        log.warning("a session of another version was left", extra={"session": str(session_id)})
        return None


def _key(session_id: str) -> str:
    return f"dubbing:live:{session_id}"
