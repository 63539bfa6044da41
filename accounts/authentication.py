"""One rule for who is asking: a token that is stored, alive, and owned by someone active.

``token_access`` is the rule; REST reaches it through ``ApiTokenAuthentication``,
sockets through ``accounts.socket_authentication``.
"""

from __future__ import annotations

import re
from datetime import timedelta
from typing import Any, cast

from django.utils import timezone
from knox.auth import TokenAuthentication
from rest_framework.authentication import SessionAuthentication, get_authorization_header
from rest_framework.exceptions import AuthenticationFailed
from rest_framework.request import Request

from accounts.models import ApiToken, User
from accounts.rest.scopes import TokenAccess

HEADER_SCHEMES = frozenset({"token", "bearer"})
USED_TO_THE = timedelta(hours=1)
"""When a token was last used is known so exactly."""
_TOKEN_FORM = re.compile(r"[A-Za-z0-9_-]{16,256}")


def token_access(token: str) -> tuple[User, TokenAccess] | None:
    """The active owner of a living token, and what the token may do; or None. Expired tokens
    are deleted on sight."""
    if not _TOKEN_FORM.fullmatch(token):
        return None
    try:
        user, stored = TokenAuthentication().authenticate_credentials(token.encode())
    except AuthenticationFailed:
        return None
    label = ApiToken.objects.filter(auth_token=stored).first()
    # One that this product did not make has no scopes, and opens nothing.
    if label is None:
        return None
    now = timezone.now()
    if label.last_used_at is None or label.last_used_at < now - USED_TO_THE:
        ApiToken.objects.filter(pk=label.pk).update(last_used_at=now)
    return cast(User, user), TokenAccess(label.pk, frozenset(label.scopes))


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
        found = token_access(token)
        if found is None:
            raise AuthenticationFailed("Invalid token.")
        return found


REST_AUTHENTICATION = (ApiTokenAuthentication, SessionAuthentication)
"""For every view of ours: a token, or the portal's login cookie with its CSRF token."""
