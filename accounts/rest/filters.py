"""Filters of lists, by django-filter; an unknown one is refused, for it would filter nothing."""

from __future__ import annotations

from typing import Any

import django_filters
from django.db.models import QuerySet
from django_filters.rest_framework import DjangoFilterBackend
from rest_framework.exceptions import ValidationError
from rest_framework.request import Request

from accounts.rest.fields import choose_one_of

OF_PAGES = frozenset({"limit", "cursor"})


class FilterSet(django_filters.FilterSet):  # type: ignore[misc]  # the library is untyped
    """The base of each list's filters; who gives a wrong choice is told which there are."""

    @classmethod
    def get_filters(cls) -> dict[str, django_filters.Filter]:
        found: dict[str, django_filters.Filter] = super().get_filters()
        for one in found.values():
            if choices := one.extra.get("choices"):
                told = {"invalid_choice": choose_one_of(value for value, _ in choices)}
                one.extra.setdefault("error_messages", told)
        return found


class Filters(DjangoFilterBackend):  # type: ignore[misc]  # the library is untyped
    def filter_queryset(
        self, request: Request, queryset: QuerySet[Any], view: Any
    ) -> QuerySet[Any]:
        known = set(self.get_filterset_class(view, queryset).base_filters)
        if unknown := set(request.query_params) - known - OF_PAGES:
            name = sorted(unknown)[0]
            raise ValidationError(
                {name[:100]: f"There is no such filter; there are: {', '.join(sorted(known))}."}
            )
        found: QuerySet[Any] = super().filter_queryset(request, queryset, view)
        return found
