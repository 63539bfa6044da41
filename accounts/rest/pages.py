"""Lists come page by page, by a cursor: nothing is left out or comes twice when rows are added.

``limit`` is the size of a page; ``next`` and ``previous`` are whole addresses, also in the
``Link`` header. A view says in ``ordering`` how its rows are sorted, by something unique last.
"""

from __future__ import annotations

from typing import Any

from django.core.exceptions import ValidationError
from django.db import DataError
from django.db.models import QuerySet
from rest_framework.exceptions import NotFound
from rest_framework.exceptions import ValidationError as InvalidError
from rest_framework.pagination import CursorPagination
from rest_framework.request import Request
from rest_framework.response import Response

from accounts.rest.problems import Problem
from pipeline.bounds import PAGE_MAX, PAGE_USUAL


class Pages(CursorPagination):
    page_size: int = PAGE_USUAL
    page_size_query_param = "limit"
    page_size_query_description = f"Rows of a page, 1 to {PAGE_MAX}."
    max_page_size: int = PAGE_MAX
    cursor_query_description = "Which page; from `next` or `previous` of another one."

    def get_page_size(self, request: Request) -> int:
        text = request.query_params.get("limit", "")
        if not text:
            return self.page_size
        most = self.max_page_size
        if not text.isascii() or not text.isdecimal() or not 1 <= int(text[:9]) <= most:
            raise InvalidError({"limit": [f"A page has 1 to {most} rows."]})
        return int(text)

    def get_ordering(
        self,
        request: Request,  # noqa: ARG002 - the framework's signature
        queryset: QuerySet[Any],  # noqa: ARG002 - the framework's signature
        view: Any,
    ) -> tuple[str, ...]:
        return tuple(view.ordering)

    def paginate_queryset(
        self, queryset: Any, request: Request, view: Any = None
    ) -> list[Any] | None:
        try:
            return super().paginate_queryset(queryset, request, view)
        except (NotFound, ValidationError, ValueError, TypeError, OverflowError, DataError):
            # A cursor that somebody made up holds whatever they wrote into it.
            raise Problem("cursor_invalid") from None

    def get_paginated_response(self, data: Any) -> Response:
        response = super().get_paginated_response(data)
        ways = (("next", self.get_next_link()), ("prev", self.get_previous_link()))
        if links := [f'<{link}>; rel="{rel}"' for rel, link in ways if link]:
            response["Link"] = ", ".join(links)
        return response
