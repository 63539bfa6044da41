"""Actors and their pinned voices; titles."""

from __future__ import annotations

from typing import Any, ClassVar

from django import forms
from django.contrib import admin, messages
from django.contrib.admin.helpers import ACTION_CHECKBOX_NAME
from django.core.exceptions import PermissionDenied
from django.db.models import Count, QuerySet
from django.http import HttpRequest, HttpResponse, HttpResponseRedirect
from django.http.response import HttpResponseBase
from django.template.response import TemplateResponse
from django.urls import URLPattern, path, reverse
from django.utils.html import format_html

from accounts.models import User
from voices import services
from voices.admin.pages import STYLE, Form, Inline, Page, Unchanging, WhoseFilter, file_of, told
from voices.errors import VoicesError
from voices.models import Actor, Consent, PinnedVoice, Speaker, Title, VoiceClone, VoiceSample
from voices.pictures import small_picture


class ActorForm(Form):
    new_picture = forms.FileField(
        required=False, help_text="JPEG, PNG, WebP or GIF; kept at 512 pixels a side."
    )
    no_picture = forms.BooleanField(required=False, label="take the picture away")

    class Meta:
        model = Actor
        fields = ("name", "aliases", "languages", "notes", "owner", "team")

    def clean_new_picture(self) -> bytes | None:
        upload = self.cleaned_data["new_picture"]
        if not upload:
            return None
        content: bytes = upload.read()
        try:
            small_picture(content)
        except VoicesError as error:
            raise forms.ValidationError(str(error)) from None
        return content


class SamplesInline(Unchanging, Inline):
    can_delete = False
    model = VoiceSample
    extra = 0
    fields = ("name", "verdict", "state", "speech_s", "sound", "created_at")
    readonly_fields = fields
    show_change_link = True

    @admin.display(description="sound")
    def sound(self, sample: VoiceSample) -> str:
        return player(sample)


class ConsentsInline(Unchanging, Inline):
    can_delete = False
    model = Consent
    extra = 0
    fields = ("given_by", "uses", "given_at", "expires_at", "revoked_at")
    readonly_fields = fields
    show_change_link = True


class PinsInline(Inline):
    model = PinnedVoice
    extra = 0
    fields = ("language", "engine", "voice")


class ClonesInline(Unchanging, Inline):
    can_delete = False
    model = VoiceClone
    extra = 0
    fields = ("engine", "vendor_id", "state", "used_at")
    readonly_fields = fields
    show_change_link = True


class SpeakersInline(Unchanging, Inline):
    can_delete = False
    model = Speaker
    fk_name = "actor"
    extra = 0
    max_num = 50
    fields = ("label", "session_id", "state", "confidence", "speech_s", "decided_at")
    readonly_fields = fields
    show_change_link = True


