"""How something goes on, as server-sent events: told when a notice says that it has moved."""

from __future__ import annotations

import logging
import threading
import time
from collections.abc import AsyncIterator, Callable, Iterator
from contextlib import AbstractAsyncContextManager
from typing import Any

from django.core.handlers.asgi import ASGIRequest
from django.http import HttpRequest, StreamingHttpResponse
from rest_framework.renderers import JSONRenderer

from accounts.orm_thread import in_orm_thread
from accounts.rest.problems import Problem
from accounts.watching import Watch
from pipeline.bounds import EVENTS_S

log = logging.getLogger(__name__)
Read = Callable[[], tuple[bytes, bool]]
"""What is to be told now, see ``progress``, and whether that is the end."""
END = b"event: end\ndata: {}\n\n"
STILL_THERE = b": still there\n\n"
"""A comment: whoever is between does not close what is silent."""


class EventStreamRenderer(JSONRenderer):
    """Who accepts nothing but events, as a browser does, is not refused. The stream is written
    by itself; what is rendered is a problem."""

    media_type = "text/event-stream"
    format = "event-stream"


def progress(text: str) -> bytes:
    """The event of that name; ``text`` is JSON."""
    return f"event: progress\ndata: {text}\n\n".encode()


class EventStreams:
    """Those of one kind that this process has open: at most ``most``, beyond which the problem
    ``refusal`` is raised."""

    def __init__(self, most: int, refusal: str) -> None:
        self._most = most
        self._refusal = refusal
        self._open = 0
        self._lock = threading.Lock()

    def response(
        self,
        request: HttpRequest,
        read: Read,
        watching: Callable[[], AbstractAsyncContextManager[Watch]],
    ) -> StreamingHttpResponse:
        """``read`` is asked when the notices of ``watching`` say so, and asks each time whether
        they may see it. Raises Problem."""
        with self._lock:
            if self._open >= self._most:
                raise Problem(self._refusal)
            self._open += 1
        asynchronous = isinstance(request, ASGIRequest)
        pieces: Any = _later(read, watching) if asynchronous else _now(read)
        response = StreamingHttpResponse(pieces, content_type="text/event-stream")
        response["Cache-Control"] = "no-store"
        # Whoever passes it on shall not gather it.
        response["X-Accel-Buffering"] = "no"
        response._resource_closers.append(self._closed)  # type: ignore[attr-defined]
        return response

    def _closed(self) -> None:
        with self._lock:
            self._open -= 1


async def _later(
    read: Read, watching: Callable[[], AbstractAsyncContextManager[Watch]]
) -> AsyncIterator[bytes]:
    last = b""
    until = time.monotonic() + EVENTS_S
    try:
        async with watching() as watch:
            while True:
                told, over = await in_orm_thread(read)
                yield told if told != last else STILL_THERE
                if over or time.monotonic() > until:
                    break
                last = told
                await watch.changed()
    except Exception as error:  # whatever the database, Redis and the layer raise
        log.info("events end", extra={"error": type(error).__name__})
        return  # the client asks anew
    yield END


def _now(read: Read) -> Iterator[bytes]:
    """Where nothing waits without holding a thread: as it is, and the client asks anew."""
    told, _ = read()
    yield told + END
