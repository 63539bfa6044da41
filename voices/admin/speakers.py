"""Speakers: what the recogniser suggests, confirmed or rejected by staff."""

from __future__ import annotations

from typing import Any

from django import forms
from django.contrib import admin, messages
from django.db.models import QuerySet
from django.http import HttpRequest

from accounts.admin_pages import NotAdded
from accounts.models import User
from voices import services
from voices.admin.pages import Form, Page, WhoseFilter, link
from voices.errors import VoicesError
from voices.models import Actor, Speaker, SpeakerState


class SpeakerForm(Form):
    """Choosing an actor confirms; that is final, as it is for everybody."""

    class Meta:
        model = Speaker
        fields = ("name", "actor")

    def clean_actor(self) -> Actor | None:
        actor: Actor | None = self.cleaned_data["actor"]
        speaker = self.instance
        if actor is None or "actor" not in self.changed_data:
            return actor
        shared = actor.owner_id in {None, speaker.owner_id} or (
            speaker.team_id is not None and actor.team_id == speaker.team_id
        )
        if not shared:
            raise forms.ValidationError("The session's owner cannot see this actor.")
        return actor


@admin.register(Speaker)
class SpeakerAdmin(NotAdded, Page):
    form = SpeakerForm
    list_display = (
        "__str__",
        "of_actor",
        "state",
        "sure",
        "person",
        "language",
        "length",
        "title",
        "owner",
        "created_at",
    )
    list_filter = (WhoseFilter, "state", "decided_by_person", "language", "created_at")
    list_select_related = ("actor", "title", "owner")
    search_fields = ("name", "label", "actor__name", "title__name", "session_id", "owner__email")
    search_help_text = "Part of a name, an actor, a title or an owner, or a session's id"
    autocomplete_fields = ("actor",)
    date_hierarchy = "created_at"
    readonly_fields = (
        "label",
        "session_id",
        "title",
        "language",
        "speech_s",
        "state",
        "confidence",
        "decided_by",
        "decided_by_person",
        "decided_at",
        "rejected",
        "merged_into",
        "owner",
        "team",
    )
    fieldsets = (
        (None, {"fields": (("label", "name"), "session_id", "title")}),
        (
            "Who it is",
            {
                "fields": (
                    "actor",
                    "state",
                    "confidence",
                    "decided_by",
                    "decided_at",
                    "rejected",
                ),
                "description": "Choosing an actor confirms the match; leaving it empty rejects "
                "the one there was. Both are final.",
            },
        ),
        ("Heard", {"fields": ("language", "speech_s", "merged_into", "owner", "team")}),
    )
    actions = ("confirm", "reject")

    def save_model(self, request: HttpRequest, obj: Speaker, form: Any, change: bool) -> None:  # noqa: ARG002 - the framework's signature
        by = request.user if isinstance(request.user, User) else None
        before = Speaker.objects.get(pk=obj.pk)
        services.rename_speaker(before, obj.name, by=by)
        if before.actor_id == obj.actor_id:
            return
        if obj.actor is not None:
            services.confirm(before, obj.actor, by=by)
        elif before.actor is not None:
            services.reject(before, before.actor, by=by)

    @admin.display(description="actor", ordering="actor__name")
    def of_actor(self, speaker: Speaker) -> str:
        return link(speaker.actor)

    @admin.display(description="confidence", ordering="confidence")
    def sure(self, speaker: Speaker) -> str:
        return "–" if speaker.confidence is None else f"{speaker.confidence:.2f}"

    @admin.display(description="by a person", boolean=True)
    def person(self, speaker: Speaker) -> bool:
        return speaker.decided_by_person

    @admin.display(description="speech", ordering="speech_s")
    def length(self, speaker: Speaker) -> str:
        return f"{speaker.speech_s:.1f} s"

    @admin.display(description="never")
    def rejected(self, speaker: Speaker) -> str:
        names = speaker.rejections.values_list("actor__name", flat=True)
        return ", ".join(names) or "–"

    @admin.action(description="Confirm the suggested actors", permissions=["change"])
    def confirm(self, request: HttpRequest, queryset: QuerySet[Speaker]) -> None:
        self._decide(request, queryset, services.confirm, "confirmed")

    @admin.action(description="Reject the suggested actors", permissions=["change"])
    def reject(self, request: HttpRequest, queryset: QuerySet[Speaker]) -> None:
        self._decide(request, queryset, services.reject, "rejected")

    def _decide(
        self, request: HttpRequest, queryset: QuerySet[Speaker], decide: Any, said: str
    ) -> None:
        by = request.user if isinstance(request.user, User) else None
        done, refused = 0, ""
        matched = queryset.filter(
            actor__isnull=False, state__in=[SpeakerState.SUGGESTED, SpeakerState.CONFIRMED]
        )
        for speaker in matched:
            try:
                decide(speaker, speaker.actor, by=by)
                done += 1
            except VoicesError as error:
                refused = str(error)
        if refused:
            self.message_user(request, refused, messages.ERROR)
        others = queryset.count() - done
        more = f"; {others} had no suggestion" if others and not refused else ""
        self.message_user(request, f"{done} {said}{more}.", messages.SUCCESS)
