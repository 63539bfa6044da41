"""The server process: daphne, with bounded sockets and an end that lets sessions say goodbye.

`python -m dubbing_project.services.web --fd N` serves the project on an open listener.
"""

from __future__ import annotations

import argparse
import asyncio
import logging
import os
import signal
import socket
from collections.abc import Awaitable, Callable
from functools import partial
from pathlib import Path
from typing import Any

# Before everything that imports Twisted: daphne chooses the reactor, and with it the loop.
from daphne.server import Server, reactor  # isort: skip
from daphne.http_protocol import HTTPFactory, WebRequest
from twisted.internet import defer
from twisted.logger import STDLibLogObserver, globalLogBeginner

from dubbing_project.services.websocket import (
    BoundedFactory,
    BoundedProtocol,
    Gate,
    Inbox,
)
from pipeline.bounds import (
    BODY_MAX_BYTES,
    CANCEL_SECONDS,
    CLOSE_SECONDS,
    CONNECT_SECONDS,
    GOODBYE_SECONDS,
    HTTP_SECONDS,
    PING_SECONDS,
    PONG_SECONDS,
)

log = logging.getLogger(__name__)

Drain = Callable[[float], Awaitable[None]]
"""Ends what is live in order, within so many seconds."""
Application = Callable[..., Awaitable[None]]

FORWARDED_HEADERS = {
    f"proxy_forwarded_{part}_header": f"X-Forwarded-{name}"
    for part, name in (("address", "For"), ("port", "Port"), ("proto", "Proto"))
}
TOO_LONG = b"HTTP/1.1 413 Content Too Large\r\nConnection: close\r\nContent-Length: 0\r\n\r\n"
RESTART_CODE = 1012
RESTART_REASON = "The server restarts; connect again."


class BoundedRequest(WebRequest):  # type: ignore[misc]  # daphne is untyped
    """daphne hands a body on in one go, however long: what is too long ends the connection."""

    _length = 0

    def handleContentChunk(self, data: bytes) -> None:  # noqa: N802 - Twisted's name
        self._length += len(data)
        if self._length <= BODY_MAX_BYTES:
            super().handleContentChunk(data)
        elif self._length - len(data) <= BODY_MAX_BYTES:
            self.channel.transport.write(TOO_LONG)
            self.channel.loseConnection()


class BoundedHTTPFactory(HTTPFactory):  # type: ignore[misc]  # daphne is untyped
    def buildProtocol(self, address: Any) -> Any:  # noqa: N802 - Twisted's name
        protocol = super().buildProtocol(address)
        protocol.requestFactory = BoundedRequest
        return protocol


