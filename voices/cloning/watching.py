"""How far a clone is, over the channel layer, to whoever watches it being made.

A notice says only that there is something new: what it is, is read from the database by
whoever may see it. One that gets lost is made up for by looking again now and then.
"""

from __future__ import annotations

import asyncio
import logging
import uuid
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from typing import Any

from asgiref.sync import async_to_sync
from channels.layers import get_channel_layer
from django.dispatch import receiver
from redis.exceptions import TimeoutError as RedisTimeoutError

from pipeline.bounds import CLONE_LOOK_S, CLONE_TOLD_S
from voices.cloning.notices import clone_moved
from voices.models import VoiceClone

log = logging.getLogger(__name__)


@receiver(clone_moved)
def tell_watchers(clone: VoiceClone, **_: Any) -> None:
    async_to_sync(_tell)(clone.pk)


async def _tell(clone_id: uuid.UUID) -> None:
    try:
        async with asyncio.timeout(CLONE_TOLD_S):
            await get_channel_layer().group_send(_group(clone_id), {"type": "clone_moved"})
    except Exception as error:  # whatever Redis and the layer raise
        log.info("watchers not told", extra={"error": type(error).__name__})


class Watch:
    """Of one clone; ``changed`` waits until something may be new."""

    def __init__(self, channel: str) -> None:
        self._channel = channel

    async def changed(self) -> None:
        try:
            async with asyncio.timeout(CLONE_LOOK_S):
                await get_channel_layer().receive(self._channel)
        except (TimeoutError, RedisTimeoutError):
            pass
        except Exception as error:  # whatever Redis and the layer raise
            log.info("not heard of a clone", extra={"error": type(error).__name__})
            await asyncio.sleep(CLONE_LOOK_S)


@asynccontextmanager
async def watching(clone_id: uuid.UUID) -> AsyncIterator[Watch]:
    """What happens from here on is noticed. Raises whatever Redis and the layer raise."""
    layer = get_channel_layer()
    channel = await layer.new_channel("clone")
    await layer.group_add(_group(clone_id), channel)
    try:
        yield Watch(channel)
    finally:
        try:
            async with asyncio.timeout(CLONE_TOLD_S):
                await layer.group_discard(_group(clone_id), channel)
        except Exception as error:  # a membership ends by itself
            log.info("watching not ended", extra={"error": type(error).__name__})


def _group(clone_id: uuid.UUID) -> str:
    return f"clone.{clone_id.hex}"
