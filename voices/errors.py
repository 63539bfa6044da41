"""What may be wrong with a wish about actors; the message says what to do."""

from __future__ import annotations


class VoicesError(Exception):
    """``code`` is stable; ``field`` is the input's name where one is to blame."""

    def __init__(self, code: str, message: str, *, field: str = "") -> None:
        super().__init__(message)
        self.code = code
        self.field = field


class ConsentMissingError(VoicesError):
    def __init__(self, what: str) -> None:
        super().__init__(
            "consent_missing",
            f"There is no valid consent of this actor to {what}. Write one down first.",
        )


class LimitReachedError(VoicesError):
    def __init__(self, message: str) -> None:
        super().__init__("limit_reached", message)
