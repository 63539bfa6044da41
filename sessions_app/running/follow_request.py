"""What a client asked for that follows another session."""

from __future__ import annotations

import msgspec


class FollowRequest(msgspec.Struct, frozen=True, kw_only=True):
    session: str
    preserve_voice: bool
    engines: dict[str, str] = {}
    """Role → provider."""
    owner: int = 0
    """Whose session it is; 0 while that is not known."""
