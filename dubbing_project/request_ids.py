"""Every HTTP request has an id, which is answered and stands in each of its log lines."""

from __future__ import annotations

import re
import secrets
from collections.abc import Awaitable, Callable
from typing import cast

from asgiref.sync import iscoroutinefunction
from django.http import HttpRequest
from django.http.response import HttpResponseBase
from django.utils.decorators import sync_and_async_middleware

from pipeline.runtime import log_context

HEADER = "X-Request-Id"
_FORM = re.compile(r"[A-Za-z0-9_.:-]{1,64}")

Answer = Callable[[HttpRequest], HttpResponseBase]
AsyncAnswer = Callable[[HttpRequest], Awaitable[HttpResponseBase]]


def request_id_of(request: HttpRequest) -> str:
    """The id that a proxy gave, when it is well formed; else a new one."""
    given = request.headers.get(HEADER, "")
    return given if _FORM.fullmatch(given) else secrets.token_hex(8)


@sync_and_async_middleware
def request_ids(get_response: Answer | AsyncAnswer) -> Answer | AsyncAnswer:
    """Outermost, so that the lines of every other middleware carry the id too."""
    if iscoroutinefunction(get_response):
        answer_async = cast(AsyncAnswer, get_response)

        async def answered_async(request: HttpRequest) -> HttpResponseBase:
            request_id = request.request_id = request_id_of(request)  # type: ignore[attr-defined]
            with log_context.bind(request=request_id):
                response = await answer_async(request)
            response.headers[HEADER] = request_id
            return response

        return answered_async
    answer = cast(Answer, get_response)

    def answered(request: HttpRequest) -> HttpResponseBase:
        request_id = request.request_id = request_id_of(request)  # type: ignore[attr-defined]
        with log_context.bind(request=request_id):
            response = answer(request)
        response.headers[HEADER] = request_id
        return response

    return answered
