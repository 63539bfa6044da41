"""A pipe whose other end is held by whoever asked for something: it closes when they go."""

from __future__ import annotations

import os
from collections.abc import Callable


def wait_for_end_of(pipe: int, then: Callable[[], object]) -> None:
    """Blocks until the pipe's writers are gone, then calls ``then``; for a thread."""
    while os.read(pipe, 64):
        pass
    then()
