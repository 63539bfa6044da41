"""Pages about the socket: public, for there is nothing secret in how to talk to us."""

from __future__ import annotations

from django.http import HttpRequest, HttpResponse, JsonResponse
from django.shortcuts import render
from django.views.decorators.http import require_safe

from sessions_app import asyncapi
from sessions_app.protocol_page import protocol


@require_safe
def protocol_page(request: HttpRequest) -> HttpResponse:
    return render(request, "protocol.html", protocol())


@require_safe
def protocol_document(request: HttpRequest) -> HttpResponse:  # noqa: ARG001 - Django passes it
    response = JsonResponse(
        asyncapi.document(), json_dumps_params={"indent": 2, "ensure_ascii": False}
    )
    # Tools in a browser, such as AsyncAPI's own studio, read it from other origins.
    response["Access-Control-Allow-Origin"] = "*"
    return response
