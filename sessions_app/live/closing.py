"""Why a connection is closed: a close code, a stable code and plain words."""

from __future__ import annotations

from accounts.socket_authentication import Refusal
from sessions_app.protocol.messages import CloseCode

REFUSALS = {"database_away": CloseCode.OVERLOAD}


class ClosedError(Exception):
    """The socket is to be closed: with which code, and why in plain words."""

    def __init__(
        self, close_code: CloseCode, code: str, message: str, *, resume: bool = False
    ) -> None:
        super().__init__(message)
        self.close_code = close_code
        self.code = code
        self.resume = resume


NOBODY = ClosedError(
    CloseCode.NOT_AUTHENTICATED,
    "not_authenticated",
    "Send a token or ticket in the handshake, or an authenticate message first.",
)
RESTARTING = ClosedError(
    CloseCode.RESTART, "restarting", "The server restarts; connect again in a moment.", resume=True
)


def refused(refusal: Refusal) -> ClosedError:
    close_code = REFUSALS.get(refusal.code, CloseCode.NOT_AUTHENTICATED)
    return ClosedError(close_code, refusal.code, refusal.message)
