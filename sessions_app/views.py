"""Pages about the socket: public, for there is nothing secret in how to talk to us."""

from __future__ import annotations

from django.http import HttpRequest, HttpResponse
from django.shortcuts import render
from django.views.decorators.http import require_safe
from drf_spectacular.types import OpenApiTypes
from drf_spectacular.utils import extend_schema
from rest_framework.permissions import AllowAny
from rest_framework.request import Request
from rest_framework.response import Response

from accounts.rest.views import Api
from sessions_app.protocol import asyncapi
from sessions_app.protocol.page import protocol


@require_safe
def protocol_page(request: HttpRequest) -> HttpResponse:
    return render(request, "protocol.html", protocol())


class ProtocolDocument(Api):
    tag = "about"
    authentication_classes = ()
    permission_classes = (AllowAny,)
    pagination_class = None

    @extend_schema(operation_id="read_asyncapi", responses=OpenApiTypes.OBJECT)
    def get(self, request: Request) -> Response:  # noqa: ARG002 - the framework's signature
        """What goes over the sockets, as an AsyncAPI 3.0 document."""
        # Tools in a browser, such as AsyncAPI's own studio, read it from other origins.
        return Response(asyncapi.document(), headers={"Access-Control-Allow-Origin": "*"})
