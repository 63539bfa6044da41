"""daphne's WebSocket protocol with bounds in both directions.

As they come, autobahn ends the connection over a long message, and daphne waits neither
for an application that is behind nor for a client that reads nothing: it fills memory.
"""

from __future__ import annotations

import asyncio
import time
from typing import Any

from daphne.ws_protocol import WebSocketFactory, WebSocketProtocol

from pipeline import metrics
from pipeline.bounds import EARLY_MAX_BYTES, LINGER_SECONDS, REASON_MAX_BYTES
from pipeline.bounds import SOCKET_MESSAGE_MAX_BYTES as MESSAGE_MAX_BYTES
from pipeline.bounds import SOCKET_WAITING_MAX as WAITING_MAX_MESSAGES
from pipeline.bounds import SOCKET_WAITING_MAX_BYTES as WAITING_MAX_BYTES

SERVER_CLOSE_CODES = frozenset({1000, 1001, 1003, *range(1007, 1015)})
"""Registered codes a server may send. autobahn's `sendClose` lets only 1000 and private ones."""


class Gate:
    """Shut by the transport while its write buffer is over the mark, opened when it is empty.

    To Twisted this is a streaming producer.
    """

    def __init__(self) -> None:
        self._open = asyncio.Event()
        self._open.set()

    def pauseProducing(self) -> None:  # noqa: N802 - Twisted's name
        self._open.clear()

    def resumeProducing(self) -> None:  # noqa: N802 - Twisted's name
        self._open.set()

    def stopProducing(self) -> None:  # noqa: N802 - Twisted's name
        """The client is gone: nobody should wait for it."""
        self._open.set()

    async def passed(self) -> None:
        while not self._open.is_set():
            await self._open.wait()


class Inbox(asyncio.Queue[dict[str, Any]]):
    """What the application has not taken yet; reading stops while that is too much."""

    def __init__(self, protocol: BoundedProtocol) -> None:
        self._protocol = protocol
        self._bytes = 0
        super().__init__()
        metrics.track_queue("socket_waiting", self, lambda inbox: inbox.qsize())
        metrics.track_queue("socket_waiting_bytes", self, lambda inbox: inbox._bytes)

    # asyncio.Queue documents these two as the ones to override.
    def _put(self, item: dict[str, Any]) -> None:
        super()._put(item)
        self._bytes += _size(item)
        if self.qsize() >= WAITING_MAX_MESSAGES or self._bytes >= WAITING_MAX_BYTES:
            self._protocol.pause_reading()

    def _get(self) -> dict[str, Any]:
        item: dict[str, Any] = super()._get()
        self._bytes -= _size(item)
        if self.qsize() <= WAITING_MAX_MESSAGES // 2 and self._bytes <= WAITING_MAX_BYTES // 2:
            self._protocol.resume_reading()
        return item


def _size(message: dict[str, Any]) -> int:
    return len(message.get("bytes") or message.get("text") or b"")


