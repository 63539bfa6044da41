"""What the interface says when it cannot do something."""

from __future__ import annotations

from typing import Any

import httpx


class ApiError(Exception):
    """A problem document (RFC 9457). Decide by ``code``."""

    def __init__(self, response: httpx.Response) -> None:
        try:
            body = response.json()
        except ValueError:
            body = {}
        if not isinstance(body, dict):
            body = {}
        self.status = response.status_code
        self.code: str = body.get("code", f"http_{response.status_code}")
        self.title: str = body.get("title", response.reason_phrase)
        self.detail: str = body.get("detail", "")
        self.errors: dict[str, list[str]] = body.get("errors", {})
        """Path of a field → what is wrong with it."""
        self.request_id: str = response.headers.get("X-Request-Id", "")
        """Under which the server's operator finds it in the log."""
        self.problem: dict[str, Any] = body
        super().__init__(f"{self.status} {self.code}: {self.detail or self.title}")
