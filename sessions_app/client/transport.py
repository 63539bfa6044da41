"""Requests: repeated where that is safe, with ETags and keys, page by page."""

from __future__ import annotations

import time
import uuid
from collections.abc import Iterator, Mapping
from typing import Any, Self
from urllib.parse import parse_qs, urlsplit

import httpx

from .errors import ApiError

TRIES = 4
LONGEST_PAUSE_S = 60.0
_AGAIN = frozenset({429, 502, 503, 504})
_SAFE = frozenset({"GET", "HEAD", "PUT", "DELETE"})


class Transport:
    def __init__(
        self,
        server: str,
        token: str,
        *,
        timeout_s: float = 30.0,
        transport: httpx.BaseTransport | None = None,
    ) -> None:
        self._http = httpx.Client(
            base_url=server.rstrip("/"),
            headers={
                "Authorization": f"Token {token}",
                "Accept": "application/json; version=1, */*; q=0.1",
            },
            timeout=timeout_s,
            transport=transport,
        )
        self._tags: dict[str, str] = {}
        """Path → the ETag that it had when it was read; of the last thousand."""

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *_: object) -> None:
        self.close()

    def close(self) -> None:
        self._http.close()

    def _get(self, path: str, query: Mapping[str, Any] | None = None) -> Any:
        response = self.request("GET", path, query=query)
        if not query:
            self._note(path, response)
        return response.json()

    def _create(self, path: str, body: Mapping[str, Any]) -> Any:
        given = {name: value for name, value in body.items() if value is not None}
        response = self.request(
            "POST", path, body=given, headers={"Idempotency-Key": uuid.uuid4().hex}
        )
        self._note(response.headers.get("Location", ""), response)
        return response.json()

    def _edit(self, path: str, changes: Mapping[str, Any]) -> Any:
        if path not in self._tags:
            self._get(path)
        headers = {"If-Match": self._tags.get(path, "*")}
        response = self.request("PATCH", path, body=changes, headers=headers)
        self._note(path, response)
        return response.json()

    def _note(self, path: str, response: httpx.Response) -> None:
        tag = response.headers.get("ETag")
        if not tag or not path:
            return
        self._tags.pop(path, None)
        self._tags[path] = tag
        if len(self._tags) > 1000:
            del self._tags[next(iter(self._tags))]

    def _pages(
        self, path: str, query: Mapping[str, Any] | None = None, *, rows: str = "results"
    ) -> Iterator[Any]:
        asked = dict(query or {})
        while True:
            page = self.request("GET", path, query=asked).json()
            yield from page[rows]
            if not page["next"]:
                return
            # The cursor alone: the token goes to the server that was named, wherever `next` is.
            asked["cursor"] = parse_qs(urlsplit(page["next"]).query)["cursor"][0]

    def request(
        self,
        method: str,
        path: str,
        *,
        query: Mapping[str, Any] | None = None,
        body: Mapping[str, Any] | None = None,
        content: bytes | None = None,
        headers: Mapping[str, str] | None = None,
    ) -> httpx.Response:
        """The answer of any address, such as ``request("GET", "/api/actors")``.

        ``body`` is sent as JSON. A ``POST`` is repeated only with an ``Idempotency-Key`` in
        ``headers``; a ``PATCH`` needs ``If-Match`` there. Raises ApiError and
        ``httpx.TransportError``.
        """
        repeatable = (
            method in _SAFE
            or "Idempotency-Key" in (headers or {})
            # A piece of an upload is taken once, and says where it belongs.
            or "Upload-Offset" in (headers or {})
        )
        for left in reversed(range(TRIES)):
            pause_s = float(2 ** (TRIES - 1 - left)) / 2
            try:
                response = self._http.request(
                    method, path, params=query, json=body, content=content, headers=headers
                )
            except httpx.TransportError:
                if not repeatable or not left:
                    raise
                time.sleep(pause_s)
                continue
            if response.is_success:
                return response
            error = ApiError(response)
            again = repeatable and response.status_code in _AGAIN
            again = again or response.status_code == 429 or error.code == "idempotency_in_progress"
            if not again or not left:
                raise error
            asked_s = response.headers.get("Retry-After", "")
            time.sleep(min(float(asked_s) if asked_s.isdecimal() else pause_s, LONGEST_PAUSE_S))
        raise AssertionError("unreachable")
