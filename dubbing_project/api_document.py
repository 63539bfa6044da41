"""``/api/openapi.json``: every address below ``/api/`` as an OpenAPI 3.1 document."""

from __future__ import annotations

import functools
from typing import Any

from drf_spectacular.generators import SchemaGenerator
from drf_spectacular.utils import extend_schema
from rest_framework import serializers
from rest_framework.permissions import AllowAny
from rest_framework.request import Request
from rest_framework.response import Response

from accounts.rest.views import Api


@functools.lru_cache(maxsize=1)
def document() -> dict[str, Any]:
    """Made of the views once in a process."""
    made: dict[str, Any] = SchemaGenerator().get_schema(request=None, public=True)  # type: ignore[no-untyped-call]
    return made


class OpenApiView(Api):
    tag = "about"
    authentication_classes = ()
    permission_classes = (AllowAny,)
    pagination_class = None

    @extend_schema(operation_id="read_openapi", responses=serializers.DictField())
    def get(self, request: Request) -> Response:  # noqa: ARG002 - the framework's signature
        """This document."""
        return Response(
            document(),
            headers={"Access-Control-Allow-Origin": "*", "Cache-Control": "public, max-age=300"},
        )
