"""The socket ``/ws/{connection_id}/{session_id}``: the rim between bytes and conversation."""

from __future__ import annotations

import asyncio
import contextlib
import itertools
import logging
import time
from typing import Any

from channels.consumer import AsyncConsumer
from channels.exceptions import StopConsumer
from channels.generic.websocket import AsyncWebsocketConsumer
from django.conf import settings

from accounts.models import User
from accounts.socket_authentication import Refusal, authenticate
from pipeline import metrics
from pipeline.bounds import ANSWERS_PER_SECOND, BURST_S, EXCESS_MAX, LOBBY_S, TEXT_MAX_CHARACTERS
from pipeline.client_messages import AnyClientMessage, Authenticate
from pipeline.events import Failure
from pipeline.runtime import log_context
from pipeline.wire import (
    HEADER_BYTES,
    SUBPROTOCOL,
    AudioFrame,
    WireError,
    decode_frame,
    decode_message,
    encode_event,
)
from sessions_app.audio.intake import RATE_MAX_HZ
from sessions_app.live import registry as live
from sessions_app.live.address import place_of, session_id_of
from sessions_app.live.closing import NOBODY, ClosedError, refused
from sessions_app.live.conversation import Conversation
from sessions_app.live.door import enter
from sessions_app.protocol.messages import SUBPROTOCOL_JSON, CloseCode, Closing
from sessions_app.running.outbox import OUT_OF_COUNT
from sessions_app.usage.budget import TokenBucket

log = logging.getLogger(__name__)

BATCH = 16
"""Messages taken in one go when they come faster than that."""
GOODBYE = 1000
"""The close code of a client that does not mean to come back."""