@admin.register(Actor)
class ActorAdmin(Page):
    form = ActorForm
    list_display = ("portrait", "name", "other_names", "speaks", "owner", "team", "heard", "kept")
    list_display_links = ("portrait", "name")
    list_filter = (WhoseFilter, "created_at")
    list_select_related = ("owner", "team")
    search_fields = ("name", "aliases", "notes", "owner__email")
    search_help_text = "Part of a name, an alias, the notes or the owner's address"
    raw_id_fields = ("owner", "team")
    readonly_fields = ("portrait", "created_at", "updated_at")
    fieldsets = (
        (None, {"fields": (("name", "portrait"), "aliases", "languages", "notes")}),
        ("Picture", {"fields": ("new_picture", "no_picture")}),
        (
            "Whose",
            {
                "fields": ("owner", "team"),
                "description": "Without an owner it is in the catalogue, which everybody may use.",
            },
        ),
        ("Dates", {"fields": ("created_at", "updated_at"), "classes": ("collapse",)}),
    )
    inlines = (SamplesInline, ConsentsInline, PinsInline, ClonesInline, SpeakersInline)
    actions = ("merge",)

    class Media:
        css: ClassVar[dict[str, tuple[str, ...]]] = STYLE

    def get_queryset(self, request: HttpRequest) -> QuerySet[Any]:
        rows: QuerySet[Any] = (
            super()
            .get_queryset(request)
            .annotate(
                speakers_count=Count("speakers", distinct=True),
                samples_count=Count("samples", distinct=True),
            )
        )
        return rows

    def get_urls(self) -> list[URLPattern]:
        picture = self.admin_site.admin_view(self.picture)
        return [
            path("<uuid:pk>/picture", picture, name="voices_actor_picture"),
            *super().get_urls(),
        ]

    def picture(self, request: HttpRequest, pk: Any) -> HttpResponseBase:
        return file_of(self, request, pk, field="picture", media_type="image/webp")

    @admin.display(description="")
    def portrait(self, actor: Actor) -> str:
        if not actor.picture:
            return format_html('<span aria-hidden="true">{}</span>', "◯")
        address = reverse("admin:voices_actor_picture", args=[actor.pk])
        return format_html('<img src="{}" alt="" width="40" height="40" loading="lazy">', address)

    @admin.display(description="also")
    def other_names(self, actor: Actor) -> str:
        return ", ".join(actor.aliases) or "–"

    @admin.display(description="speaks")
    def speaks(self, actor: Actor) -> str:
        return ", ".join(actor.languages) or "–"

    @admin.display(description="heard", ordering="speakers_count")
    def heard(self, actor: Any) -> int:
        return int(actor.speakers_count)

    @admin.display(description="samples", ordering="samples_count")
    def kept(self, actor: Any) -> int:
        return int(actor.samples_count)

    def save_model(self, request: HttpRequest, obj: Actor, form: Any, change: bool) -> None:
        by = request.user if isinstance(request.user, User) else None
        if not change:
            made = services.create_actor(
                obj.owner,
                by=by,
                team=obj.team,
                name=obj.name,
                aliases=obj.aliases,
                languages=obj.languages,
                notes=obj.notes,
            )
            obj.pk, obj._state.adding = made.pk, False
        else:
            before = Actor.objects.get(pk=obj.pk)
            given = {name: getattr(obj, name) for name in ("name", "aliases", "languages", "notes")}
            services.edit_actor(before, by=by, changes=given)
            services.give_actor(before, by=by, owner=obj.owner, team=obj.team)
        content = form.cleaned_data.get("new_picture")
        if content or form.cleaned_data.get("no_picture"):
            services.set_picture(obj, by=by, content=content)
        obj.refresh_from_db()

    def save_formset(self, request: HttpRequest, form: Any, formset: Any, change: bool) -> None:  # noqa: ARG002 - the framework's signature
        for row in formset.save(commit=False):
            if row._state.adding:
                # A new pin is whose the actor is.
                row.owner_id, row.team_id = form.instance.owner_id, form.instance.team_id
            row.save()
        for row in formset.deleted_objects:
            row.delete()
        formset.save_m2m()

    def delete_model(self, request: HttpRequest, obj: Actor) -> None:
        services.delete_actor(obj, by=request.user if isinstance(request.user, User) else None)

    def delete_queryset(self, request: HttpRequest, queryset: QuerySet[Actor]) -> None:
        for actor in queryset:
            self.delete_model(request, actor)

    @admin.action(description="Merge the selected actors …", permissions=["change"])
    def merge(self, request: HttpRequest, queryset: QuerySet[Actor]) -> HttpResponse | None:
        """Asks which of them stays first."""
        if not self.has_delete_permission(request):
            raise PermissionDenied
        if queryset.count() < 2:
            self.message_user(request, "Select two actors or more.", messages.WARNING)
            return None
        into = queryset.filter(pk=request.POST["into"]).first() if "into" in request.POST else None
        if into is None:
            context = {
                **self.admin_site.each_context(request),
                "title": "Which of them stays?",
                "actors": queryset,
                "opts": self.opts,
                "selected_name": ACTION_CHECKBOX_NAME,
            }
            return TemplateResponse(request, "voices_admin/merge.html", context)
        by = request.user if isinstance(request.user, User) else None
        try:
            services.merge_actors(into, list(queryset.exclude(pk=into.pk)), by=by)
        except VoicesError as error:
            told(self, request, error)
            return None
        self.message_user(request, f"They are all “{into}” now.", messages.SUCCESS)
        return HttpResponseRedirect(reverse("admin:voices_actor_change", args=[into.pk]))


@admin.register(PinnedVoice)
class PinnedVoiceAdmin(Page):
    list_display = ("actor", "language", "engine", "voice", "owner", "team")
    list_filter = (WhoseFilter, "engine", "language")
    list_select_related = ("actor", "owner", "team")
    search_fields = ("actor__name", "voice", "owner__email")
    autocomplete_fields = ("actor",)
    raw_id_fields = ("owner", "team")


@admin.register(Title)
class TitleAdmin(Page):
    list_display = ("name", "url", "owner", "team", "created_at")
    list_filter = (WhoseFilter,)
    list_select_related = ("owner", "team")
    search_fields = ("name", "url", "owner__email")
    fields = ("name", "url", "owner", "team", "created_at")
    readonly_fields = ("url", "owner", "team", "created_at")

    def has_add_permission(self, request: HttpRequest) -> bool:  # noqa: ARG002 - the framework's signature
        return False


def player(sample: VoiceSample) -> str:
    """The browser's own, loading nothing before it is started."""
    if not sample.playable:
        return "–"
    address = reverse("admin:voices_voicesample_audio", args=[sample.pk])
    return format_html('<audio controls preload="none" src="{}"></audio>', address)
