"""Who may look inside: staff, and a scraper with a secret of its own.

The scraper needs no account, so that it still works while the database is away.
"""

from __future__ import annotations

import hmac
from typing import Any

from django.conf import settings
from django.contrib.auth.models import AnonymousUser
from rest_framework.authentication import BaseAuthentication, get_authorization_header
from rest_framework.permissions import BasePermission
from rest_framework.request import Request

from accounts.authentication import token_of_header
from accounts.rest.scopes import EVERYTHING, TokenAccess

SCRAPER = "scraper"


class ScraperAuthentication(BaseAuthentication):
    """The bearer secret METRICS_TOKEN; any other token is left to the classes after this."""

    def authenticate(self, request: Request) -> tuple[AnonymousUser, str] | None:
        given = token_of_header(get_authorization_header(request).decode("latin-1"))
        wanted = settings.METRICS_TOKEN
        if not given or not wanted or not hmac.compare_digest(given.encode(), wanted.encode()):
            return None
        return AnonymousUser(), SCRAPER

    def authenticate_header(self, request: Request) -> str:  # noqa: ARG002 - the framework's signature
        return "Bearer"


class IsStaffOrScraper(BasePermission):
    def has_permission(self, request: Request, view: Any) -> bool:  # noqa: ARG002 - the framework's signature
        if request.auth == SCRAPER:
            return True
        access = request.auth
        narrow = isinstance(access, TokenAccess) and EVERYTHING not in access.scopes
        return bool(request.user.is_active and request.user.is_staff and not narrow)
