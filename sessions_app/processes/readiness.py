"""Whether this process wants new clients: what is draining says no, and is left alone."""

from __future__ import annotations

_reason = ""


def withdraw(reason: str) -> None:
    """Have no new clients sent here from now on; ``reason`` is one word, such as draining."""
    global _reason
    _reason = reason


def restore() -> None:
    """Take new clients again."""
    global _reason
    _reason = ""


def withdrawn() -> str:
    """Why no new clients are wanted; empty while they are."""
    return _reason
