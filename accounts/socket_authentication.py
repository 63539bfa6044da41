"""Who is at the other end of a socket: ASGI middleware, inside the cookie middleware.

In order: an ``Authorization`` header, a subprotocol ``token.<token>`` or
``ticket.<ticket>`` (browsers cannot set headers), the portal's login cookie. A client
that brings none of them may say who it is in its first message. A credential that is
given and wrong is never replaced by a weaker one.

Browsers send an ``Origin``, and cookies along with whichever site opened the socket: the
cookie counts only from a page of the very host that is asked, and a socket opened by any
other origin is refused unless the settings allow it (extensions have origins of their own).
"""

from __future__ import annotations

import asyncio
import re
from collections.abc import Awaitable, Callable, Iterable
from dataclasses import dataclass
from typing import Any
from urllib.parse import urlsplit

from django.conf import settings
from django.db import Error as DatabaseError

from accounts.authentication import token_access, token_of_header
from accounts.models import User
from accounts.orm_thread import in_orm_thread
from accounts.rest.scopes import DUB
from accounts.services import redeem_ticket
from pipeline.bounds import AUTHENTICATE_S

TOKEN_SUBPROTOCOL = "token."  # noqa: S105 - a prefix, not a password
TICKET_SUBPROTOCOL = "ticket."
_TICKET_FORM = re.compile(r"[A-Za-z0-9_-]{43}")

Scope = dict[str, Any]
Application = Callable[[Any, Any, Any], Awaitable[None]]


@dataclass(frozen=True, slots=True)
class Refusal:
    """Why the handshake names nobody: a stable code and plain words."""

    code: str
    message: str


ORIGIN_REFUSED = Refusal(
    "origin_not_allowed",
    "Pages of this origin may not open sockets here; the server's ALLOWED_ORIGINS can allow it.",
)
CREDENTIAL_REFUSED = Refusal(
    "credential_invalid", "The token or ticket is wrong, used up or has expired; get a new one."
)
SCOPE_MISSING = Refusal(
    "scope_missing", "This token may not dub: take one with the scope “dub”, or with every scope."
)
DATABASE_AWAY = Refusal("database_away", "The database is away; try again soon.")


class SocketAuthentication:
    """Sets ``scope["user"]`` to a User or None, and takes credentials out of the scope.

    ``scope["refusal"]`` says why a handshake is no good; refusing is left to the consumer:
    only it can accept first and then close with a code that a browser gets to see.
    """

    def __init__(self, application: Application) -> None:
        self._application = application

    async def __call__(self, scope: Scope, receive: Any, send: Any) -> None:
        user, refusal = await _identify(scope)
        scope = {
            **scope,
            "user": user,
            "refusal": refusal,
            "subprotocols": [
                name
                for name in scope.get("subprotocols", [])
                if not name.startswith((TOKEN_SUBPROTOCOL, TICKET_SUBPROTOCOL))
            ],
        }
        await self._application(scope, receive, send)


async def _identify(scope: Scope) -> tuple[User | None, Refusal | None]:
    own = is_same_origin(scope)
    if not own and not _origin_allowed(_headers(scope, b"origin")):
        return None, ORIGIN_REFUSED
    credential = socket_credential(scope)
    if credential is not None:
        return await authenticate(credential)
    # The lazy object of the cookie middleware is known by then.
    user = scope.get("user") if own else None
    return (user, None) if isinstance(user, User) else (None, None)


async def authenticate(credential: str) -> tuple[User | None, Refusal | None]:
    """The owner of a token or an unused ticket, else why there is none."""
    try:
        async with asyncio.timeout(AUTHENTICATE_S):
            return await in_orm_thread(_owner, credential)
    except (DatabaseError, TimeoutError):
        return None, DATABASE_AWAY


def _owner(credential: str) -> tuple[User | None, Refusal | None]:
    # Tokens and tickets differ in length, so neither is looked up among the others.
    if _TICKET_FORM.fullmatch(credential):
        user = redeem_ticket(credential)
        return user, None if user else CREDENTIAL_REFUSED
    found = token_access(credential)
    if found is None:
        return None, CREDENTIAL_REFUSED
    user, access = found
    return (user, None) if access.allows(DUB) else (None, SCOPE_MISSING)


def socket_credential(scope: Scope) -> str | None:
    """The token or ticket that came with the handshake; None when there is none."""
    for value in _headers(scope, b"authorization"):
        token = token_of_header(value)
        if token is not None:
            return token
    for name in scope.get("subprotocols", []):
        for prefix in (TOKEN_SUBPROTOCOL, TICKET_SUBPROTOCOL):
            if name.startswith(prefix):
                return str(name[len(prefix) :])
    return None


def is_same_origin(scope: Scope) -> bool:
    """True when the handshake came from a page of the host that it asks for."""
    origins, hosts = _headers(scope, b"origin"), _headers(scope, b"host")
    if len(origins) != 1 or len(hosts) != 1:
        return False
    return urlsplit(origins[0]).netloc.lower() == hosts[0].lower() != ""


def _origin_allowed(origins: list[str]) -> bool:
    """Native clients send no Origin and have no cookies that could be abused."""
    if not origins:
        return True
    return len(origins) == 1 and origin_matches(origins[0], settings.ALLOWED_ORIGINS)


def origin_matches(origin: str, allowed: Iterable[str]) -> bool:
    """``scheme://*`` allows every host of a scheme: Firefox gives each installation of an
    extension another one."""
    origin = origin.lower().rstrip("/")
    return any(
        origin.startswith(pattern[:-1]) if pattern.endswith("://*") else origin == pattern
        for pattern in map(str.lower, allowed)
    )


def _headers(scope: Scope, wanted: bytes) -> list[str]:
    return [value.decode("latin-1") for name, value in scope.get("headers", []) if name == wanted]
