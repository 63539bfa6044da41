"""System checks of what settings alone can tell; `manage.py check` and every start run them."""

from __future__ import annotations

from typing import Any

from django.conf import settings
from django.core.checks import CheckMessage, Warning, register

OPEN_ADDRESSES = frozenset({"0.0.0.0", "::", "[::]"})  # noqa: S104 - compared with, never bound


@register()
def open_server_names_its_hosts(**_: Any) -> list[CheckMessage]:
    """A server that listens on every address still answers only to its allowed names."""
    named = set(settings.ALLOWED_HOSTS) - {"localhost", "127.0.0.1", "[::1]"} - OPEN_ADDRESSES
    if settings.HOST not in OPEN_ADDRESSES or named:
        return []
    return [
        Warning(
            f"HOST={settings.HOST} listens on every address, but answers only to localhost.",
            hint="Set ALLOWED_HOSTS to the names people use for this server.",
            id="dubbing_project.W001",
        )
    ]


@register()
def debug_stays_at_home(**_: Any) -> list[CheckMessage]:
    """Debug pages show settings and code: never to other machines."""
    if not settings.DEBUG or settings.HOST in {"localhost", "127.0.0.1", "::1", "[::1]"}:
        return []
    return [
        Warning(
            f"DEBUG is on while the server listens on {settings.HOST}.",
            hint="Unset DEBUG, or listen on 127.0.0.1.",
            id="dubbing_project.W002",
        )
    ]
