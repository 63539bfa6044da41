"""The history, to look at."""

from __future__ import annotations

from typing import Any

from django.contrib import admin
from django.http import HttpRequest
from django.utils.html import format_html_join

from accounts.admin_pages import DeletedWithParent
from voices.admin.pages import Page, Unchanging, WhoseFilter, link
from voices.models import Actor, Decision, Speaker


@admin.register(Decision)
class DecisionAdmin(Unchanging, DeletedWithParent, Page):
    list_display = ("at", "kind", "by", "of_actor", "of_speaker", "told", "owner")
    list_filter = ("kind", WhoseFilter, "at")
    list_select_related = ("by", "owner", "team")
    search_fields = ("actor_id", "speaker_id", "subject_id", "by__email", "owner__email")
    search_help_text = "An id, or part of the address of who decided or whose it is"
    date_hierarchy = "at"

    def get_actions(self, request: HttpRequest) -> dict[str, Any]:  # noqa: ARG002 - the framework's signature
        return {}

    @admin.display(description="actor")
    def of_actor(self, line: Decision) -> str:
        actor = Actor.objects.filter(pk=line.actor_id).first() if line.actor_id else None
        return link(actor) if actor else str(line.actor_id or "–")

    @admin.display(description="speaker")
    def of_speaker(self, line: Decision) -> str:
        speaker = Speaker.objects.filter(pk=line.speaker_id).first() if line.speaker_id else None
        return link(speaker) if speaker else str(line.speaker_id or "–")

    @admin.display(description="what")
    def told(self, line: Decision) -> str:
        rows = (
            (name.replace("_", " "), ", ".join(value) if isinstance(value, list) else value)
            for name, value in line.detail.items()
            if value and name != "consent"
        )
        return format_html_join("; ", "{}: {}", rows) or "–"
