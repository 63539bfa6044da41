"""One open socket: who is speaking, what comes in, and how it ends."""

from __future__ import annotations

import asyncio
import logging
from collections.abc import Mapping
from typing import ClassVar

from aiohttp import WSMsgType, web

from pipeline.emulators.elevenlabs import errors
from pipeline.emulators.elevenlabs.context import TextContext
from pipeline.emulators.elevenlabs.faults import DroppedError, cut
from pipeline.emulators.elevenlabs.messages import read_message, read_patience, read_schedule
from pipeline.emulators.elevenlabs.orders import Order, read_order, read_settings
from pipeline.emulators.elevenlabs.state import Vendor

logger = logging.getLogger(__name__)

NORMAL, INTERNAL = 1000, 1011


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
        patience_s = read_patience(query.get("inactivity_timeout"))
        wait_s: float | None = patience_s
        while True:
            try:
                # The socket's own limit begins anew with every ping.
                async with asyncio.timeout(wait_s):
                    got = await self._socket.receive()
            except TimeoutError:
                wait_s = await self.watch(patience_s)
                continue
            if got.type is WSMsgType.BINARY:
                raise errors.bad_message("Only text messages are understood.")
            if got.type is not WSMsgType.TEXT:
                return NORMAL
            message = read_message(got.data)
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
            schedule=read_schedule(message),
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
