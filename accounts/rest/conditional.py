"""ETags: read again only what has changed, and edit only what one has seen (RFC 9110).

A tag has two halves, of what can be edited and of everything that is shown: a session that
is being dubbed changes all the time, and may be renamed meanwhile. ``If-None-Match`` compares
both halves, ``If-Match`` the first.
"""

from __future__ import annotations

import hashlib
import json
import re
from collections.abc import Iterable, Mapping
from typing import Any

from rest_framework import status
from rest_framework.request import Request
from rest_framework.response import Response
from rest_framework.utils.encoders import JSONEncoder

from accounts.rest.problems import Problem

_TAG = re.compile(r'(?:W/)?"([^"]*)"')


def etag(shown: Mapping[str, Any], editable: Iterable[str]) -> str:
    """The tag of a representation, of which ``editable`` names what edits may change."""
    edited = {name: shown.get(name) for name in editable}
    return f'"{_digest(edited)}.{_digest(dict(shown))}"'


def tagged(
    request: Request, shown: Mapping[str, Any], editable: Iterable[str], **response: Any
) -> Response:
    """The answer with its ETag; 304 without a body when the client has it already."""
    tag = etag(shown, editable)
    known = _TAG.findall(request.headers.get("If-None-Match", ""))
    if request.method in {"GET", "HEAD"} and tag.strip('"') in known:
        return Response(status=status.HTTP_304_NOT_MODIFIED, headers={"ETag": tag})
    headers = {"ETag": tag, **response.pop("headers", {})}
    return Response(shown, headers=headers, **response)


def check_match(
    request: Request, shown: Mapping[str, Any], editable: Iterable[str], *, required: bool = True
) -> None:
    """Refuse an edit of something other than what the client has seen.

    Call it in the edit's transaction, with the row locked. Raises Problem
    ``if_match_required`` and ``changed_meanwhile``.
    """
    given = request.headers.get("If-Match", "").strip()
    if not given:
        if required:
            raise Problem("if_match_required")
        return
    if given == "*":
        return
    now = etag(shown, editable).strip('"').partition(".")[0]
    if now not in {tag.partition(".")[0] for tag in _TAG.findall(given)}:
        raise Problem("changed_meanwhile")


def _digest(value: Any) -> str:
    text = json.dumps(value, cls=JSONEncoder, sort_keys=True, ensure_ascii=False)
    return hashlib.sha256(text.encode("utf-8", "surrogatepass")).hexdigest()[:24]
