"""Files of sound that a browser may play from any place, as RFC 9110 has it."""

from __future__ import annotations

import re
from pathlib import Path

from django.http import HttpRequest, HttpResponse

_RANGE = re.compile(r"bytes=(\d*)-(\d*)")


def sound_response(request: HttpRequest, file: Path, content_type: str) -> HttpResponse:
    """The file, or the one range of it that is asked for; it is small enough to be read."""
    headers = {"Accept-Ranges": "bytes", "Cache-Control": "private, max-age=3600"}
    asked = _RANGE.fullmatch(request.headers.get("Range", ""))
    if asked is None or asked[1] == asked[2] == "":
        return HttpResponse(file.read_bytes(), content_type=content_type, headers=headers)
    size = file.stat().st_size
    if asked[1]:
        first, last = int(asked[1]), min(int(asked[2] or size - 1), size - 1)
    else:
        first, last = max(0, size - int(asked[2])), size - 1
    if first > last:
        return HttpResponse(status=416, headers={"Content-Range": f"bytes */{size}"})
    with file.open("rb") as opened:
        opened.seek(first)
        part = opened.read(last - first + 1)
    headers["Content-Range"] = f"bytes {first}-{last}/{size}"
    return HttpResponse(part, status=206, content_type=content_type, headers=headers)
