"""What a token may do: everything, or what its scopes name.

A view declares the scope of each method in ``scopes``; what declares none is closed to a
token that may not do everything. A portal's login cookie may do whatever its user may.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

from rest_framework.permissions import BasePermission
from rest_framework.request import Request

from accounts.rest.problems import Problem

EVERYTHING = "*"
DUB = "dub"
ANY = ""
"""Declared by a view whose method every good token may use."""

SCOPES: dict[str, str] = {
    EVERYTHING: "Everything that you may do.",
    DUB: "Open sockets and dub; get tickets for them.",
    "read:sessions": "Read sessions, their lines, transcripts and statistics.",
    "write:sessions": "Make, rename, share and delete sessions.",
    "read:projects": "Read projects, their lines, jobs and files.",
    "write:projects": "Upload files, and make, change, dub, export and delete projects.",
    "read:voices": "Read actors, speakers and voices.",
    "write:voices": "Make and change actors and their voices.",
    "read:glossaries": "Read glossaries and their terms.",
    "write:glossaries": "Make and change glossaries and their terms.",
    "write:preferences": "Change which languages you want dubbed.",
    "read:usage": "Read what was used, and what it cost.",
    "read:keys": "List your own keys of engines, which shows their last characters.",
    "write:keys": "Give, check and take away your own keys of engines.",
    "read:tokens": "List tokens.",
    "write:tokens": "Make tokens that may do no more than this one, and revoke tokens.",
    "read:webhooks": "Read webhooks and their delivery logs.",
    "write:webhooks": "Make, change, test, replay and delete webhooks.",
}


SCOPE_NAMES = list(SCOPES)


@dataclass(frozen=True, slots=True)
class TokenAccess:
    """With which token somebody asks: ``request.auth``."""

    token_id: int
    scopes: frozenset[str]

    def allows(self, scope: str) -> bool:
        return EVERYTHING in self.scopes or scope == ANY or scope in self.scopes

    def covers(self, scopes: frozenset[str]) -> bool:
        """Whether this token may do all that one with these scopes may."""
        return EVERYTHING in self.scopes or scopes <= self.scopes


class HasScope(BasePermission):
    def has_permission(self, request: Request, view: Any) -> bool:
        access = request.auth
        if not isinstance(access, TokenAccess) or request.method == "OPTIONS":
            return True
        method = "GET" if request.method == "HEAD" else request.method
        scope = view.scopes.get(method, EVERYTHING)
        if not access.allows(scope):
            raise Problem("scope_missing", f"This token lacks the scope “{scope}”.")
        return True
