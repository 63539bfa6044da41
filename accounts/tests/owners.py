"""Whose a token is."""

from __future__ import annotations

from accounts.authentication import token_access
from accounts.models import User


def owner_of(token: str) -> User | None:
    """None where the token opens nothing."""
    found = token_access(token)
    return found[0] if found else None
