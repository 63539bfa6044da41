"""Stored files over HTTP: whole or in ranges, so that players can seek (RFC 9110, 14)."""

from __future__ import annotations

import re
from collections.abc import AsyncIterator, Iterator
from typing import IO, Any

from asgiref.sync import sync_to_async
from django.conf import settings
from django.core.files.storage import default_storage
from django.core.handlers.asgi import ASGIRequest
from django.http import HttpRequest, HttpResponse, HttpResponseRedirect, StreamingHttpResponse
from django.http.response import HttpResponseBase

from pipeline.bounds import SAMPLE_PIECE_BYTES

_RANGE = re.compile(r"bytes=(\d{0,18})-(\d{0,18})\Z")


def stored_response(
    request: HttpRequest, name: str, *, media_type: str, download_as: str = ""
) -> HttpResponseBase:
    """The file of that name in the storage; from a bucket by a short-lived address there.

    Raises FileNotFoundError. That the client may have it, the caller has made sure of.
    """
    if settings.STORAGE == "s3":
        parameters = {"ResponseContentType": media_type}
        if download_as:
            parameters["ResponseContentDisposition"] = f'attachment; filename="{download_as}"'
        return HttpResponseRedirect(default_storage.url(name, parameters=parameters))  # type: ignore[call-arg]  # django-storages' own
    size = default_storage.size(name)
    tag = f'"{name.rpartition("/")[2]}"'
    span = _span(request, size, tag)
    if span is None:
        return HttpResponse(
            "The file has no such range.",
            status=416,
            content_type="text/plain",
            headers={"Content-Range": f"bytes */{size}"},
        )
    begin, end, partial = span
    response: HttpResponseBase
    if request.method == "HEAD":
        response = HttpResponse()
    else:
        file = default_storage.open(name, "rb")
        file.seek(begin)
        pieces = _pieces(file, end - begin)
        asgi = isinstance(request, ASGIRequest)
        response = StreamingHttpResponse(_off_the_loop(pieces) if asgi else pieces)
        response._resource_closers.append(file.close)  # type: ignore[attr-defined]
    if partial:
        response.status_code = 206
        response["Content-Range"] = f"bytes {begin}-{end - 1}/{size}"
    response["Content-Type"], response["Content-Length"] = media_type, str(end - begin)
    response["Accept-Ranges"], response["ETag"] = "bytes", tag
    response["Cache-Control"] = "private, no-store"
    # Shown or played where it is asked for, never as a page of ours.
    response["Content-Security-Policy"] = "default-src 'none'; sandbox"
    if download_as:
        response["Content-Disposition"] = f'attachment; filename="{download_as}"'
    return response


def _span(request: HttpRequest, size: int, tag: str) -> tuple[int, int, bool] | None:
    """(first byte, end, whether a range was asked for); None for one that the file lacks."""
    given = _RANGE.match(request.headers.get("Range", "").replace(" ", ""))
    if given is None or request.headers.get("If-Range", tag) != tag:
        return 0, size, False
    first, last = given.groups()
    if not first and not last:
        return 0, size, False
    if not first:
        begin, end = max(0, size - int(last)), size
    else:
        begin, end = int(first), min(size, int(last) + 1) if last else size
        if last and int(last) < begin:
            return 0, size, False
    return (begin, end, True) if begin < end else None


def _pieces(file: IO[Any] | Any, left: int) -> Iterator[bytes]:
    while left > 0 and (piece := file.read(min(left, SAMPLE_PIECE_BYTES))):
        left -= len(piece)
        yield piece


async def _off_the_loop(pieces: Iterator[bytes]) -> AsyncIterator[bytes]:
    """The server's loop serves live audio too; a disk is not read on it."""
    following = sync_to_async(lambda: next(pieces, None), thread_sensitive=False)
    while (piece := await following()) is not None:
        yield piece
