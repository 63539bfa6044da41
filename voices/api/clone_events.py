"""``/api/clones/{id}/events``: a clone as it is made, as server-sent events."""

from __future__ import annotations

import functools
import json
import uuid

from django.http.response import HttpResponseBase
from drf_spectacular.types import OpenApiTypes
from drf_spectacular.utils import extend_schema
from rest_framework.renderers import JSONRenderer
from rest_framework.request import Request

from accounts.models import User
from accounts.rest.event_stream import EventStreamRenderer, EventStreams, progress
from pipeline.bounds import CLONE_STREAMS_MAX
from voices import selectors
from voices.api.rows import VoicesApi, found
from voices.cloning.watching import watching
from voices.models import CloneState, VoiceClone

_STREAMS = EventStreams(CLONE_STREAMS_MAX, "clone_streams_full")


class CloneEventsView(VoicesApi):
    tag = "clones"
    renderer_classes = (JSONRenderer, EventStreamRenderer)

    @extend_schema(
        operation_id="follow_clone", responses={(200, "text/event-stream"): OpenApiTypes.STR}
    )
    def get(self, request: Request, clone_id: uuid.UUID) -> HttpResponseBase:
        """Server-sent events while it is made: `progress` with `state`, `step` and `problem`
        whenever one has changed, and last `end`."""
        found(selectors.clones_of(self.person), clone_id)
        return _STREAMS.response(
            request._request,
            functools.partial(_read, clone_id, self.person),
            functools.partial(watching, clone_id),
        )


def _read(clone_id: uuid.UUID, person: User) -> tuple[bytes, bool]:
    clone: VoiceClone | None = selectors.clones_of(person).filter(pk=clone_id).first()
    if clone is None:
        return b"", True
    told = {"state": clone.state, "step": clone.step, "problem": clone.problem}
    return progress(json.dumps(told)), clone.state not in (CloneState.WAITING, CloneState.MAKING)
