"""What these admin pages share."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from django import forms
from django.contrib import admin, messages
from django.db.models import Model, QuerySet
from django.http import Http404, HttpRequest
from django.http.response import HttpResponseBase
from django.urls import reverse
from django.utils.html import format_html
from django.utils.safestring import SafeString

from accounts.admin_pages import Unchanging as Unchanging
from voices.playback import stored_response

if TYPE_CHECKING:
    Page = admin.ModelAdmin[Any]
    Inline = admin.TabularInline[Any, Any]
    Form = forms.ModelForm[Any]
else:
    Page, Inline, Form = admin.ModelAdmin, admin.TabularInline, forms.ModelForm


STYLE: dict[str, tuple[str, ...]] = {"all": ("voices/admin.css",)}


class WhoseFilter(admin.SimpleListFilter):
    title = "whose"
    parameter_name = "whose"

    def lookups(self, request: HttpRequest, model_admin: Any) -> list[tuple[str, str]]:  # noqa: ARG002 - the framework's signature
        return [
            ("catalogue", "the catalogue's"),
            ("people", "people's own"),
            ("teams", "shared in a team"),
        ]

    def queryset(self, request: HttpRequest, queryset: QuerySet[Any]) -> QuerySet[Any]:  # noqa: ARG002 - the framework's signature
        match self.value():
            case "catalogue":
                return queryset.filter(owner=None)
            case "people":
                return queryset.filter(owner__isnull=False, team=None)
            case "teams":
                return queryset.filter(team__isnull=False)
        return queryset


def link(row: Any, text: str = "") -> SafeString | str:
    """To a row's own page."""
    if row is None:
        return "–"
    meta = type(row)._meta
    address = reverse(f"admin:{meta.app_label}_{meta.model_name}_change", args=[row.pk])
    return format_html('<a href="{}">{}</a>', address, text or str(row))


def file_of(
    page: Any, request: HttpRequest, pk: Any, *, field: str, media_type: str, download_as: str = ""
) -> HttpResponseBase:
    """A row's file for staff who may see the row. Raises Http404 otherwise."""
    row: Model | None = page.get_queryset(request).filter(pk=pk).first()
    name = getattr(row, field).name if row is not None else ""
    if not name or not page.has_view_permission(request, row):
        raise Http404
    return stored_response(request, name, media_type=media_type, download_as=download_as)


def told(page: Any, request: HttpRequest, error: Exception) -> None:
    page.message_user(request, str(error), messages.ERROR)
