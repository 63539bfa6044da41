"""Whose keys and which settings engines are made with: told by the app that knows them.

Engines' settings belong to sessions, an app above this one; it calls ``provide`` when it is
loaded.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass

from pipeline.ports import EngineError
from pipeline.providers.settings import EngineSettings


@dataclass(frozen=True, slots=True)
class EngineAccess:
    of_user: Callable[[int | None], EngineSettings]
    """With a person's own keys before the installation's; None: the installation's alone.
    Reads the database."""
    with_key: Callable[[str, str], EngineSettings]
    """With that key of that vendor."""
    usual_provider: Callable[[int | None], str]
    """Of the synthesiser that a session of this person gets. Raises EngineError."""


_provided: list[EngineAccess] = []


def provide(access: EngineAccess) -> None:
    _provided[:] = [access]


def access() -> EngineAccess:
    """Raises EngineError where nobody provided it."""
    if not _provided:
        raise EngineError("engine_missing", "This server has no engines.", recoverable=False)
    return _provided[0]
