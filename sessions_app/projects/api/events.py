"""A job's progress as server-sent events."""

from __future__ import annotations

import asyncio
import json
import threading
import time
import uuid
from collections.abc import AsyncIterator, Iterator
from typing import Any

from django.core.handlers.asgi import ASGIRequest
from django.db import Error as DatabaseError
from django.http import HttpRequest, StreamingHttpResponse
from rest_framework.utils.encoders import JSONEncoder

from accounts.models import User
from accounts.orm_thread import in_orm_thread
from accounts.rest.problems import Problem
from pipeline.bounds import EVENT_STREAMS_MAX, EVENTS_S
from sessions_app.projects import selectors
from sessions_app.projects.job_models import UNFINISHED

_LOOK_S = 1.0
_STILL_THERE_S = 15.0
"""A line of comment so often: whoever is between does not close what is silent."""
_lock = threading.Lock()
_open = 0


def stream(request: HttpRequest, job_id: uuid.UUID, person: User) -> StreamingHttpResponse:
    """Raises Problem where too many are open already."""
    global _open
    with _lock:
        if _open >= EVENT_STREAMS_MAX:
            raise Problem("too_many_streams")
        _open += 1
    events = _Events(job_id, person)
    pieces: Any = _later(events) if isinstance(request, ASGIRequest) else _now(events)
    response = StreamingHttpResponse(pieces, content_type="text/event-stream")
    response["Cache-Control"] = "no-store"
    # Whoever passes it on shall not gather it.
    response["X-Accel-Buffering"] = "no"
    response._resource_closers.append(_closed)  # type: ignore[attr-defined]
    return response


def _closed() -> None:
    global _open
    with _lock:
        _open -= 1


class _Events:
    def __init__(self, job_id: uuid.UUID, person: User) -> None:
        self._job_id = job_id
        self._person = person
        self._last = ""
        self._silent_since = time.monotonic()
        self._until = time.monotonic() + EVENTS_S
        self.over = False

    def next(self) -> bytes:
        """What is to be told now, perhaps nothing; whether they may see it is asked each time."""
        from sessions_app.projects.api.jobs import JobSerializer

        job = selectors.job_of(self._person, self._job_id)
        if job is None or time.monotonic() > self._until:
            self.over = True
            return b"event: end\ndata: {}\n\n"
        text = json.dumps(JobSerializer(job).data, cls=JSONEncoder)
        told = b""
        if text != self._last:
            self._last, self._silent_since = text, time.monotonic()
            told = f"event: progress\ndata: {text}\n\n".encode()
        elif time.monotonic() - self._silent_since > _STILL_THERE_S:
            self._silent_since = time.monotonic()
            told = b": still there\n\n"
        if job.state not in UNFINISHED:
            self.over = True
            told += b"event: end\ndata: {}\n\n"
        return told


async def _later(events: _Events) -> AsyncIterator[bytes]:
    while not events.over:
        try:
            if told := await in_orm_thread(events.next):
                yield told
        except DatabaseError:
            return  # the client asks anew
        if not events.over:
            await asyncio.sleep(_LOOK_S)


def _now(events: _Events) -> Iterator[bytes]:
    while not events.over:
        if told := events.next():
            yield told
        if not events.over:
            time.sleep(_LOOK_S)
