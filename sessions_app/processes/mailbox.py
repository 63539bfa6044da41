"""Small typed notices between server processes, over the channel layer; never audio."""

from __future__ import annotations

import asyncio
import logging
import uuid
import weakref
from collections.abc import Callable, Coroutine
from typing import Any

from channels.layers import get_channel_layer
from redis.exceptions import TimeoutError as RedisTimeoutError

from pipeline.bounds import HEAR_S

log = logging.getLogger(__name__)

Message = dict[str, Any]
Handler = Callable[[Message], Coroutine[Any, Any, None] | None]
"""Called in the order in which messages come; what it gives runs as a task of its own."""

PROCESS = uuid.uuid4().hex
"""This process among all that serve; a new one every start."""
EVERY_PROCESS = "live"
"""The group of all processes' mailboxes."""
RETRY_S = 1.0
CANCEL_AGAIN_S = 0.1

_handlers: dict[str, Handler] = {}
_listening: weakref.WeakKeyDictionary[asyncio.AbstractEventLoop, asyncio.Task[None]] = (
    weakref.WeakKeyDictionary()
)
_answering: set[asyncio.Task[None]] = set()


def handle(kind: str, handler: Handler) -> None:
    """``handler`` gets the messages of a type that come to this process."""
    _handlers[kind] = handler


async def send(process: str, message: Message) -> None:
    """Raises whatever Redis and the layer raise."""
    await get_channel_layer().send(_address(process), message)


async def send_to_all(message: Message) -> None:
    """To every process that serves, this one too. Raises whatever Redis and the layer raise."""
    await get_channel_layer().group_send(EVERY_PROCESS, message)


async def ask(process: str, message: Message, *, timeout_s: float) -> Message | None:
    """The other process's ``answer``; None when it gives none in time."""
    layer = get_channel_layer()
    try:
        async with asyncio.timeout(timeout_s):
            reply = await layer.new_channel("reply")
            await layer.send(_address(process), {**message, "reply": reply})
            answer: Message = await layer.receive(reply)
            return answer
    except TimeoutError:
        log.info("the other process does not answer", extra={"asked": message["type"]})
    except Exception as error:  # whatever Redis and the layer raise
        log.warning("the other process not asked", extra={"error": type(error).__name__})
    return None


async def answer(message: Message, **what: Any) -> None:
    """To one who ``ask``s; they go on without it if it cannot be sent."""
    try:
        await get_channel_layer().send(message["reply"], {"type": "answer", **what})
    except Exception as error:  # whatever Redis and the layer raise
        log.info("not answered", extra={"error": type(error).__name__})


def begin_listening() -> None:
    """Listen to other processes on the running loop from now on; once is enough."""
    loop = asyncio.get_running_loop()
    if loop not in _listening:
        _listening[loop] = loop.create_task(_listen(), name="other processes")


async def stop_listening() -> None:
    """On the running loop. Idempotent."""
    listening = _listening.pop(asyncio.get_running_loop(), None)
    while listening is not None and not listening.done():
        listening.cancel()
        # Again if need be: Redis's client, while it connects, may swallow a cancellation.
        await asyncio.wait({listening}, timeout=CANCEL_AGAIN_S)


async def _listen() -> None:
    """Runs until it is cancelled."""
    layer = get_channel_layer()
    joined = False
    while True:
        try:
            if not joined:
                async with asyncio.timeout(HEAR_S):
                    await layer.group_add(EVERY_PROCESS, _address(PROCESS))
                joined = True
            async with asyncio.timeout(HEAR_S):
                message = await layer.receive(_address(PROCESS))
        except (TimeoutError, RedisTimeoutError):
            # Joined anew now and then: a membership lasts a day, and Redis may forget it.
            joined = False
            continue
        except Exception as error:  # whatever Redis and the layer raise
            joined = False
            log.info("other processes not heard", extra={"error": type(error).__name__})
            await asyncio.sleep(RETRY_S)
            continue
        try:
            _pass_on(message)
        except Exception:  # the next message is another matter
            log.exception("message of another process failed")


def _pass_on(message: Message) -> None:
    handler = _handlers.get(message.get("type", ""))
    work = handler(message) if handler is not None else None
    if work is not None:
        task = asyncio.create_task(work)
        _answering.add(task)
        task.add_done_callback(_answering.discard)


def _address(process: str) -> str:
    return f"live.{process}"