class BoundedProtocol(WebSocketProtocol):  # type: ignore[misc]  # daphne is untyped
    """One connection. Compression is never agreed on, so lengths on the wire are the real ones."""

    def __init__(self) -> None:
        super().__init__()
        self.gate = Gate()
        self.reading_paused = False
        self._linger: Any = None

    # Twisted's and autobahn's names below, hence no snake case.

    def connectionMade(self) -> None:  # noqa: N802
        # The HTTP channel that the connection began with is still registered as its producer,
        # and would stop the reading of a client that does not read.
        self.transport.unregisterProducer()
        self.transport.registerProducer(self.gate, True)
        super().connectionMade()

    def dataReceived(self, data: bytes) -> None:  # noqa: N802
        self._dataReceived(data)
        if self.state == self.STATE_CONNECTING and len(self.data) > EARLY_MAX_BYTES:
            self.wasNotCleanReason = "too much was sent before the handshake's end"
            self.dropConnection(abort=True)

    # Incoming messages

    def onMessageBegin(self, isBinary: bool) -> None:  # noqa: N802, N803
        self.message_is_binary = isBinary
        self._length = 0
        self._too_long = False
        self._payload: bytes | bytearray = b""

    def onMessageFrameBegin(self, length: int) -> None:  # noqa: N802
        self.frame_data = None
        if self._length + length > MESSAGE_MAX_BYTES:
            self._too_long = True
            self._payload = b""
            # Nobody will read it as text.
            self.utf8validateIncomingCurrentMessage = False

    def onMessageFrameData(self, payload: bytes) -> None:  # noqa: N802
        self._length += len(payload)
        if self._too_long:
            return
        if not self._payload:
            self._payload = payload
            return
        if isinstance(self._payload, bytes):
            self._payload = bytearray(self._payload)
        self._payload += payload

    def onMessageFrameEnd(self) -> None:  # noqa: N802
        pass

    def onMessageEnd(self) -> None:  # noqa: N802
        payload, self._payload = bytes(self._payload), b""
        if self.failedByMe or self.muted:
            return
        if self._too_long:
            self._deliver({"text": None, "bytes": None, "too_long": self._length})
        elif self.message_is_binary:
            self._deliver({"bytes": payload})
        else:
            self._deliver({"text": payload.decode()})

    def _deliver(self, message: dict[str, Any]) -> None:
        self.last_ping = time.time()
        self.application_queue.put_nowait({"type": "websocket.receive", **message})

    def pause_reading(self) -> None:
        if not self.reading_paused:
            self.reading_paused = True
            self.transport.pauseProducing()

    def resume_reading(self) -> None:
        if self.reading_paused:
            self.reading_paused = False
            self.transport.resumeProducing()

    def onAutoPingTimeout(self) -> None:  # noqa: N802
        if self.reading_paused:
            # The answer may well be among what is not read yet; the next ping will tell.
            self.autoPingTimeoutCall = self.autoPingPending = None
            return
        super().onAutoPingTimeout()

    # Outgoing messages

    def handle_reply(self, message: dict[str, Any]) -> None:
        if message.get("type") == "websocket.close" and self.state != self.STATE_CONNECTING:
            self.close(message.get("code") or 1000, message.get("reason") or "")
        elif message.get("type") != "websocket.send" or self.state in (
            self.STATE_CONNECTING,
            self.STATE_OPEN,
        ):
            super().handle_reply(message)
        # Otherwise nobody will read it: the goodbye has been said, by either side.

    def close(self, code: int, reason: str) -> None:
        """Says goodbye with code and reason, which daphne would leave out."""
        if code not in SERVER_CLOSE_CODES and not 3000 <= code <= 4999:
            raise ValueError(f"a server may not close with code {code}")
        text = reason.encode()[:REASON_MAX_BYTES].decode(errors="ignore").encode()
        self.sendCloseFrame(code=int(code), reasonUtf8=text)

    def sendData(self, data: bytes, sync: object = None, chopsize: object = None) -> None:  # noqa: ARG002, N802
        """Writes at once what the kernel takes, instead of waiting for its word that it would.

        That saves two changes of what is polled and one turn of the loop for every frame.
        """
        transport = self.transport
        idle = not transport.dataBuffer and not transport._tempDataLen
        if idle and transport.connected and not transport.disconnecting:
            written = transport.writeSomeData(data)
            # Otherwise an error, which Twisted meets again and then handles.
            if isinstance(written, int):
                data = data[written:]
        if data:
            transport.write(data)

    # The end

    def dropConnection(self, abort: bool = False) -> None:  # noqa: N802
        if not abort and self._linger is None:
            # It closes once everything is written, which a client may prevent for ever.
            self._linger = self.factory.reactor.callLater(
                LINGER_SECONDS, self.transport.abortConnection
            )
        super().dropConnection(abort)

    def onClose(self, wasClean: bool, code: int, reason: str) -> None:  # noqa: N802, N803
        self.gate.stopProducing()
        if self._linger is not None and self._linger.active():
            self._linger.cancel()
        # Without a complete handshake daphne does not know the connection yet.
        if hasattr(self, "server"):
            super().onClose(wasClean, code, reason)


class BoundedFactory(WebSocketFactory):  # type: ignore[misc]  # daphne is untyped
    protocol = BoundedProtocol
