"""The two ways of having a clause spoken: a context of an open socket, or an HTTP request."""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable, Callable
from contextlib import aclosing
from typing import TYPE_CHECKING, Any, cast

from pipeline.ports import EngineError
from pipeline.providers.elevenlabs.faults import fault, fault_of
from pipeline.providers.elevenlabs.feed import Feed
from pipeline.providers.elevenlabs.voice_socket import Settings, SocketKey

if TYPE_CHECKING:
    from elevenlabs.core.request_options import RequestOptions

    from pipeline.providers.elevenlabs.client import Account

Stop = Callable[[], Awaitable[None]]
"""Cancels the clause at the vendor."""

_STREAMED = cast("RequestOptions", {"max_retries": 0, "chunk_size": None})
"""``chunk_size`` None passes on what comes as it comes; a number would wait for so much."""


async def by_socket(
    account: Account, key: SocketKey, text: str, settings: Settings, feed: Feed
) -> Stop:
    """Raises EngineError when there is no socket and none can be opened, or it broke."""
    socket, context = await account.sockets.reserve(key, feed)
    try:
        await socket.speak(context, text, settings)
    except asyncio.CancelledError:
        # Perhaps half of it was sent: the context would never end.
        socket.retire()
        raise
    return lambda: socket.cancel(context)


def by_http(account: Account, key: SocketKey, text: str, settings: Settings, feed: Feed) -> Stop:
    """Failures come through the feed."""
    pump = asyncio.create_task(_pump(account, key, text, settings, feed), name="elevenlabs http")
    account.requests.add(pump)
    pump.add_done_callback(account.requests.discard)

    def drop() -> None:
        pump.cancel()

    feed.on_late = drop

    async def stop() -> None:
        feed.cancel()
        pump.cancel()
        await asyncio.gather(pump, return_exceptions=True)
        # A pump that was cancelled before it began has not said so.
        feed.end()

    return stop


async def _pump(
    account: Account, key: SocketKey, text: str, settings: Settings, feed: Feed
) -> None:
    from elevenlabs.types import VoiceSettings

    more: dict[str, Any] = {"language_code": key.language} if key.language else {}
    request = account.client.text_to_speech.with_raw_response.stream(
        key.voice_id,
        text=text,
        model_id=key.model,
        output_format=key.output_format,
        voice_settings=VoiceSettings.model_validate(dict(settings)),
        request_options=_STREAMED,
        **more,
    )
    feed.asked()
    asked_with = account.gate.inside
    try:
        async with request as response:
            account.gate.learn(response.headers, asked_with=asked_with)
            # Some proxies answer 200 with a page of their own.
            kind = response.headers.get("content-type", "")
            if kind.startswith(("text/", "application/json")):
                raise fault("vendor_malformed", f"content-type {kind}")
            # Left without being closed a response would hold its connection.
            async with aclosing(cast(Any, response.data)) as chunks:
                async for chunk in chunks:
                    feed.push(chunk)
        feed.end()
    except EngineError as error:
        feed.fail(error)
    except asyncio.CancelledError:
        feed.end()
        raise
    except Exception as error:
        feed.fail(fault_of(error))
