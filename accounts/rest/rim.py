"""What surrounds the interface: other origins are let in, and every error is a problem.

Pages and extensions of ``ALLOWED_ORIGINS`` may read the interface as they may open sockets:
one rule for both. They bring a token; cookies are never taken from other origins. Errors that
are made outside our views, by Django itself, get the form of the others.
"""

from __future__ import annotations

import json
from collections.abc import Awaitable, Callable
from typing import cast

from asgiref.sync import iscoroutinefunction
from django.conf import settings
from django.http import HttpRequest, HttpResponse
from django.http.response import HttpResponseBase
from django.utils.cache import patch_vary_headers
from django.utils.decorators import sync_and_async_middleware

from accounts.rest.problem_codes import EXPLAINED, of_status
from accounts.rest.problems import MEDIA_TYPE, members
from accounts.socket_authentication import origin_matches

ROOT = "/api/"
PREFLIGHT_S = 600
METHODS = "GET, HEAD, POST, PUT, PATCH, DELETE, OPTIONS"
HEADERS = (
    "Accept, Authorization, Content-Type, Idempotency-Key, If-Match, If-None-Match, X-Request-Id"
)
EXPOSED = (
    "ETag, Link, Location, RateLimit, RateLimit-Policy, Retry-After, X-Request-Id, "
    "Content-Disposition"
)

Answer = Callable[[HttpRequest], HttpResponseBase]
AsyncAnswer = Callable[[HttpRequest], Awaitable[HttpResponseBase]]


@sync_and_async_middleware
def api_rim(get_response: Answer | AsyncAnswer) -> Answer | AsyncAnswer:
    if iscoroutinefunction(get_response):
        answer_async = cast(AsyncAnswer, get_response)

        async def answered_async(request: HttpRequest) -> HttpResponseBase:
            if not request.path.startswith(ROOT):
                return await answer_async(request)
            early = _preflight(request)
            return _finished(request, early or await answer_async(request))

        return answered_async
    answer = cast(Answer, get_response)

    def answered(request: HttpRequest) -> HttpResponseBase:
        if not request.path.startswith(ROOT):
            return answer(request)
        return _finished(request, _preflight(request) or answer(request))

    return answered


def _preflight(request: HttpRequest) -> HttpResponse | None:
    """The answer to a browser that asks whether it may ask."""
    if request.method != "OPTIONS" or "Access-Control-Request-Method" not in request.headers:
        return None
    return HttpResponse(status=204)


def _finished(request: HttpRequest, response: HttpResponseBase) -> HttpResponseBase:
    if response.status_code >= 400 and not _has_form(response):
        response = _as_problem(request, response)
    patch_vary_headers(response, ("Origin",))
    origin = request.headers.get("Origin", "")
    if origin and origin_matches(origin, settings.ALLOWED_ORIGINS):
        response["Access-Control-Allow-Origin"] = origin
        response["Access-Control-Expose-Headers"] = EXPOSED
        if request.method == "OPTIONS":
            response["Access-Control-Allow-Methods"] = METHODS
            response["Access-Control-Allow-Headers"] = HEADERS
            response["Access-Control-Max-Age"] = str(PREFLIGHT_S)
    return response


def _has_form(response: HttpResponseBase) -> bool:
    return "json" in response.get("Content-Type", "") or response.get(
        "Content-Type", ""
    ).startswith("text/plain")


def _as_problem(request: HttpRequest, response: HttpResponseBase) -> HttpResponse:
    code = of_status(response.status_code)
    body = members(code, EXPLAINED[code].remedy, request, status=response.status_code)
    told = HttpResponse(json.dumps(body), status=response.status_code, content_type=MEDIA_TYPE)
    for name in ("Allow", "Retry-After", "WWW-Authenticate", "Connection"):
        if name in response.headers:
            told[name] = response[name]
    return told
