"""Pages and their style sheets and scripts go over the wire compressed.

The REST API is left alone: compressing would weaken its ETags, which edits compare.
"""

from __future__ import annotations

from collections.abc import Callable

from django.http import HttpRequest, HttpResponseBase
from django.middleware.gzip import GZipMiddleware

_COMPRESSIBLE = ("text/", "application/json", "image/svg+xml", "application/manifest+json")


def compression(
    get_response: Callable[[HttpRequest], HttpResponseBase],
) -> Callable[[HttpRequest], HttpResponseBase]:
    """Middleware around Django's own, which also pads pages against guessing of secrets by
    their compressed length."""
    gzip = GZipMiddleware(get_response)

    def middleware(request: HttpRequest) -> HttpResponseBase:
        response = get_response(request)
        kind = response.headers.get("Content-Type", "")
        if request.path.startswith("/api/") or not kind.startswith(_COMPRESSIBLE):
            return response
        return gzip.process_response(request, response)

    return middleware