class WebServer(Server):  # type: ignore[misc]  # daphne is untyped
    """Serves until SIGTERM or SIGINT, then drains and stops; a second signal stops at once."""

    def __init__(
        self,
        application: Application,
        *,
        listener: socket.socket,
        warm: Callable[[], Awaitable[None]],
        drain: Drain,
        drain_seconds: float,
        **options: Any,
    ) -> None:
        super().__init__(application, endpoints=[listener.getsockname()], **options)
        self._warm = warm
        self._listener = listener
        self._drain = drain
        self._drain_seconds = drain_seconds
        self._draining: asyncio.Task[None] | None = None
        self._stopped = False
        self._parent = os.getppid()

    def run(self) -> None:
        """As daphne's, with our factory, signals and listener (its own takes no IPv6 one)."""
        self.connections: dict[Any, dict[str, Any]] = {}
        self.http_factory = BoundedHTTPFactory(self)
        self.ws_factory = BoundedFactory(self, server=self.server_name)
        self.ws_factory.setProtocolOptions(
            autoPingTimeout=self.ping_timeout,
            allowNullOrigin=True,
            openHandshakeTimeout=self.websocket_handshake_timeout,
            # The protocol's own limit does not end the connection.
            maxMessagePayloadSize=0,
            maxFramePayloadSize=0,
        )
        # What goes wrong inside Twisted is told by the logging of the project.
        observer: Any = STDLibLogObserver("daphne")
        globalLogBeginner.beginLoggingTo([observer], redirectStandardIO=False)
        self._listener.setblocking(False)
        reactor.adoptStreamPort(self._listener.fileno(), self._listener.family, self.http_factory)
        self._listener.close()
        loop = reactor._asyncioEventloop
        asyncio.set_event_loop(loop)
        for number in (signal.SIGTERM, signal.SIGINT):
            loop.add_signal_handler(number, self._asked_to_stop)
        warming = loop.create_task(self._warm())
        warming.add_done_callback(_told)
        reactor.callLater(1, self.application_checker)
        reactor.callLater(2, self.timeout_checker)
        reactor.addSystemEventTrigger("before", "shutdown", self.kill_all_applications)
        # Twisted's own handlers would also take SIGCHLD, which the engines' processes need.
        reactor.run(installSignalHandlers=False)

    # Messages

    def create_application(self, protocol: Any, scope: dict[str, Any]) -> asyncio.Queue[Any]:
        """As daphne's, with a bounded queue, and nobody new while draining."""
        assert "application_instance" not in self.connections[protocol]
        bounded = isinstance(protocol, BoundedProtocol)
        inbox: asyncio.Queue[Any] = Inbox(protocol) if bounded else asyncio.Queue()
        scope.setdefault("asgi", {"version": "3.0"})
        refused = self._draining is not None and scope["type"] == "websocket"
        application = refuse if refused else self.application
        self.connections[protocol]["application_instance"] = asyncio.ensure_future(
            application(scope=scope, receive=inbox.get, send=partial(self.handle_reply, protocol))
        )
        return inbox

    async def handle_reply(self, protocol: Any, message: dict[str, Any]) -> None:
        """As daphne's, but what is sent waits until its client has read what went before."""
        kind = message.get("type")
        if kind == "websocket.send":
            await protocol.gate.passed()
        elif kind == "http.response.body":
            await self._passed_by_part(protocol, last=not message.get("more_body", False))
        await super().handle_reply(protocol, message)

    async def _passed_by_part(self, request: Any, *, last: bool) -> None:
        """A response in parts waits for its client like a socket; one in a single part cannot."""
        gate: Gate | None = self.connections.get(request, {}).get("gate")
        if gate is None and not last and getattr(request, "channel", None) is not None:
            gate = self.connections[request]["gate"] = Gate()
            request.registerProducer(gate, True)
        if gate is None:
            return
        await gate.passed()
        if last and getattr(request, "channel", None) is not None:
            request.unregisterProducer()

    # The two loops of daphne end for ever at the first exception of one connection.

    def application_checker(self) -> None:
        self._guarded(super().application_checker, self.application_checker, seconds=1)

    def timeout_checker(self) -> None:
        self._guarded(super().timeout_checker, self.timeout_checker, seconds=2)

    def _guarded(self, check: Callable[[], None], again: Callable[[], None], seconds: int) -> None:
        try:
            check()
        except Exception:
            log.exception("a connection could not be looked after")
            reactor.callLater(seconds, again)

    # The end

    def _asked_to_stop(self) -> None:
        # Whose parent is gone is not awaited by anybody, and its stores are going too.
        if self._draining is not None or os.getppid() != self._parent:
            self.stop()
            return
        self._draining = asyncio.get_event_loop().create_task(self._drain_and_stop())

    async def _drain_and_stop(self) -> None:
        try:
            async with asyncio.timeout(self._drain_seconds + GOODBYE_SECONDS):
                await self._drain(self._drain_seconds)
        except TimeoutError:
            log.warning("not everything was drained in time")
        except Exception:
            log.exception("draining failed")
        for socket_left in self._open_sockets():
            socket_left.close(RESTART_CODE, RESTART_REASON)
        deadline = asyncio.get_running_loop().time() + GOODBYE_SECONDS

        while self._open_sockets() and asyncio.get_running_loop().time() < deadline:  # noqa: ASYNC110
            await asyncio.sleep(0.02)
        self.stop()

    def _open_sockets(self) -> list[BoundedProtocol]:
        return [
            protocol
            for protocol in self.connections
            if isinstance(protocol, BoundedProtocol)
            and protocol.state in (protocol.STATE_OPEN, protocol.STATE_CLOSING)
        ]

    def stop(self) -> None:
        if not self._stopped:
            self._stopped = True
            super().stop()

    def kill_all_applications(self) -> defer.Deferred[Any]:
        """daphne's fails where a connection has no application, and may wait for ever."""
        running: list[asyncio.Future[None]] = [
            details["application_instance"]
            for details in self.connections.values()
            if "application_instance" in details
        ]
        for application in running:
            application.cancel()

        async def all_ended() -> None:
            if running:
                await asyncio.wait(running, timeout=CANCEL_SECONDS)

        return defer.Deferred.fromFuture(asyncio.ensure_future(all_ended()))


def _told(task: asyncio.Task[None]) -> None:
    if not task.cancelled() and task.exception() is not None:
        log.error("warming failed", exc_info=task.exception())


async def refuse(scope: dict[str, Any], receive: Any, send: Any) -> None:
    """Accepted first: a browser cannot tell a refused handshake from a dead network."""
    await receive()
    offered = [name for name in scope["subprotocols"] if not name.startswith(("token.", "ticket."))]
    await send({"type": "websocket.accept", "subprotocol": offered[0] if offered else None})
    await send({"type": "websocket.close", "code": RESTART_CODE, "reason": RESTART_REASON})


def serve(
    listener: socket.socket,
    application: Application,
    *,
    warm: Callable[[], Awaitable[None]],
    drain: Drain,
    drain_seconds: float,
    behind_proxy: bool = False,
) -> None:
    """Blocks until the server was asked to stop. `warm` runs as soon as it serves."""
    forwarded = FORWARDED_HEADERS if behind_proxy else {}
    WebServer(
        application,
        listener=listener,
        warm=warm,
        drain=drain,
        drain_seconds=drain_seconds,
        websocket_connect_timeout=CONNECT_SECONDS,
        websocket_handshake_timeout=CONNECT_SECONDS,
        application_close_timeout=CLOSE_SECONDS,
        http_timeout=HTTP_SECONDS,
        ping_interval=PING_SECONDS,
        ping_timeout=PONG_SECONDS,
        server_name="",
        **forwarded,
    ).run()


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--fd", type=int, required=True)
    parser.add_argument("--ready-file", type=Path)
    arguments = parser.parse_args()

    from dubbing_project import asgi, settings

    async def warm() -> None:
        await asgi.warm()
        if arguments.ready_file is not None:
            await asyncio.to_thread(arguments.ready_file.touch)

    serve(
        socket.socket(fileno=arguments.fd),
        asgi.application,
        warm=warm,
        drain=asgi.drain,
        drain_seconds=settings.DRAIN_SECONDS,
        behind_proxy=settings.HTTPS,
    )


if __name__ == "__main__":
    main()
