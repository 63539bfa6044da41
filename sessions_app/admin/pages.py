"""What these admin pages share."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from django.contrib import admin
from django.core.paginator import Paginator
from django.http import HttpRequest
from django.utils.functional import cached_property

from pipeline.bounds import ADMIN_ROWS_MAX

if TYPE_CHECKING:
    BoundedBase = Paginator[Any]
    Page = admin.ModelAdmin[Any]
else:
    BoundedBase, Page = Paginator, admin.ModelAdmin


class Kept:
    """Not deleted here, nor with what it belongs to."""

    def has_delete_permission(self, request: HttpRequest, obj: Any = None) -> bool:  # noqa: ARG002 - the framework's signature
        return False


class BoundedPaginator(BoundedBase):
    """Counts to ADMIN_ROWS_MAX: a table of millions is not counted for one page of it."""

    @cached_property
    def count(self) -> int:
        rows: Any = self.object_list
        return int(rows[:ADMIN_ROWS_MAX].count())


class Large(Page):
    """A page of a table that may be very large."""

    paginator = BoundedPaginator
    list_per_page = 50
    show_full_result_count = False
