"""``/api/clones/{id}/events``: a clone as it is made, as server-sent events."""

from __future__ import annotations

import json
import logging
import threading
import uuid
from collections.abc import AsyncIterator, Iterator
from typing import Any

from django.core.handlers.asgi import ASGIRequest
from django.http import StreamingHttpResponse
from django.http.response import HttpResponseBase
from drf_spectacular.types import OpenApiTypes
from drf_spectacular.utils import extend_schema
from rest_framework.renderers import JSONRenderer
from rest_framework.request import Request

from accounts.models import User
from accounts.orm_thread import in_orm_thread
from accounts.rest.problems import Problem
from pipeline.bounds import CLONE_STREAMS_MAX
from voices import selectors
from voices.api.rows import VoicesApi, found
from voices.cloning.watching import watching
from voices.models import CloneState, VoiceClone

log = logging.getLogger(__name__)
END = b"event: end\ndata: {}\n\n"
STILL_THERE = b": still there\n\n"
_lock = threading.Lock()
_open = 0


class EventStreamRenderer(JSONRenderer):
    """Who accepts nothing but events, as a browser does, is not refused. The stream is written
    by itself; what is rendered is a problem."""

    media_type = "text/event-stream"
    format = "event-stream"


class CloneEventsView(VoicesApi):
    tag = "clones"
    renderer_classes = (JSONRenderer, EventStreamRenderer)

    @extend_schema(
        operation_id="follow_clone", responses={(200, "text/event-stream"): OpenApiTypes.STR}
    )
    def get(self, request: Request, clone_id: uuid.UUID) -> HttpResponseBase:
        """Server-sent events while it is made: `progress` with `state`, `step` and `problem`
        whenever one has changed, and last `end`."""
        global _open
        found(selectors.clones_of(self.person), clone_id)
        with _lock:
            if _open >= CLONE_STREAMS_MAX:
                raise Problem("clone_streams_full")
            _open += 1
        asynchronous = isinstance(request._request, ASGIRequest)
        pieces: Any = (_later if asynchronous else _now)(clone_id, self.person)
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


def _read(clone_id: uuid.UUID, person: User) -> tuple[bytes, bool]:
    """How far it is, and whether that is the end; whether they may see it is asked each time."""
    clone: VoiceClone | None = selectors.clones_of(person).filter(pk=clone_id).first()
    if clone is None:
        return b"", True
    told = {"state": clone.state, "step": clone.step, "problem": clone.problem}
    over = clone.state not in (CloneState.WAITING, CloneState.MAKING)
    return f"event: progress\ndata: {json.dumps(told)}\n\n".encode(), over


async def _later(clone_id: uuid.UUID, person: User) -> AsyncIterator[bytes]:
    last = b""
    try:
        async with watching(clone_id) as watch:
            while True:
                told, over = await in_orm_thread(_read, clone_id, person)
                yield told if told != last else STILL_THERE
                if over:
                    break
                last = told
                await watch.changed()
    except Exception as error:  # whatever the database, Redis and the layer raise
        log.info("clone's events end", extra={"error": type(error).__name__})
        return  # the client asks anew
    yield END


def _now(clone_id: uuid.UUID, person: User) -> Iterator[bytes]:
    """Where nothing waits without holding a thread: as it is, and the client asks anew."""
    told, _ = _read(clone_id, person)
    yield told + END
