"""Who is at the other end of a socket: ASGI middleware, inside the cookie middleware.

In order: an ``Authorization`` header, a subprotocol ``token.<token>`` (browsers cannot
set headers), the portal's login cookie. The cookie counts only from a page of the very
host that is asked: browsers send it along whichever site opened the socket.
A credential that is given and wrong is never replaced by a weaker one.
"""

from __future__ import annotations

from collections.abc import Awaitable, Callable
from typing import Any
from urllib.parse import urlsplit

from channels.db import database_sync_to_async
from django.contrib.auth.models import AnonymousUser

from accounts.authentication import authenticate_token, token_of_header
from accounts.models import User

TOKEN_SUBPROTOCOL = "token."  # noqa: S105 - a prefix, not a password

Scope = dict[str, Any]
Application = Callable[[Any, Any, Any], Awaitable[None]]
_authenticate: Callable[[str], Awaitable[User | None]] = database_sync_to_async(authenticate_token)


class SocketAuthentication:
    """Sets ``scope["user"]`` to a User or AnonymousUser, and takes tokens out of the scope.

    Refusing is left to the consumer: only it can accept first and then close with a
    code that a browser gets to see.
    """

    def __init__(self, application: Application) -> None:
        self._application = application

    async def __call__(self, scope: Scope, receive: Any, send: Any) -> None:
        token = socket_token(scope)
        if token is not None:
            user: User | AnonymousUser | None = await _authenticate(token)
        else:
            user = scope.get("user") if is_same_origin(scope) else None
        scope = {
            **scope,
            "user": user or AnonymousUser(),
            "subprotocols": [
                name
                for name in scope.get("subprotocols", [])
                if not name.startswith(TOKEN_SUBPROTOCOL)
            ],
        }
        await self._application(scope, receive, send)


def socket_token(scope: Scope) -> str | None:
    """The token that came with the handshake; None when there is none."""
    for value in _headers(scope, b"authorization"):
        token = token_of_header(value)
        if token is not None:
            return token
    for name in scope.get("subprotocols", []):
        if name.startswith(TOKEN_SUBPROTOCOL):
            return str(name[len(TOKEN_SUBPROTOCOL) :])
    return None


def is_same_origin(scope: Scope) -> bool:
    """True when the handshake came from a page of the host that it asks for."""
    origins, hosts = _headers(scope, b"origin"), _headers(scope, b"host")
    if len(origins) != 1 or len(hosts) != 1:
        return False
    return urlsplit(origins[0]).netloc.lower() == hosts[0].lower() != ""


def _headers(scope: Scope, wanted: bytes) -> list[str]:
    return [value.decode("latin-1") for name, value in scope.get("headers", []) if name == wanted]
