"""Notices over the channel layer to whoever watches something that goes on in another process.

A notice says only that there is something new: what it is, is read from the database by
whoever may see it. One that gets lost is made up for by looking again now and then.
"""

from __future__ import annotations

import asyncio
import logging
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager

from asgiref.sync import async_to_sync
from channels.layers import get_channel_layer
from redis.exceptions import TimeoutError as RedisTimeoutError

from pipeline.bounds import NOTICE_TOLD_S

log = logging.getLogger(__name__)


def tell_watchers(group: str) -> None:
    """From any thread without an event loop; never raises."""
    async_to_sync(_tell)(group)


async def _tell(group: str) -> None:
    try:
        async with asyncio.timeout(NOTICE_TOLD_S):
            await get_channel_layer().group_send(group, {"type": "moved"})
    except Exception as error:  # whatever Redis and the layer raise
        log.info("watchers not told", extra={"error": type(error).__name__})


class Watch:
    """Of one group; ``changed`` waits until something may be new, ``look_s`` at most."""

    def __init__(self, channel: str, look_s: float) -> None:
        self._channel = channel
        self._look_s = look_s

    async def changed(self) -> None:
        try:
            async with asyncio.timeout(self._look_s):
                await get_channel_layer().receive(self._channel)
        except (TimeoutError, RedisTimeoutError):
            pass
        except Exception as error:  # whatever Redis and the layer raise
            log.info("no notice heard", extra={"error": type(error).__name__})
            await asyncio.sleep(self._look_s)


@asynccontextmanager
async def watching(group: str, *, look_s: float) -> AsyncIterator[Watch]:
    """What happens from here on is noticed. Raises whatever Redis and the layer raise."""
    layer = get_channel_layer()
    channel = await layer.new_channel("watch")
    await layer.group_add(group, channel)
    try:
        yield Watch(channel, look_s)
    finally:
        try:
            async with asyncio.timeout(NOTICE_TOLD_S):
                await layer.group_discard(group, channel)
        except Exception as error:  # a membership ends by itself
            log.info("watching not ended", extra={"error": type(error).__name__})
