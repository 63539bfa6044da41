"""One multi-stream-input socket: a voice spoken with, a context for each clause.

The vendor fixes voice, model, format and language by the socket's address. A clause is sent
as three messages at once: its settings, its text with ``flush``, and ``close_context``, for
only the close of a context is answered by an ``isFinal`` that marks the end of the sound.
"""

from __future__ import annotations

import asyncio
import base64
import binascii
import json
import logging
from collections.abc import Callable, Mapping
from contextlib import suppress
from itertools import count
from typing import Any, NamedTuple

from websockets.asyncio.client import ClientConnection

from pipeline.bounds import ELEVENLABS_CONTEXTS_MAX, ELEVENLABS_SEND_S
from pipeline.ports import EngineError
from pipeline.providers.elevenlabs.faults import fault, fault_of, fault_of_frame
from pipeline.providers.elevenlabs.feed import Feed

log = logging.getLogger(__name__)

Settings = Mapping[str, float | bool]


class SocketKey(NamedTuple):
    """What a socket is bound to. ``language`` is the vendor's code, "" where none is given."""

    voice_id: str
    model: str
    output_format: str
    language: str


class VoiceSocket:
    """``on_gone`` is called once, when no more clauses may be given to it: with the failure
    where it broke, with None where it was only retired."""

    def __init__(
        self,
        key: SocketKey,
        connection: ClientConnection,
        on_gone: Callable[[VoiceSocket, EngineError | None], None],
    ) -> None:
        self.key = key
        self.used_at = asyncio.get_running_loop().time()
        """When the last clause ended, or the socket was opened."""
        self.heard_at = self.used_at
        """When anything came from the vendor."""
        self._connection = connection
        self._on_gone = on_gone
        self._gone = False
        self._contexts: dict[str, Feed] = {}
        self._numbers = count(1)
        self._signs: dict[str, float] = {}
        """Contexts that only ask for a sign of life → when they were opened."""
        self._reader = asyncio.create_task(self._read(), name="elevenlabs socket")
        self._closing: asyncio.Task[None] | None = None

    @property
    def room(self) -> int:
        """Clauses that may be given to it now."""
        if self._gone:
            return 0
        return ELEVENLABS_CONTEXTS_MAX - len(self._contexts) - len(self._signs)

    @property
    def busy(self) -> bool:
        return bool(self._contexts)

    @property
    def closed(self) -> bool:
        return self._closing is not None and self._closing.done()

    def reserve(self, feed: Feed) -> str:
        """Take a context for ``feed``; the caller has seen that there is ``room``."""
        context = f"c{next(self._numbers)}"
        self._contexts[context] = feed
        feed.sent = False
        feed.on_late = self._stalled
        return context

    async def speak(self, context: str, text: str, settings: Settings) -> None:
        """Raises EngineError when the socket cannot take it; the feed has failed then too."""
        feed = self._contexts.get(context)
        if feed is None:
            raise fault("vendor_unreachable", "the socket broke")
        try:
            await self._send(
                {"text": " ", "voice_settings": dict(settings), "context_id": context},
                {"text": text + " ", "context_id": context, "flush": True},
                {"context_id": context, "close_context": True},
            )
        except EngineError as error:
            self._lose(error)
            raise
        feed.sent = True
        feed.asked()

    async def cancel(self, context: str) -> None:
        """The clause is not wanted any more. What was flushed the vendor may still speak to
        its end; its context counts as open until then."""
        if (feed := self._contexts.get(context)) is not None:
            feed.cancel()
            with suppress(EngineError):
                await self._send({"context_id": context, "close_context": True})

    async def ask_for_sign(self) -> None:
        """Open and close an empty context: resets the vendor's inactivity timeout, and the
        answer shows that the way there and back is open."""
        if self.room <= 0 or self._signs:
            return
        context = f"k{next(self._numbers)}"
        self._signs[context] = asyncio.get_running_loop().time()
        try:
            await self._send(
                {"text": " ", "context_id": context},
                {"context_id": context, "close_context": True},
            )
        except EngineError as error:
            self._lose(error)

    def silent_since(self) -> float | None:
        """When it was asked for a sign that has not come yet."""
        return min(self._signs.values(), default=None)

    def retire(self) -> None:
        """Take no more clauses; close when those under way have ended."""
        self._leave(None)
        self._close_if_done()

    async def aclose(self) -> None:
        """Close at once; what is under way fails."""
        self._leave(None)
        self._fail_all(fault("vendor_unreachable", "the engine was closed"))
        self._reader.cancel()
        await asyncio.gather(self._reader, return_exceptions=True)
        await self._connection.close()
        if self._closing is not None and self._closing is not asyncio.current_task():
            await asyncio.gather(self._closing, return_exceptions=True)

    async def _send(self, *messages: Mapping[str, Any]) -> None:
        try:
            async with asyncio.timeout(ELEVENLABS_SEND_S):
                for message in messages:
                    await self._connection.send(json.dumps(message))
        except Exception as error:
            raise fault_of(error) from error

    async def _read(self) -> None:
        failure: EngineError
        try:
            while True:
                self._take(await self._connection.recv())
        except Exception as error:
            failure = fault_of(error)
        self._lose(failure)

    def _take(self, message: str | bytes) -> None:
        """One message. Raises EngineError when the socket is of no more use."""
        self.heard_at = asyncio.get_running_loop().time()
        frame = json.loads(message)
        if not isinstance(frame, dict):
            raise fault("vendor_malformed", "no object")
        if frame.get("error"):
            raise fault_of_frame(frame)
        context = frame.get("contextId", frame.get("context_id"))
        is_final = bool(frame.get("isFinal", frame.get("is_final")))
        if not isinstance(context, str):
            return
        if is_final and self._signs.pop(context, None) is not None:
            return
        if (feed := self._contexts.get(context)) is None:
            return
        self._sound(feed, frame)
        if is_final:
            del self._contexts[context]
            self.used_at = self.heard_at
            feed.end()
            self._close_if_done()

    def _sound(self, feed: Feed, frame: Mapping[str, Any]) -> None:
        if not (audio := frame.get("audio")):
            return
        try:
            pcm = base64.b64decode(audio, validate=True)
        except (binascii.Error, TypeError, ValueError):
            # The context stays open at the vendor for nobody knows how long.
            failure = fault("vendor_malformed", "audio is no base64")
            feed.fail(failure)
            self._leave(failure)
            self._close_if_done()
            return
        feed.push(pcm, frame.get("alignment"))

    def _stalled(self) -> None:
        """A clause did not come in time: its context may stay open at the vendor for ever."""
        self._leave(fault("engine_timeout", "no sound in time"))
        self._close_if_done()

    def _lose(self, failure: EngineError) -> None:
        """The socket broke: only what it was speaking is lost."""
        self._leave(failure)
        self._fail_all(failure)
        self._close_if_done()

    def _leave(self, failure: EngineError | None) -> None:
        if not self._gone:
            self._gone = True
            self._on_gone(self, failure)

    def _fail_all(self, failure: EngineError) -> None:
        contexts = list(self._contexts.values())
        self._contexts.clear()
        self._signs.clear()
        for feed in contexts:
            feed.fail(failure)

    def _close_if_done(self) -> None:
        unfinished = any(not feed.ended for feed in self._contexts.values())
        if self._gone and not unfinished and self._closing is None:
            self._closing = asyncio.create_task(self._close_softly())

    async def _close_softly(self) -> None:
        await self._connection.close()
        self._reader.cancel()
