"""The socket ``/ws/{connection_id}/{session_id}``: the rim between bytes and conversation."""

from __future__ import annotations

import logging
import re
import uuid
from typing import Any

from channels.consumer import AsyncConsumer
from channels.generic.websocket import AsyncWebsocketConsumer
from django.conf import settings
from django.db import Error as DatabaseError

from accounts.models import User
from pipeline.wire import HEADER_BYTES, SUBPROTOCOL, WireError, decode_frame, decode_message
from sessions_app import services
from sessions_app.conversation import Conversation
from sessions_app.intake import RATE_MAX_HZ
from sessions_app.journal import Journal
from sessions_app.messages import SUBPROTOCOL_JSON, CloseCode
from sessions_app.orm_thread import in_orm_thread
from sessions_app.outbox import Outbox

log = logging.getLogger(__name__)

TEXT_MAX_CHARACTERS = 2 * 1024 * 1024
_CONNECTION_ID = re.compile(r"[A-Za-z0-9_.-]{1,64}")


class DubbingConsumer(AsyncWebsocketConsumer):  # type: ignore[misc]  # channels is untyped
    """One connection. Nothing but live audio passes here, so it joins no channel layer."""

    channel_layer_alias = None

    _conversation: Conversation | None = None

    async def __call__(self, scope: Any, receive: Any, send: Any) -> None:
        try:
            await super().__call__(scope, receive, send)
        finally:
            # Also when the server cancels the application without a disconnect message.
            if self._conversation is not None:
                await self._conversation.aclose()

    async def dispatch(self, message: dict[str, Any]) -> None:
        """Handle one ASGI message.

        Channels first awaits a check of database connections on the one thread that all
        ORM calls of the process share: a slow query of anybody would delay everybody's
        audio by as long. Our receiving never touches that thread's connection, so the
        check is left out for it.
        """
        if message["type"] == "websocket.receive":
            await self.websocket_receive(message)
        else:
            await super().dispatch(message)

    async def connect(self) -> None:
        # Always accepted first: a browser sees a refused handshake as a bare 1006.
        offered = self.scope.get("subprotocols", [])
        chosen = next((name for name in (SUBPROTOCOL, SUBPROTOCOL_JSON) if name in offered), None)
        await self.accept(chosen)
        user = self.scope.get("user")
        if not isinstance(user, User):
            await self.end(CloseCode.NOT_AUTHENTICATED, "Log in, or send a valid token.")
            return
        session_id = _session_id(self.scope["url_route"]["kwargs"])
        if session_id is None:
            await self.end(CloseCode.BAD_ADDRESS, "The address is /ws/<name>/<uuid>.")
            return
        hold = uuid.uuid4()
        try:
            first_line = await in_orm_thread(services.hold_session, session_id, user, hold=hold)
        except services.SessionNotYoursError:
            await self.end(CloseCode.NOT_YOURS, "The session belongs to somebody else.")
            return
        except services.SessionBusyError:
            await self.end(CloseCode.SESSION_BUSY, "Another connection dubs this session.")
            return
        except DatabaseError:
            log.warning("session not opened", extra={"session": str(session_id)})
            await self.end(CloseCode.OVERLOAD, "The database is away; try again soon.")
            return
        binary = chosen == SUBPROTOCOL
        self._conversation = Conversation(
            session_id,
            outbox=Outbox(self._send_text, self._send_bytes, binary=binary),
            journal=Journal(session_id, hold),
            protocol=chosen or SUBPROTOCOL_JSON,
            first_line=first_line,
        )
        self._conversation.start()

    async def end(self, code: CloseCode, reason: str) -> None:
        """Close with a code of ours and the reason in plain words."""
        # Daphne takes nothing but a true int for a close code.
        await self.close(int(code), reason)

    async def receive(self, text_data: str | None = None, bytes_data: bytes | None = None) -> None:
        conversation = self._conversation
        if conversation is None:
            return
        try:
            if bytes_data is not None:
                limit = HEADER_BYTES + round(settings.MAX_CHUNK_DURATION * RATE_MAX_HZ) * 2
                if len(bytes_data) > limit:
                    raise WireError(
                        "frame_too_long",
                        f"A frame holds at most {settings.MAX_CHUNK_DURATION:g} s of audio.",
                    )
                conversation.receive(decode_frame(bytes_data))
            elif text_data is not None:
                if len(text_data) > TEXT_MAX_CHARACTERS:
                    raise WireError("message_too_long", "A message holds at most 2 MiB.")
                conversation.receive(decode_message(text_data))
        except WireError as error:
            conversation.fail(error.code, str(error))

    async def disconnect(self, code: int) -> None:  # noqa: ARG002 - the framework's signature
        if self._conversation is not None:
            await self._conversation.aclose()

    async def _send_text(self, text: str) -> None:
        await self.send(text_data=text)

    async def _send_bytes(self, data: bytes) -> None:
        await self.send(bytes_data=data)


class UnknownAddress(AsyncConsumer):  # type: ignore[misc]  # channels is untyped
    """Any other socket address: said with a code instead of a failed handshake."""

    channel_layer_alias = None

    async def websocket_connect(self, message: dict[str, Any]) -> None:  # noqa: ARG002 - the framework's signature
        await self.send({"type": "websocket.accept"})
        await self.send({"type": "websocket.close", "code": int(CloseCode.NO_SUCH_ADDRESS)})

    async def websocket_receive(self, message: dict[str, Any]) -> None:
        pass

    async def websocket_disconnect(self, message: dict[str, Any]) -> None:  # noqa: ARG002 - the framework's signature
        from channels.exceptions import StopConsumer

        raise StopConsumer


def _session_id(parts: dict[str, str]) -> uuid.UUID | None:
    """The session's id when both parts of the path are well formed."""
    if not _CONNECTION_ID.fullmatch(parts["connection_id"]):
        return None
    try:
        return uuid.UUID(parts["session_id"])
    except ValueError:
        return None
