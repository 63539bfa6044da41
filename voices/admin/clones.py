"""Clones, and the voices that still have to leave their vendors."""

from __future__ import annotations

from typing import Any

from django.contrib import admin, messages
from django.db.models import QuerySet
from django.http import HttpRequest

from accounts.models import User
from voices import services
from voices.admin.pages import Page, Unchanging, WhoseFilter
from voices.cloning.discarding import discard_now
from voices.models import DiscardedClone, VoiceClone


@admin.register(VoiceClone)
class VoiceCloneAdmin(Unchanging, Page):
    list_display = (
        "actor", "engine", "vendor_id", "state", "problem", "owner", "used_at", "created_at"
    )  # fmt: skip
    list_filter = (WhoseFilter, "state", "engine")
    list_select_related = ("actor", "owner")
    search_fields = ("actor__name", "vendor_id", "name", "owner__email")
    date_hierarchy = "created_at"

    def delete_model(self, request: HttpRequest, obj: VoiceClone) -> None:
        services.delete_clone(obj, by=request.user if isinstance(request.user, User) else None)

    def delete_queryset(self, request: HttpRequest, queryset: QuerySet[VoiceClone]) -> None:
        for clone in queryset:
            self.delete_model(request, clone)


@admin.register(DiscardedClone)
class DiscardedCloneAdmin(Unchanging, Page):
    """Voices that are still at their vendors, although nobody may speak with them."""

    list_display = ("__str__", "owner", "discarded_at", "attempts", "problem", "due_at")
    list_filter = ("engine", "problem")
    list_select_related = ("owner",)
    search_fields = ("vendor_id", "mark", "owner__email")
    fields = (
        "engine", "vendor_id", "mark", "owner", "discarded_at", "attempts", "problem", "due_at"
    )  # fmt: skip
    actions = ("try_now",)

    def has_change_permission(self, request: HttpRequest, obj: Any = None) -> bool:
        # Of the list, for its action.
        return obj is None and Page.has_change_permission(self, request)

    def has_delete_permission(self, request: HttpRequest, obj: Any = None) -> bool:  # noqa: ARG002 - the framework's signature
        # The row is all that is known of the voice there.
        return False

    @admin.action(description="Try to delete the selected voices now", permissions=["change"])
    def try_now(self, request: HttpRequest, queryset: QuerySet[DiscardedClone]) -> None:
        count = discard_now(queryset)
        self.message_user(request, f"{count} in line to be deleted.", messages.SUCCESS)
