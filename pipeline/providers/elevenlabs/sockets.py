"""Sockets of one key, open before they are needed: one for each voice, more under load.

Nothing here dials while a clause waits, unless a voice was never warmed. A socket that broke
is dialled again in the background as long as its voice is in use.
"""

from __future__ import annotations

import asyncio
import logging
from collections.abc import Awaitable, Callable

from websockets.asyncio.client import ClientConnection

from pipeline import metrics
from pipeline.bounds import (
    ELEVENLABS_DIAL_S,
    ELEVENLABS_HTTP_S,
    ELEVENLABS_IDLE_S,
    ELEVENLABS_KEEP_S,
    ELEVENLABS_REDIALS_MAX,
    ELEVENLABS_SOCKETS_MAX,
)
from pipeline.ports import EngineError
from pipeline.providers.elevenlabs.faults import fault, fault_of
from pipeline.providers.elevenlabs.feed import Feed
from pipeline.providers.elevenlabs.voice_socket import SocketKey, VoiceSocket

log = logging.getLogger(__name__)

Dial = Callable[[SocketKey], Awaitable[ClientConnection]]

_REDIAL_AFTER_S = 0.5
"""Doubled with each attempt."""


class SocketPool:
    """To be used on one event loop."""

    def __init__(self, dial: Dial) -> None:
        self._dial = dial
        self._sockets: list[VoiceSocket] = []
        self._leaving: set[VoiceSocket] = set()
        """Retired ones that still speak or are being closed."""
        self._dials: dict[SocketKey, asyncio.Task[VoiceSocket]] = {}
        self._redials: dict[SocketKey, asyncio.Task[None]] = {}
        self._refused_until = 0.0
        self._closed = False
        self.dialled = 0
        """Sockets opened so far."""
        metrics.track_queue("elevenlabs_sockets", self, lambda pool: pool.count)

    @property
    def count(self) -> int:
        """Sockets open or being opened."""
        return len(self._sockets) + len(self._dials)

    @property
    def usable(self) -> bool:
        """False for a while after a socket could not be opened."""
        return asyncio.get_running_loop().time() >= self._refused_until

    async def warm(self, key: SocketKey) -> None:
        """Have a socket open for ``key``; raises EngineError."""
        if not any(socket.key == key and socket.room for socket in self._sockets):
            await asyncio.shield(self._dialling(key))

    async def reserve(self, key: SocketKey, feed: Feed) -> tuple[VoiceSocket, str]:
        """A socket and the context on it that ``feed`` now has. Raises EngineError."""
        while True:
            mine = [socket for socket in self._sockets if socket.key == key and socket.room > 0]
            if mine:
                socket = max(mine, key=lambda one: one.room)
                context = socket.reserve(feed)
                if sum(one.room for one in mine) < 2:
                    self._spare(key)
                return socket, context
            await asyncio.shield(self._dialling(key))

    async def drop(self, voice_id: str) -> None:
        """A voice is gone: its sockets are of no more use."""
        for socket in [one for one in self._sockets if one.key.voice_id == voice_id]:
            socket.retire()

    async def look_after(self) -> None:
        """Close what is idle, ask quiet sockets for a sign, replace those that give none."""
        now = asyncio.get_running_loop().time()
        for socket in list(self._sockets):
            asked = socket.silent_since()
            if not socket.busy and now - socket.used_at > ELEVENLABS_IDLE_S:
                socket.retire()
            elif asked is not None and now - asked > ELEVENLABS_DIAL_S:
                log.info("socket gives no sign", extra={"code": "engine_timeout"})
                self._again(socket.key)
                socket.retire()
            elif not socket.busy and now - socket.heard_at > ELEVENLABS_KEEP_S:
                await socket.ask_for_sign()

    async def aclose(self) -> None:
        self._closed = True
        tasks = [*self._dials.values(), *self._redials.values()]
        for task in tasks:
            task.cancel()
        await asyncio.gather(*tasks, return_exceptions=True)
        sockets = [*self._sockets, *self._leaving]
        await asyncio.gather(*(one.aclose() for one in sockets), return_exceptions=True)
        self._sockets.clear()
        self._leaving.clear()

    # Dialling -------------------------------------------------------------------------

    def _dialling(self, key: SocketKey) -> asyncio.Task[VoiceSocket]:
        if (task := self._dials.get(key)) is not None:
            return task
        if self._closed:
            raise fault("vendor_unreachable", "the engine was closed")
        self._make_room()
        task = asyncio.create_task(self._open(key), name="elevenlabs dial")
        self._dials[key] = task
        task.add_done_callback(lambda done: self._dialled(key, done))
        return task

    def _dialled(self, key: SocketKey, task: asyncio.Task[VoiceSocket]) -> None:
        self._dials.pop(key, None)
        if not task.cancelled():
            task.exception()  # whoever waited has it; a spare one's failure costs nobody anything

    async def _open(self, key: SocketKey) -> VoiceSocket:
        try:
            async with asyncio.timeout(ELEVENLABS_DIAL_S):
                connection = await self._dial(key)
        except Exception as error:
            self._refused_until = asyncio.get_running_loop().time() + ELEVENLABS_HTTP_S
            failure = fault_of(error)
            if failure.recoverable:
                self._again(key)
            raise failure from error
        self.dialled += 1
        self._refused_until = 0.0
        socket = VoiceSocket(key, connection, self._gone)
        self._sockets.append(socket)
        return socket

    def _make_room(self) -> None:
        if self.count < ELEVENLABS_SOCKETS_MAX:
            return
        idle = [socket for socket in self._sockets if not socket.busy]
        if not idle:
            raise fault("vendor_busy", "every socket speaks")
        min(idle, key=lambda socket: socket.used_at).retire()

    def _spare(self, key: SocketKey) -> None:
        """Dial for the clauses to come while the last places are taken."""
        if self.count < ELEVENLABS_SOCKETS_MAX and self.usable and not self._closed:
            self._dialling(key)

    def _gone(self, socket: VoiceSocket, failure: EngineError | None) -> None:
        if socket in self._sockets:
            self._sockets.remove(socket)
        self._leaving = {one for one in self._leaving if not one.closed}
        self._leaving.add(socket)
        if failure is None or self._closed:
            return
        metrics.worker_restarted("elevenlabs")
        log.info("socket broke", extra={"code": failure.code})
        if failure.recoverable:
            self._again(socket.key)

    def _again(self, key: SocketKey) -> None:
        if key not in self._redials and not self._closed:
            task = asyncio.create_task(self._redial(key), name="elevenlabs redial")
            self._redials[key] = task
            task.add_done_callback(lambda _: self._redials.pop(key, None))

    async def _redial(self, key: SocketKey) -> None:
        for attempt in range(ELEVENLABS_REDIALS_MAX):
            try:
                await self.warm(key)
            except EngineError as error:
                if not error.recoverable:
                    return
                await asyncio.sleep(_REDIAL_AFTER_S * 2**attempt)
            else:
                return
