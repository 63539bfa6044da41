"""What pages of ours, and frames in them, may ask of the browser."""

from __future__ import annotations

from collections.abc import Callable

from django.http import HttpRequest, HttpResponse

# The live page listens to a microphone or to another tab; nothing else is ever asked for.
_MAY = ("microphone", "display-capture", "autoplay", "fullscreen", "clipboard-write")
_MAY_NOT = (
    "accelerometer camera geolocation gyroscope hid magnetometer midi payment "
    "publickey-credentials-get screen-wake-lock serial usb xr-spatial-tracking"
).split()
PERMISSIONS_POLICY = ", ".join(
    [*(f"{name}=(self)" for name in _MAY), *(f"{name}=()" for name in _MAY_NOT)]
)


def browser_policy(
    get_response: Callable[[HttpRequest], HttpResponse],
) -> Callable[[HttpRequest], HttpResponse]:
    """Middleware: adds ``Permissions-Policy`` to documents, of which alone a browser reads it.

    On each of the forty files that a page loads it would be a tenth of what is sent.
    """

    def middleware(request: HttpRequest) -> HttpResponse:
        response = get_response(request)
        if response.headers.get("Content-Type", "").startswith("text/html"):
            response.headers.setdefault("Permissions-Policy", PERMISSIONS_POLICY)
        return response

    return middleware
