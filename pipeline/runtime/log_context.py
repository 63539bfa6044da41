"""Ids that every log line of some work carries without being handed them.

Bound to the running task or thread, and inherited by what it starts: tasks, and threads
through ``asyncio.to_thread``. Ids only: never speech, its text, tokens, or names.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from contextvars import ContextVar

_NONE: Mapping[str, str] = {}
_fields: ContextVar[Mapping[str, str]] = ContextVar("log_fields", default=_NONE)


def fields() -> Mapping[str, str]:
    """What is bound here, in the order of binding."""
    return _fields.get()


@contextmanager
def bind(**ids: str) -> Iterator[None]:
    """Add ids to the log lines of the block; what was bound before comes back after it.

    Not around a ``yield`` of a generator: its caller would get the ids too.
    """
    token = _fields.set({**_fields.get(), **ids})
    try:
        yield
    finally:
        _fields.reset(token)


def bind_task(**ids: str) -> None:
    """Add ids to the log lines of the running task from here to its end."""
    _fields.set({**_fields.get(), **ids})


def unbind_task(*names: str) -> None:
    """Take ids off again, where one thread or task does one thing after another."""
    _fields.set({name: value for name, value in _fields.get().items() if name not in names})
