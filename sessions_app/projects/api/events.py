"""A job's progress as server-sent events."""

from __future__ import annotations

import functools
import json
import uuid
from contextlib import AbstractAsyncContextManager
from typing import Any

from django.http import HttpRequest, StreamingHttpResponse
from rest_framework.utils.encoders import JSONEncoder

from accounts.models import User
from accounts.rest.event_stream import EventStreams, progress
from accounts.watching import Watch, watching
from pipeline.bounds import EVENT_STREAMS_MAX, JOB_LOOK_S
from sessions_app.projects import selectors
from sessions_app.projects.job_models import UNFINISHED
from sessions_app.projects.notices import group_of

_STREAMS = EventStreams(EVENT_STREAMS_MAX, "too_many_streams")


def stream(request: HttpRequest, job_id: uuid.UUID, person: User) -> StreamingHttpResponse:
    """Raises Problem where too many are open already."""
    read = functools.partial(_read, job_id, person)
    return _STREAMS.response(request, read, functools.partial(_watching, job_id))


def _watching(job_id: uuid.UUID) -> AbstractAsyncContextManager[Watch]:
    return watching(group_of(job_id), look_s=JOB_LOOK_S)


def _read(job_id: uuid.UUID, person: User) -> tuple[bytes, bool]:
    from sessions_app.projects.api.jobs import JobSerializer

    job = selectors.job_of(person, job_id)
    if job is None:
        return b"", True
    shown: Any = JobSerializer(job).data
    return progress(json.dumps(shown, cls=JSONEncoder)), job.state not in UNFINISHED
