"""``Idempotency-Key``: a creation that is asked for twice happens once.

After draft-ietf-httpapi-idempotency-key-header. A key counts for its user and a day. The same
request again gets the answer of the first, with ``Idempotency-Replayed: true``; another request
under the key, and one whose first is still under way, get 409. What failed is not kept: nothing
was made, so that it may be tried again under the same key.
"""

from __future__ import annotations

import functools
import hashlib
import json
import re
import uuid
from collections.abc import Callable
from datetime import timedelta
from typing import Any, TypeVar

from django.core.files.uploadedfile import UploadedFile
from django.db import transaction
from django.utils import timezone
from rest_framework.renderers import JSONRenderer
from rest_framework.request import Request
from rest_framework.response import Response
from rest_framework.utils.encoders import JSONEncoder

from accounts.models import IdempotentRequest, User
from accounts.rest.problems import Problem
from accounts.sealing import SealBrokenError, seal, unseal
from pipeline.bounds import (
    IDEMPOTENT_ANSWER_CHARS,
    IDEMPOTENT_KEPT_S,
    IDEMPOTENT_MAX,
    IDEMPOTENT_RUN_S,
)

HEADER = "Idempotency-Key"
_FORM = re.compile(r"[\x21-\x7e]{1,255}")
_KEPT_HEADERS = ("Location", "ETag", "Cache-Control")

View = TypeVar("View")
Post = Callable[..., Response]


def idempotent(post: Post) -> Post:
    """For the method of a view that creates something; it and the keeping are one transaction."""

    @functools.wraps(post)
    def answered(view: Any, request: Request, *args: Any, **kwargs: Any) -> Response:
        key = _key(request)
        if key is None:
            return post(view, request, *args, **kwargs)
        mine, kept = _begin(request, key)
        if kept is not None:
            return kept
        try:
            with transaction.atomic():
                response = post(view, request, *args, **kwargs)
                _keep(mine, key, response)
        except BaseException:
            _undone(mine)
            raise
        if response.status_code >= 400:
            _undone(mine)
        return response

    answered.idempotent = True  # type: ignore[attr-defined]  # told in the document
    return answered


def forget_old_answers() -> int:
    """Delete what is too old, and what a person has beyond the bound; returns how many."""
    limit = timezone.now() - timedelta(seconds=IDEMPOTENT_KEPT_S)
    count = IdempotentRequest.objects.filter(started_at__lt=limit).delete()[0]
    for user in IdempotentRequest.objects.values_list("user", flat=True).distinct():
        rows = IdempotentRequest.objects.filter(user=user).order_by("-started_at")
        oldest = rows.values_list("started_at", flat=True)[IDEMPOTENT_MAX : IDEMPOTENT_MAX + 1]
        for started_at in oldest:
            count += rows.filter(started_at__lte=started_at).delete()[0]
    return count


def _key(request: Request) -> str | None:
    text = request.headers.get(HEADER)
    if text is None:
        return None
    # The draft writes a quoted string; most clients send the bare characters.
    text = text.strip()
    key = text[1:-1] if len(text) > 1 and text[0] == text[-1] == '"' else text
    if not _FORM.fullmatch(key):
        raise Problem("idempotency_key_invalid")
    return key


def _begin(request: Request, key: str) -> tuple[IdempotentRequest, Response | None]:
    """This request's own row; and the answer, when it was given before. Raises Problem."""
    user: User = request.user  # type: ignore[assignment]  # views let nobody else in
    now = timezone.now()
    mine = IdempotentRequest(
        user=user,
        key_digest=_sha256(f"{user.pk}:{key}".encode()),
        request_digest=_digest(request),
        started_at=now,
        attempt=uuid.uuid4(),
    )
    rows = IdempotentRequest.objects.filter(user=user, key_digest=mine.key_digest)
    rows.filter(started_at__lt=now - timedelta(seconds=IDEMPOTENT_KEPT_S)).delete()
    IdempotentRequest.objects.bulk_create([mine], ignore_conflicts=True)
    found = rows.first()
    if found is None:
        # The one that was under way failed between the two statements.
        raise _under_way(1)
    if found.attempt == mine.attempt:
        return found, None
    if found.request_digest != mine.request_digest:
        raise Problem("idempotency_key_reused")
    if found.status is not None:
        return found, _kept(found, key)
    lasts = timedelta(seconds=IDEMPOTENT_RUN_S)
    if found.started_at > now - lasts:
        raise _under_way(max(1, round((found.started_at + lasts - now).total_seconds())))
    stale = rows.filter(attempt=found.attempt, status=None)
    if not stale.update(attempt=mine.attempt, started_at=now):
        raise _under_way(1)
    found.attempt = mine.attempt
    return found, None


def _under_way(wait_s: int) -> Problem:
    return Problem("idempotency_in_progress", headers={"Retry-After": str(min(wait_s, 5))})


def _keep(mine: IdempotentRequest, key: str, response: Response) -> None:
    if response.status_code >= 400:
        return
    headers = {name: response[name] for name in _KEPT_HEADERS if name in response.headers}
    body = JSONRenderer().render(response.data).decode() if response.data is not None else ""
    answer = json.dumps({"body": body, "headers": headers})
    if len(answer) > IDEMPOTENT_ANSWER_CHARS:
        raise ValueError("an answer to a creation is longer than is kept")
    sealed = seal(answer, purpose=_purpose(mine, key))
    done = IdempotentRequest.objects.filter(pk=mine.pk, attempt=mine.attempt, status=None).update(
        status=response.status_code, sealed_answer=sealed
    )
    if not done:
        # It took longer than a process is given: another request does it, and this is undone.
        raise _under_way(1)


def _kept(found: IdempotentRequest, key: str) -> Response:
    try:
        answer = json.loads(unseal(found.sealed_answer, purpose=_purpose(found, key)))
    except SealBrokenError:
        raise Problem(
            "conflict",
            "This request was done, but its answer can no longer be read, because the server's "
            "own key changed: look whether what it made is there.",
        ) from None
    headers = {**answer["headers"], "Idempotency-Replayed": "true"}
    data = json.loads(answer["body"]) if answer["body"] else None
    return Response(data, status=found.status, headers=headers)


def _undone(mine: IdempotentRequest) -> None:
    IdempotentRequest.objects.filter(pk=mine.pk, attempt=mine.attempt, status=None).delete()


def _purpose(row: IdempotentRequest, key: str) -> str:
    return f"idempotent answer:{row.user_id}:{key}"


def _digest(request: Request) -> str:
    """Of what is asked: the same body in another order of its members is the same."""
    data = request.data
    if hasattr(data, "lists"):
        body: Any = {name: [_field(one) for one in given] for name, given in data.lists()}
    else:
        body = data
    asked = [request.method, request.path, request.query_params.urlencode(), body]
    text = json.dumps(asked, cls=JSONEncoder, sort_keys=True, ensure_ascii=True)
    return _sha256(text.encode())


def _field(value: Any) -> Any:
    if not isinstance(value, UploadedFile):
        return value
    digest = hashlib.sha256()
    for chunk in value.chunks():
        digest.update(chunk)
    value.seek(0)
    return [value.name, digest.hexdigest()]


def _sha256(data: bytes) -> str:
    return hashlib.sha256(data).hexdigest()
