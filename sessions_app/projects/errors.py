"""What may be wrong with a wish about projects; the message says what to do."""

from __future__ import annotations


class ProjectError(Exception):
    """``code`` is stable; ``field`` is the input's name where one is to blame."""

    def __init__(self, code: str, message: str, *, field: str = "") -> None:
        super().__init__(message)
        self.code = code
        self.field = field
