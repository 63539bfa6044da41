"""Samples, to be heard and analysed anew."""

from __future__ import annotations

from typing import Any

from django import forms
from django.contrib import admin, messages
from django.db.models import QuerySet
from django.http import HttpRequest
from django.http.response import HttpResponseBase
from django.urls import URLPattern, path
from django.utils.html import format_html, format_html_join

from accounts.models import User
from voices import services
from voices.admin.actors import player
from voices.admin.pages import Form, Page, WhoseFilter, file_of, link
from voices.errors import VoicesError
from voices.models import VoiceSample

_COLOURS = {"good": "#2e7d32", "usable": "#b26a00", "unusable": "#c62828"}


class NewSampleForm(Form):
    """In the catalogue, or of the actor's owner: it is whose the actor is."""

    recording = forms.FileField(help_text="Any audio or video file with one person speaking.")

    class Meta:
        model = VoiceSample
        fields = ("actor", "name", "language")

    def clean(self) -> dict[str, Any]:
        given = super().clean() or self.cleaned_data
        actor, upload = given.get("actor"), given.get("recording")
        if actor is None or upload is None:
            return given
        try:
            self.made = services.upload_sample(
                actor,
                owner=actor.owner,
                by=self.by,
                content=upload.read(),
                name=given.get("name", ""),
                language=given.get("language", ""),
            )
        except VoicesError as error:
            raise forms.ValidationError(str(error)) from None
        return given

    by: User | None = None
    made: VoiceSample | None = None


@admin.register(VoiceSample)
class VoiceSampleAdmin(Page):
    list_display = (
        "actor",
        "name",
        "judged",
        "state",
        "length",
        "sound",
        "owner",
        "team",
        "created_at",
    )
    list_filter = (WhoseFilter, "verdict", "state", "language", "created_at")
    list_select_related = ("actor", "owner", "team")
    search_fields = ("actor__name", "actor__aliases", "name", "owner__email", "session_id")
    search_help_text = "Part of an actor's, a sample's or an owner's name, or a session's id"
    autocomplete_fields = ("actor",)
    date_hierarchy = "created_at"
    fieldsets = (
        (None, {"fields": (("of_actor", "name", "language"), "sound")}),
        ("Verdict", {"fields": ("judged", "why", "problem")}),
        ("Measured", {"fields": ("figures",)}),
        (
            "Origin",
            {
                "fields": (
                    "of_consent",
                    "session_id",
                    "speaker_label",
                    "owner",
                    "team",
                    "size_bytes",
                )
            },
        ),
        ("Dates", {"fields": ("created_at", "analysed_at", "attempts")}),
    )
    readonly_fields = (
        "of_actor",
        "sound",
        "judged",
        "why",
        "problem",
        "figures",
        "of_consent",
        "session_id",
        "speaker_label",
        "owner",
        "team",
        "size_bytes",
        "created_at",
        "analysed_at",
        "attempts",
    )
    actions = ("analyse_again",)

    def get_queryset(self, request: HttpRequest) -> QuerySet[Any]:
        return super().get_queryset(request).select_related("consent")

    def get_urls(self) -> list[URLPattern]:
        audio = self.admin_site.admin_view(self.audio)
        return [
            path("<uuid:pk>/audio", audio, name="voices_voicesample_audio"),
            *super().get_urls(),
        ]

    def audio(self, request: HttpRequest, pk: Any) -> HttpResponseBase:
        return file_of(self, request, pk, field="audio", media_type="audio/flac")

    def get_form(
        self, request: HttpRequest, obj: Any = None, change: bool = False, **kwargs: Any
    ) -> Any:
        if obj is None:
            form: Any = super().get_form(request, obj, change, form=NewSampleForm, **kwargs)
            form.by = request.user
            return form
        return super().get_form(request, obj, change, **kwargs)

    def get_fieldsets(self, request: HttpRequest, obj: Any = None) -> Any:
        if obj is None:
            return ((None, {"fields": ("actor", "recording", "name", "language")}),)
        return super().get_fieldsets(request, obj)

    def save_model(self, request: HttpRequest, obj: Any, form: Any, change: bool) -> None:  # noqa: ARG002 - the framework's signature
        if change:
            services.edit_sample(obj, name=obj.name, language=obj.language)
            return
        # The form has kept it: what a recording lacks is an error of the form.
        obj.pk, obj._state.adding = form.made.pk, False
        obj.refresh_from_db()

    def delete_model(self, request: HttpRequest, obj: VoiceSample) -> None:
        services.delete_sample(obj, by=request.user if isinstance(request.user, User) else None)

    def delete_queryset(self, request: HttpRequest, queryset: QuerySet[VoiceSample]) -> None:
        for sample in queryset:
            self.delete_model(request, sample)

    @admin.display(description="sound")
    def sound(self, sample: VoiceSample) -> str:
        return player(sample)

    @admin.display(description="verdict", ordering="verdict")
    def judged(self, sample: VoiceSample) -> str:
        if not sample.verdict:
            return sample.get_state_display()
        return format_html(
            '<strong style="color: {}">{}</strong>',
            _COLOURS[sample.verdict],
            sample.get_verdict_display(),
        )

    @admin.display(description="why not better")
    def why(self, sample: VoiceSample) -> str:
        if not sample.reasons:
            return "–"
        rows = ((reason["message"],) for reason in sample.reasons)
        return format_html("<ul>{}</ul>", format_html_join("", "<li>{}</li>", rows))

    @admin.display(description="")
    def figures(self, sample: VoiceSample) -> str:
        if not sample.analysis:
            return "–"
        rows = (
            (name.replace("_", " "), "–" if value is None else value)
            for name, value in sample.analysis.items()
        )
        return format_html(
            "<table>{}</table>",
            format_html_join("", '<tr><th scope="row">{}</th><td>{}</td></tr>', rows),
        )

    @admin.display(description="speech", ordering="speech_s")
    def length(self, sample: VoiceSample) -> str:
        if sample.speech_s is None or sample.duration_s is None:
            return "–"
        return f"{sample.speech_s:.1f} of {sample.duration_s:.1f} s"

    @admin.display(description="actor")
    def of_actor(self, sample: VoiceSample) -> str:
        return link(sample.actor)

    @admin.display(description="consent")
    def of_consent(self, sample: VoiceSample) -> str:
        return link(sample.consent)

    @admin.action(description="Analyse the selected samples again", permissions=["change"])
    def analyse_again(self, request: HttpRequest, queryset: QuerySet[VoiceSample]) -> None:
        for sample in queryset:
            services.analyse_again(sample)
        count = queryset.count()
        self.message_user(request, f"{count} in line to be analysed.", messages.SUCCESS)
