"""One rule for who is asking: a token that is stored, alive, and owned by someone active.

``authenticate_token`` is the rule; REST reaches it through ``ApiTokenAuthentication``,
sockets through ``accounts.socket_authentication``.
"""

from __future__ import annotations

import re
from typing import Any, cast

from knox.auth import TokenAuthentication
from rest_framework.authentication import SessionAuthentication, get_authorization_header
from rest_framework.exceptions import AuthenticationFailed
from rest_framework.request import Request

from accounts.models import User

HEADER_SCHEMES = frozenset({"token", "bearer"})
_TOKEN_FORM = re.compile(r"[A-Za-z0-9_-]{16,256}")


def authenticate_token(token: str) -> User | None:
    """The active owner of a living token, or None. Expired tokens are deleted on sight."""
    if not _TOKEN_FORM.fullmatch(token):
        return None
    try:
        user, _ = TokenAuthentication().authenticate_credentials(token.encode())
    except AuthenticationFailed:
        return None
    return cast(User, user)


def token_of_header(header: str) -> str | None:
    """The token in ``Token …`` or ``Bearer …``; None when the header is of another kind."""
    scheme, _, token = header.strip().partition(" ")
    return token.strip() if scheme.lower() in HEADER_SCHEMES else None


class ApiTokenAuthentication(TokenAuthentication):  # type: ignore[misc]  # knox is untyped
    """The rule as REST framework wants it."""

    def authenticate(self, request: Request) -> tuple[User, Any] | None:
        token = token_of_header(get_authorization_header(request).decode("latin-1"))
        if token is None:
            return None
        user = authenticate_token(token)
        if user is None:
            raise AuthenticationFailed("Invalid token.")
        return user, token


REST_AUTHENTICATION = (ApiTokenAuthentication, SessionAuthentication)
"""For every view of ours: a token, or the portal's login cookie with its CSRF token."""
