"""One open socket: who is speaking, what comes in, and how it ends."""

from __future__ import annotations

import asyncio
import json
import logging
from collections.abc import Mapping
from typing import ClassVar

from aiohttp import WSMsgType, web

from pipeline.bounds import EMULATOR_CONTEXTS_MAX
from pipeline.emulators import elevenlabs_errors as errors
from pipeline.emulators.elevenlabs_context import TextContext
from pipeline.emulators.elevenlabs_faults import DroppedError, cut
from pipeline.emulators.elevenlabs_orders import Order, read_order, read_settings
from pipeline.emulators.elevenlabs_state import Vendor

logger = logging.getLogger(__name__)

NORMAL, INTERNAL = 1000, 1011
_PATIENCE_S = 20.0
_PATIENCE_LONGEST_S = 180.0


class Session:
    """What both kinds of socket share. ``serve`` reads until one side ends it."""

    leg: ClassVar[str]

    def __init__(self, vendor: Vendor, request: web.Request, socket: web.WebSocketResponse) -> None:
        self.vendor = vendor
        self.ended: asyncio.Future[int] = asyncio.get_running_loop().create_future()
        """The code to close with, or the RefusalError that ends the socket."""
        self._request = request
        self._socket = socket
        self._order: Order | None = None
        self._tasks: dict[asyncio.Task[None], TextContext] = {}

    async def serve(self) -> int:
        """The code to close with. Raises RefusalError."""
        reader = asyncio.create_task(self._read())
        try:
            await asyncio.wait({reader, self.ended}, return_when=asyncio.FIRST_COMPLETED)
            return self.ended.result() if self.ended.done() else reader.result()
        finally:
            reader.cancel()
            await asyncio.gather(reader, return_exceptions=True)

    async def aclose(self) -> None:
        """Stop whatever is still being spoken."""
        tasks = tuple(self._tasks)
        for task in tasks:
            task.cancel()
        await asyncio.gather(*tasks, return_exceptions=True)
        if self.ended.done() and not self.ended.cancelled():
            self.ended.exception()

    async def take(self, message: Mapping[str, object]) -> None:
        """One message of the client. Raises RefusalError."""
        raise NotImplementedError

    def has_spoken(self, context: TextContext) -> None:
        """``context`` has ended."""

    async def watch(self, patience_s: float) -> float:
        """Seconds until the next look at what is idle. Raises RefusalError."""
        return patience_s

    async def _read(self) -> int:
        query = self._request.query
        key = self._request.headers.get("xi-api-key") or query.get("xi_api_key")
        if key:
            # A wrong key is told at once, a missing one may still come with the first message.
            self.vendor.account.check(key)
        patience_s = _seconds(query.get("inactivity_timeout"))
        wait_s: float | None = patience_s
        while True:
            try:
                got = await self._socket.receive(wait_s)
            except TimeoutError:
                wait_s = await self.watch(patience_s)
                continue
            if got.type is WSMsgType.BINARY:
                raise errors.bad_message("Only text messages are understood.")
            if got.type is not WSMsgType.TEXT:
                return NORMAL
            message = _parsed(got.data)
            if self._order is None:
                self._order = self._first(key, message)
            await self.take(message)
            wait_s = await self.watch(patience_s)

    def _first(self, key: str | None, message: Mapping[str, object]) -> Order:
        if not key:
            given = message.get("xi_api_key") or message.get("xi-api-key")
            self.vendor.account.check(str(given or message.get("authorization") or ""))
        query = dict(self._request.query)
        return read_order(self.vendor.account, self._request.match_info["voice_id"], query)

    def open(self, message: Mapping[str, object], context_id: str | None) -> TextContext:
        """A context that begins with ``message``, already at work. Raises RefusalError."""
        order = self._order
        assert order is not None
        context = TextContext(
            self.vendor,
            order,
            leg=self.leg,
            id=context_id,
            settings=read_settings(message.get("voice_settings"), order.settings, "voice_settings"),
            schedule=_schedule(message),
            auto_mode=self._request.query.get("auto_mode") == "true",
            send=self._socket.send_str,
            break_off=self._break_off,
        )
        counters = self.vendor.counters
        counters.contexts += 1
        counters.contexts_open += 1
        counters.contexts_most = max(counters.contexts_most, counters.contexts_open)
        task = asyncio.create_task(self._run(context))
        self._tasks[task] = context
        task.add_done_callback(self._forget)
        return context

    async def _run(self, context: TextContext) -> None:
        try:
            await context.run()
        except errors.RefusalError as refusal:
            if not self.ended.done():
                self.ended.set_exception(refusal)
        except (DroppedError, ConnectionError):
            pass
        except Exception:
            logger.exception("the emulated voice failed")
            self.end(INTERNAL)
        self.has_spoken(context)

    def _forget(self, task: asyncio.Task[None]) -> None:
        self._tasks.pop(task, None)
        self.vendor.counters.contexts_open -= 1

    def end(self, code: int) -> None:
        if not self.ended.done():
            self.ended.set_result(code)

    async def _break_off(self, how: str) -> None:
        if how == "drop":
            cut(self._request)
        else:
            self.end(INTERNAL)
        raise DroppedError


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
        text, flush = _text(message), bool(message.get("flush"))
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
        text = _text(message)
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


def _seconds(value: str | None) -> float:
    """Raises RefusalError for an ``inactivity_timeout`` outside 1 to 180."""
    if value is None:
        return _PATIENCE_S
    try:
        seconds = float(value)
    except ValueError:
        seconds = 0.0
    if not 0 < seconds <= _PATIENCE_LONGEST_S:
        raise errors.bad_message("inactivity_timeout must be between 1 and 180 seconds.")
    return seconds


def _parsed(data: str) -> Mapping[str, object]:
    try:
        message = json.loads(data)
    except ValueError:
        raise errors.bad_message("A message is no JSON.") from None
    if not isinstance(message, dict):
        raise errors.bad_message("A message is no object.")
    return message


def _text(message: Mapping[str, object]) -> str | None:
    text = message.get("text")
    if text is not None and not isinstance(text, str):
        raise errors.bad_message("text must be a string.")
    return text


def _schedule(message: Mapping[str, object]) -> tuple[float, ...]:
    config = message.get("generation_config")
    schedule = config.get("chunk_length_schedule") if isinstance(config, dict) else None
    if schedule is None:
        return ()
    if not isinstance(schedule, list) or not all(
        isinstance(length, int | float) and 50 <= length <= 500 for length in schedule
    ):
        raise errors.bad_message("chunk_length_schedule must hold numbers from 50 to 500.")
    return tuple(schedule)
