"""The base of every view below ``/api/``."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any, ClassVar, cast

from django.http import HttpRequest
from rest_framework.authentication import BaseAuthentication
from rest_framework.generics import GenericAPIView
from rest_framework.permissions import BasePermission, IsAuthenticated
from rest_framework.request import Request
from rest_framework.response import Response
from rest_framework.serializers import BaseSerializer
from rest_framework.throttling import BaseThrottle

from accounts.authentication import REST_AUTHENTICATION
from accounts.models import User
from accounts.rest.pages import Pages
from accounts.rest.rates import RateLimit, RateStanding
from accounts.rest.scopes import HasScope


class Api(GenericAPIView[Any]):
    """A view for people and tokens.

    ``scopes``: method → scope, see ``accounts.rest.scopes``. ``rate``: a name in
    ``API_RATES``, when it is another than that of who is asking. ``ordering``: of a list.
    """

    authentication_classes: Sequence[type[BaseAuthentication]] = REST_AUTHENTICATION
    permission_classes: Sequence[type[BasePermission]] = (IsAuthenticated, HasScope)
    throttle_classes: Sequence[type[BaseThrottle]] = (RateLimit,)
    pagination_class: type[Pages] | None = Pages
    serializer_class: type[BaseSerializer[Any]] | None = None
    tag: ClassVar[str] = ""
    """Under which heading the document lists it."""
    scopes: ClassVar[dict[str, str]] = {}
    rate: ClassVar[str] = ""
    ordering: ClassVar[tuple[str, ...]] = ("-pk",)

    @property
    def person(self) -> User:
        return cast(User, self.request.user)

    def valid(self, request: Request, **options: Any) -> dict[str, Any]:
        """The body as the view's serializer takes it. Raises ValidationError."""
        given = self.get_serializer(data=request.data, **options)
        given.is_valid(raise_exception=True)
        return cast(dict[str, Any], given.validated_data)

    def page_of(self, rows: Any, serializer: type[Any] | None = None) -> Response:
        """One page of the rows, each as the view's serializer shows it."""
        page = self.paginate_queryset(rows)
        shown = (
            serializer(page, many=True, context=self.get_serializer_context())
            if serializer
            else self.get_serializer(page, many=True)
        )
        return self.get_paginated_response(shown.data)

    def finalize_response(
        self, request: Request, response: Any, *args: Any, **kwargs: Any
    ) -> Response:
        response = super().finalize_response(request, response, *args, **kwargs)
        standing = getattr(_underlying(request), "rate_standing", None)
        if isinstance(standing, RateStanding):
            for name, value in standing.headers().items():
                response.headers[name] = value
        response.headers.setdefault("Cache-Control", "private, no-cache")
        return cast(Response, response)


def _underlying(request: Request | HttpRequest) -> HttpRequest:
    return getattr(request, "_request", request)
