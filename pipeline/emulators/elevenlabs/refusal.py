"""The shape of ElevenLabs' refusals, over HTTP and on its sockets.

Over HTTP a refusal is ``{"detail": {"status", "message"}}``; newer answers add ``type``,
``code`` and ``request_id`` and have other HTTP codes in places. Wrong fields are a list:
``{"detail": [{"loc", "msg", "type", "input"}]}`` with 422. A socket says ``{"message",
"error", "code": 1008}`` and then closes with 1008 and the message for a reason.
"""

from __future__ import annotations

from collections.abc import Sequence

Json = dict[str, object]

_KINDS = {
    400: "validation_error",
    401: "authentication_error",
    403: "authorization_error",
    404: "not_found",
    409: "conflict",
    429: "rate_limit_error",
}


class RefusalError(Exception):
    """One refusal in both tongues.

    ``http`` is the answer's code and ``http_newer`` that of newer answers where it changed;
    ``code`` is the newer name beside ``status``; ``socket`` and ``socket_message`` are what the
    sockets say where it differs.
    """

    def __init__(
        self,
        http: int,
        status: str,
        message: str,
        *,
        http_newer: int | None = None,
        code: str = "",
        socket: str = "",
        socket_message: str = "",
        param: str = "",
    ) -> None:
        super().__init__(message)
        self.status = status
        self.message = message
        self.code = code or status
        self.socket = socket or status
        self.param = param
        self.socket_message = socket_message
        self._http = http
        self._http_newer = http_newer or http

    def answer(self, *, newer: bool, request_id: str) -> tuple[int, Json]:
        """HTTP code and body."""
        http = self._http_newer if newer else self._http
        detail: Json = {"status": self.status, "message": self.message}
        if newer:
            detail |= {
                "type": _KINDS.get(http, "internal_error"),
                "code": self.code,
                "request_id": request_id,
            }
            if self.param:
                detail["param"] = self.param
        return http, {"detail": detail}

    def frame(self) -> Json:
        """The message of a socket, which closes after it."""
        message = self.socket_message or self.message
        return {"message": message, "error": self.socket, "code": 1008}

    @property
    def is_failure(self) -> bool:
        """Whether the vendor says that the fault is its own."""
        return self._http >= 500


class UnprocessableError(RefusalError):
    """422: fields that are missing or of a wrong kind. ``problems`` are (place, text, kind)."""

    def __init__(self, problems: Sequence[tuple[Sequence[str | int], str, str]]) -> None:
        super().__init__(422, "invalid_request", problems[0][1])
        self.problems = problems

    def answer(self, *, newer: bool, request_id: str) -> tuple[int, Json]:  # noqa: ARG002
        return 422, {
            "detail": [
                {"loc": list(loc), "msg": msg, "type": kind, "input": None}
                for loc, msg, kind in self.problems
            ]
        }
