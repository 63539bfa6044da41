"""The two kinds of socket: one stream of text, or several beside one another."""

from __future__ import annotations

import asyncio
from collections.abc import Mapping

from aiohttp import web

from pipeline.bounds import EMULATOR_CONTEXTS_MAX
from pipeline.emulators.elevenlabs import errors
from pipeline.emulators.elevenlabs.context import TextContext
from pipeline.emulators.elevenlabs.messages import read_text
from pipeline.emulators.elevenlabs.orders import read_settings
from pipeline.emulators.elevenlabs.session import NORMAL, Session
from pipeline.emulators.elevenlabs.state import Vendor


class SingleSession(Session):
    """One context, until ``{"text": ""}``; then its final message and a close."""

    leg = "stream_input"

    def __init__(self, vendor: Vendor, request: web.Request, socket: web.WebSocketResponse) -> None:
        super().__init__(vendor, request, socket)
        self._context: TextContext | None = None
        self._given: object = None
        self._finishing = False

    async def take(self, message: Mapping[str, object]) -> None:
        if self._finishing:
            return
        text, flush = read_text(message), bool(message.get("flush"))
        if self._context is None:
            self._context = self.open(message, None)
            self._given = message.get("voice_settings")
        elif (given := message.get("voice_settings")) is not None and given != self._given:
            raise errors.bad_message("voice_settings can only be set in the first message.")
        if text == "" and not flush:
            self._finishing = True
            await self._context.end(discard=False)
            return
        trigger = bool(message.get("try_trigger_generation"))
        await self._context.add(text or "", flush=flush, trigger=trigger)

    def has_spoken(self, context: TextContext) -> None:  # noqa: ARG002
        self.end(NORMAL)

    async def watch(self, patience_s: float) -> float:
        now = asyncio.get_running_loop().time()
        heard = self._context.heard if self._context else now - patience_s
        if not self._finishing and now - heard >= patience_s:
            raise errors.input_timeout(patience_s)
        return patience_s if self._finishing else patience_s - (now - heard)


class MultiSession(Session):
    """Up to five contexts beside one another, each with an id in every message."""

    leg = "multi_stream_input"

    def __init__(self, vendor: Vendor, request: web.Request, socket: web.WebSocketResponse) -> None:
        super().__init__(vendor, request, socket)
        self._contexts: dict[str, TextContext] = {}
        self._closing: list[TextContext] = []
        self._finishing = False
        self._heard = asyncio.get_running_loop().time()

    async def take(self, message: Mapping[str, object]) -> None:
        self._heard = asyncio.get_running_loop().time()
        if self._finishing:
            return
        if message.get("close_socket"):
            await self._finish()
            return
        context_id = message.get("context_id")
        context_id = "default" if context_id is None else str(context_id)
        context = self._contexts.get(context_id)
        if message.get("close_context"):
            await self._close(context_id)
            return
        text = read_text(message)
        if context is None:
            if not text:
                # Keeps the socket alive, and opens nothing.
                return
            context = self._admit(message, context_id)
        elif message.get("voice_settings") is not None:
            place = "voice_settings"
            context.settings = read_settings(message[place], context.settings, place)
        await context.add(text or "", flush=bool(message.get("flush")))

    def _admit(self, message: Mapping[str, object], context_id: str) -> TextContext:
        count = len(self._contexts) + len(self._closing) * self.vendor.closing_counts
        if count >= EMULATOR_CONTEXTS_MAX:
            raise errors.too_many_contexts(EMULATOR_CONTEXTS_MAX)
        context = self._contexts[context_id] = self.open(message, context_id)
        return context

    async def _close(self, context_id: str) -> None:
        """What was flushed is still spoken, the rest is not; the id is free at once."""
        context = self._contexts.pop(context_id, None)
        if context is not None:
            self._closing.append(context)
            await context.end(discard=True)

    async def _finish(self) -> None:
        self._finishing = True
        for context_id in tuple(self._contexts):
            await self._close(context_id)
        if not self._closing:
            self.end(NORMAL)

    def has_spoken(self, context: TextContext) -> None:
        if context in self._closing:
            self._closing.remove(context)
        if self._finishing and not self._closing:
            self.end(NORMAL)

    async def watch(self, patience_s: float) -> float:
        """A context that heard nothing for so long is closed, and so is a silent socket."""
        if self._finishing:
            return patience_s
        now = asyncio.get_running_loop().time()
        if now - self._heard >= patience_s:
            raise errors.input_timeout(patience_s)
        for context_id, context in tuple(self._contexts.items()):
            if now - context.heard >= patience_s:
                await self._close(context_id)
        oldest = min([self._heard, *(one.heard for one in self._contexts.values())])
        return max(0.001, patience_s - (now - oldest))
