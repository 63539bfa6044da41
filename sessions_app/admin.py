"""Sessions, lines and use in the admin pages: to look at, not to change."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from django.contrib import admin
from django.http import HttpRequest

from sessions_app.glossaries.models import Glossary, Term
from sessions_app.models import DubbingSession, EngineUse, Line

if TYPE_CHECKING:
    GlossaryAdminBase = admin.ModelAdmin[Glossary]
    TermAdminBase = admin.ModelAdmin[Term]
    SessionAdminBase = admin.ModelAdmin[DubbingSession]
    LineAdminBase = admin.ModelAdmin[Line]
    UseAdminBase = admin.ModelAdmin[EngineUse]
else:
    GlossaryAdminBase = TermAdminBase = admin.ModelAdmin
    SessionAdminBase = LineAdminBase = UseAdminBase = admin.ModelAdmin


class ReadOnly:
    def has_add_permission(self, request: HttpRequest) -> bool:  # noqa: ARG002 - the framework's signature
        return False

    def has_change_permission(self, request: HttpRequest, obj: Any = None) -> bool:  # noqa: ARG002 - the framework's signature
        return False


@admin.register(DubbingSession)
class DubbingSessionAdmin(ReadOnly, SessionAdminBase):
    list_display = (
        "id",
        "owner",
        "state",
        "source_language",
        "target_language",
        "media_s",
        "created_at",
    )
    list_filter = ("state", "target_language")
    list_select_related = ("owner",)
    search_fields = ("id", "owner__email")
    date_hierarchy = "created_at"


@admin.register(Line)
class LineAdmin(ReadOnly, LineAdminBase):
    list_display = ("session", "sequence", "speaker", "start_s", "engine", "skipped_reason")
    list_filter = ("engine", "skipped_reason")
    raw_id_fields = ("session",)
    search_fields = ("session__id",)

    def has_delete_permission(self, request: HttpRequest, obj: Any = None) -> bool:  # noqa: ARG002 - the framework's signature
        return False


@admin.register(EngineUse)
class EngineUseAdmin(ReadOnly, UseAdminBase):
    list_display = ("day", "user", "engine", "leg", "amount", "unit", "requests", "session")
    list_filter = ("engine", "leg")
    list_select_related = ("user",)
    raw_id_fields = ("session", "user")
    search_fields = ("session__id", "user__email")
    date_hierarchy = "day"

    def has_delete_permission(self, request: HttpRequest, obj: Any = None) -> bool:  # noqa: ARG002 - the framework's signature
        return False


@admin.register(Glossary)
class GlossaryAdmin(GlossaryAdminBase):
    """One without an owner is part of the catalogue: it counts in everybody's sessions."""

    list_display = ("name", "owner", "team", "source_language", "target_language", "enabled")
    list_filter = ("enabled", "target_language")
    list_select_related = ("owner", "team")
    search_fields = ("name", "owner__email", "team__name")
    raw_id_fields = ("owner", "team")


@admin.register(Term)
class TermAdmin(TermAdminBase):
    list_display = ("source", "target", "glossary")
    list_select_related = ("glossary",)
    search_fields = ("source", "target", "glossary__name")
    raw_id_fields = ("glossary",)