class DubbingConsumer(AsyncWebsocketConsumer):  # type: ignore[misc]  # channels is untyped
    """One connection. Nothing but live audio passes here, so it joins no channel layer."""

    channel_layer_alias = None

    def __init__(self) -> None:
        super().__init__()
        self._conversation: Conversation | None = None
        self._binary = False
        self._lobby: asyncio.TimerHandle | None = None
        self._closed = False
        self._closing: asyncio.Task[None] | None = None
        rate = settings.MAX_MESSAGES_PER_SECOND
        self._messages = TokenBucket(rate, rate * BURST_S)
        self._answers = TokenBucket(ANSWERS_PER_SECOND, ANSWERS_PER_SECOND * BURST_S)
        self._excess = 0

    async def __call__(self, scope: Any, receive: Any, send: Any) -> None:
        """One message after another.

        Channels' own loop makes a task for every message, to listen to a channel layer
        besides, and awaits a check of database connections on the one thread that all ORM
        calls of the process share: a slow query of anybody would delay everybody's audio
        by as long. Nothing here uses that thread.
        """
        self.scope, self.base_send = scope, send
        handlers = {
            "websocket.connect": self._connect,
            "websocket.receive": self._receive,
            "websocket.disconnect": self._disconnect,
        }
        try:
            for taken in itertools.count(1):
                message = await receive()
                if taken % BATCH == 0:
                    # Messages that are there already make no pause: nobody else would run.
                    await asyncio.sleep(0)
                try:
                    await handlers[message["type"]](message)
                except ClosedError as refusal:
                    await self._close(refusal)
        except StopConsumer:
            pass
        finally:
            # Also when the server cancels the application without a disconnect message.
            self._leave(keep=True)

    # The connection ----------------------------------------------------------------

    async def _connect(self, _: dict[str, Any]) -> None:
        # Always accepted first: a browser sees a refused handshake as a bare 1006.
        offered = self.scope.get("subprotocols", [])
        chosen = next((name for name in (SUBPROTOCOL, SUBPROTOCOL_JSON) if name in offered), None)
        self._binary = chosen == SUBPROTOCOL
        await self.accept(chosen)
        refusal: Refusal | None = self.scope.get("refusal")
        if refusal is not None:
            raise refused(refusal)
        user = self.scope.get("user")
        if isinstance(user, User):
            await self._enter(user)
            return
        loop = asyncio.get_running_loop()
        self._lobby = loop.call_later(LOBBY_S, self._close_soon, NOBODY)

    async def _enter(self, user: User) -> None:
        """Give the connection its session; raises ClosedError."""
        session_id = session_id_of(self.scope["url_route"]["kwargs"])
        # Inherited by every task of the session that is made from here.
        log_context.bind_task(session=str(session_id))
        place = place_of(self.scope.get("query_string", b""))
        entrance = await enter(session_id, user, place, binary=self._binary)
        self._conversation = entrance.conversation
        entrance.conversation.attach(self, after=entrance.after, greeting=entrance.greeting)
        live.count()
        if entrance.greeting is not None:
            metrics.count_resume(entrance.greeting.how)

    async def _disconnect(self, message: dict[str, Any]) -> None:
        self._closed = True
        self._leave(keep=message.get("code") != GOODBYE)
        raise StopConsumer

    def _leave(self, *, keep: bool) -> None:
        if self._lobby is not None:
            self._lobby.cancel()
        conversation, self._conversation = self._conversation, None
        if conversation is not None:
            conversation.detach(self, keep=keep)
            live.count()

    # Closing -----------------------------------------------------------------------

    async def say_goodbye(
        self, close_code: CloseCode, code: str, message: str, *, resume: bool
    ) -> None:
        """Close the connection; called by its conversation, which has left it already."""
        await self._close(ClosedError(close_code, code, message, resume=resume))

    def _close_soon(self, reason: ClosedError) -> None:
        self._closing = asyncio.create_task(self._close(reason))

    async def _close(self, reason: ClosedError) -> None:
        if self._closed:
            return
        self._closed = True
        self._leave(keep=reason.resume)
        said = Closing(
            close_code=reason.close_code,
            code=reason.code,
            message=str(reason),
            resume=reason.resume,
        )
        metrics.count_refusal(reason.close_code)
        log.info("connection closed", extra={"code": reason.code})
        with contextlib.suppress(Exception):  # it may be gone already
            await self.send_text(encode_event(said, OUT_OF_COUNT))
            # Daphne takes nothing but a true int for a close code.
            await self.close(int(reason.close_code), str(reason)[:120])

    # Messages ----------------------------------------------------------------------

    async def _receive(self, message: dict[str, Any]) -> None:
        if self._closed or not self._is_within_rate():
            return
        try:
            decoded = _decoded(message)
        except WireError as error:
            if self._lobby is not None and self._conversation is None:
                raise NOBODY from None
            self._answer(error)
            return
        conversation = self._conversation
        if conversation is not None:
            conversation.receive(decoded)
        elif isinstance(decoded, Authenticate):
            await self._authenticate(decoded)
        else:
            raise NOBODY

    async def _authenticate(self, message: Authenticate) -> None:
        if self._lobby is not None:
            self._lobby.cancel()
        user, refusal = await authenticate(message.token)
        if refusal is not None:
            raise refused(refusal)
        assert user is not None
        await self._enter(user)

    def _is_within_rate(self) -> bool:
        if self._messages.take(time.monotonic()):
            return True
        self._excess += 1
        if self._excess > EXCESS_MAX:
            raise ClosedError(
                CloseCode.QUOTA,
                "too_fast",
                f"A connection sends at most {settings.MAX_MESSAGES_PER_SECOND} messages a second.",
            )
        self._answer(
            WireError(
                "too_fast",
                f"A connection sends at most {settings.MAX_MESSAGES_PER_SECOND} messages a "
                "second; some were left out.",
            )
        )
        return False

    def _answer(self, error: WireError) -> None:
        """Say what was wrong, at a bounded rate: nonsense must not make a flood of answers."""
        if self._conversation is not None and self._answers.take(time.monotonic()):
            self._conversation.notify(Failure(code=error.code, message=str(error)))

    async def send_text(self, text: str) -> None:
        metrics.count_message_out("text", len(text))
        await self.base_send({"type": "websocket.send", "text": text})

    async def send_bytes(self, data: bytes) -> None:
        metrics.count_message_out("binary", len(data))
        await self.base_send({"type": "websocket.send", "bytes": data})


class UnknownAddress(AsyncConsumer):  # type: ignore[misc]  # channels is untyped
    """Any other socket address: said with a code instead of a failed handshake."""

    channel_layer_alias = None

    async def websocket_connect(self, message: dict[str, Any]) -> None:  # noqa: ARG002 - the framework's signature
        await self.send({"type": "websocket.accept"})
        await self.send({"type": "websocket.close", "code": int(CloseCode.NO_SUCH_ADDRESS)})

    async def websocket_receive(self, message: dict[str, Any]) -> None:
        pass

    async def websocket_disconnect(self, message: dict[str, Any]) -> None:  # noqa: ARG002 - the framework's signature
        raise StopConsumer


def _decoded(message: dict[str, Any]) -> AnyClientMessage | AudioFrame:
    """Raises WireError."""
    data, text = message.get("bytes"), message.get("text")
    if data is not None:
        metrics.count_message_in("binary", len(data))
    elif text is not None:
        metrics.count_message_in("text", len(text))
    if message.get("too_long") or (text is not None and len(text) > TEXT_MAX_CHARACTERS):
        raise WireError("message_too_long", "A message holds at most 2 MiB.")
    if text is not None:
        return decode_message(text)
    limit = HEADER_BYTES + round(settings.MAX_CHUNK_DURATION * RATE_MAX_HZ) * 2
    if data is None or len(data) > limit:
        raise WireError(
            "frame_too_long", f"A frame holds at most {settings.MAX_CHUNK_DURATION:g} s of audio."
        )
    return decode_frame(data)
