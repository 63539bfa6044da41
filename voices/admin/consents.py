"""Consents: written down and revoked, never changed."""

from __future__ import annotations

from typing import Any

from django import forms
from django.contrib import admin, messages
from django.db.models import QuerySet
from django.http import HttpRequest
from django.http.response import HttpResponseBase
from django.urls import URLPattern, path, reverse
from django.utils import timezone
from django.utils.html import format_html

from accounts.admin_pages import DeletedWithParent
from accounts.models import User
from voices import services
from voices.admin.pages import Form, Page, WhoseFilter, file_of, link
from voices.errors import VoicesError
from voices.models import Consent, ConsentUse


class NewConsentForm(Form):
    uses = forms.MultipleChoiceField(
        choices=ConsentUse.choices, widget=forms.CheckboxSelectMultiple
    )
    paper = forms.FileField(
        required=False, label="evidence", help_text="PDF, JPEG, PNG, WebP, WAV, FLAC, OGG or MP3"
    )

    class Meta:
        model = Consent
        fields = (
            "actor",
            "given_by",
            "capacity",
            "uses",
            "statement",
            "given_at",
            "expires_at",
        )

    by: User | None = None
    made: Consent | None = None

    def clean(self) -> dict[str, Any]:
        given = super().clean() or self.cleaned_data
        if self.errors or not given.get("actor"):
            return given
        upload = given.get("paper")
        names = ("given_by", "capacity", "uses", "statement", "given_at", "expires_at")
        try:
            self.made = services.give_consent(
                given["actor"],
                owner=given["actor"].owner,
                by=self.by,
                evidence=upload.read() if upload else None,
                evidence_name=upload.name if upload else "",
                **{name: given[name] for name in names},
            )
        except VoicesError as error:
            raise forms.ValidationError(str(error)) from None
        return given

    def _post_clean(self) -> None:
        """The service has checked and kept it; the database's own checks know no upload."""


class StatusFilter(admin.SimpleListFilter):
    title = "status"
    parameter_name = "status"

    def lookups(self, request: HttpRequest, model_admin: Any) -> list[tuple[str, str]]:  # noqa: ARG002 - the framework's signature
        return [("valid", "valid"), ("expired", "expired"), ("revoked", "revoked")]

    def queryset(self, request: HttpRequest, queryset: QuerySet[Any]) -> QuerySet[Any]:  # noqa: ARG002 - the framework's signature
        now = timezone.now()
        match self.value():
            case "valid":
                return queryset.filter(pk__in=Consent.objects.valid(now).values("pk"))
            case "expired":
                return queryset.filter(expires_at__lte=now, revoked_at=None)
            case "revoked":
                return queryset.filter(revoked_at__isnull=False)
        return queryset


@admin.register(Consent)
class ConsentAdmin(DeletedWithParent, Page):
    list_display = (
        "of_actor",
        "given_by",
        "allows",
        "status_now",
        "given_at",
        "expires_at",
        "owner",
        "team",
    )
    list_display_links = ("given_by",)
    list_filter = (StatusFilter, WhoseFilter, "given_at")
    list_select_related = ("actor", "owner", "team")
    search_fields = ("actor__name", "given_by", "owner__email")
    autocomplete_fields = ("actor",)
    date_hierarchy = "given_at"
    actions = ("revoke",)
    shown = (
        "of_actor",
        "given_by",
        "capacity",
        "allows",
        "statement",
        "paper",
        "given_at",
        "expires_at",
        "status_now",
        "revoked_at",
        "revoked_by",
        "revocation_reason",
        "settled_at",
        "owner",
        "team",
    )

    def get_urls(self) -> list[URLPattern]:
        view = self.admin_site.admin_view(self.evidence)
        return [
            path("<uuid:pk>/evidence", view, name="voices_consent_evidence"),
            *super().get_urls(),
        ]

    def evidence(self, request: HttpRequest, pk: Any) -> HttpResponseBase:
        consent = Consent.objects.filter(pk=pk).first()
        media_type = consent.evidence_type if consent else ""
        return file_of(
            self, request, pk, field="evidence", media_type=media_type, download_as=f"consent-{pk}"
        )

    def has_change_permission(self, request: HttpRequest, obj: Any = None) -> bool:
        # Of the list, for its actions; a consent itself is never edited.
        return obj is None and super().has_change_permission(request)

    def get_fields(self, request: HttpRequest, obj: Any = None) -> Any:  # noqa: ARG002 - the framework's signature
        if obj is not None:
            return self.shown
        return (
            "actor",
            "given_by",
            "capacity",
            "uses",
            "statement",
            "paper",
            "given_at",
            "expires_at",
        )

    def get_readonly_fields(self, request: HttpRequest, obj: Any = None) -> Any:  # noqa: ARG002 - the framework's signature
        return self.shown if obj is not None else ()

    def get_form(
        self, request: HttpRequest, obj: Any = None, change: bool = False, **kwargs: Any
    ) -> Any:
        if obj is not None:
            return super().get_form(request, obj, change, **kwargs)
        form: Any = super().get_form(request, obj, change, form=NewConsentForm, **kwargs)
        form.by = request.user
        return form

    def save_model(self, request: HttpRequest, obj: Any, form: Any, change: bool) -> None:  # noqa: ARG002 - the framework's signature
        obj.pk, obj._state.adding = form.made.pk, False
        obj.refresh_from_db()

    @admin.display(description="actor", ordering="actor__name")
    def of_actor(self, consent: Consent) -> str:
        return link(consent.actor)

    @admin.display(description="allows")
    def allows(self, consent: Consent) -> str:
        labels = dict(ConsentUse.choices)
        return "; ".join(str(labels[use]) for use in consent.uses if use in labels)

    @admin.display(description="status")
    def status_now(self, consent: Consent) -> str:
        return consent.status(timezone.now()).replace("_", " ")

    @admin.display(description="evidence")
    def paper(self, consent: Consent) -> str:
        if not consent.evidence:
            return "–"
        address = reverse("admin:voices_consent_evidence", args=[consent.pk])
        return format_html('<a href="{}">{}</a>', address, consent.evidence_name or "evidence")

    @admin.action(description="Revoke the selected consents", permissions=["change"])
    def revoke(self, request: HttpRequest, queryset: QuerySet[Consent]) -> None:
        by = request.user if isinstance(request.user, User) else None
        done = 0
        for consent in queryset.filter(revoked_at=None):
            services.revoke_consent(consent, by=by, reason="revoked by staff")
            done += 1
        self.message_user(
            request,
            f"{done} revoked. What rested on them alone was deleted.",
            messages.SUCCESS if done else messages.WARNING,
        )
