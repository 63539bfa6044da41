"""Sessions, lines and use in the admin pages: to look at, not to change."""

from __future__ import annotations

from typing import TYPE_CHECKING

from django.contrib import admin

from accounts.admin_pages import Unchanging
from sessions_app.admin.pages import Kept, Large
from sessions_app.glossaries.models import Glossary, Term
from sessions_app.models import DubbingSession, EngineUse, Line

if TYPE_CHECKING:
    GlossaryAdminBase = admin.ModelAdmin[Glossary]
    TermAdminBase = admin.ModelAdmin[Term]
    SessionAdminBase = admin.ModelAdmin[DubbingSession]
else:
    GlossaryAdminBase = TermAdminBase = SessionAdminBase = admin.ModelAdmin


@admin.register(DubbingSession)
class DubbingSessionAdmin(Unchanging, SessionAdminBase):
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
class LineAdmin(Kept, Unchanging, Large):
    list_display = ("session", "sequence", "speaker", "start_s", "engine", "skipped_reason")
    list_filter = ("engine", "skipped_reason")
    raw_id_fields = ("session",)
    search_fields = ("session__id",)


@admin.register(EngineUse)
class EngineUseAdmin(Kept, Unchanging, Large):
    list_display = ("day", "user", "engine", "leg", "amount", "unit", "requests", "session")
    list_filter = ("engine", "leg")
    list_select_related = ("user",)
    raw_id_fields = ("session", "user")
    search_fields = ("session__id", "user__email")
    date_hierarchy = "day"


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
