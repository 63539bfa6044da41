"""People, their tokens and keys in the admin pages; those can be taken away, never read."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from django.contrib import admin
from django.contrib.auth.admin import UserAdmin
from django.http import HttpRequest
from knox.models import AuthToken

from accounts import services
from accounts.admin_pages import NotAdded, Unchanging
from accounts.models import (
    ApiToken,
    EngineKey,
    Invitation,
    Membership,
    Preferences,
    Team,
    User,
    WebhookDelivery,
    WebhookEndpoint,
)

# Knox's own page shows hashes and would make tokens that nobody gets to see.
if admin.site.is_registered(AuthToken):
    admin.site.unregister(AuthToken)


if TYPE_CHECKING:
    TeamAdminBase = admin.ModelAdmin[Team]
    MembershipInlineBase = admin.TabularInline[Membership, Team]
    InvitationAdminBase = admin.ModelAdmin[Invitation]
    PreferencesAdminBase = admin.ModelAdmin[Preferences]
    PeopleAdminBase = UserAdmin[User]
    TokenAdminBase = admin.ModelAdmin[ApiToken]
    KeyAdminBase = admin.ModelAdmin[EngineKey]
    WebhookAdminBase = admin.ModelAdmin[WebhookEndpoint]
    DeliveryAdminBase = admin.ModelAdmin[WebhookDelivery]
else:
    TeamAdminBase = InvitationAdminBase = PreferencesAdminBase = admin.ModelAdmin
    MembershipInlineBase = admin.TabularInline
    PeopleAdminBase = UserAdmin
    TokenAdminBase = KeyAdminBase = WebhookAdminBase = DeliveryAdminBase = admin.ModelAdmin


@admin.register(User)
class EmailUserAdmin(PeopleAdminBase):
    ordering = ("email",)
    list_display = ("email", "first_name", "last_name", "is_staff", "is_active")
    search_fields = ("email", "first_name", "last_name")
    fieldsets = (
        (None, {"fields": ("email", "password")}),
        ("Personal info", {"fields": ("first_name", "last_name")}),
        (
            "Permissions",
            {"fields": ("is_active", "is_staff", "is_superuser", "groups", "user_permissions")},
        ),
        ("Important dates", {"fields": ("last_login", "date_joined")}),
    )
    add_fieldsets = ((None, {"classes": ("wide",), "fields": ("email", "password1", "password2")}),)
    actions = ("let_in",)

    @admin.action(description="Let in: take their addresses as verified", permissions=["change"])
    def let_in(self, request: HttpRequest, users: Any) -> None:
        for user in users:
            services.let_in(user.email)
        self.message_user(request, f"{len(users)} can log in now.")

    def save_model(self, request: HttpRequest, obj: User, form: Any, change: bool) -> None:
        super().save_model(request, obj, form, change)
        if not change:
            # Whoever makes an account for somebody vouches for the address.
            services.let_in(obj.email)


@admin.register(ApiToken)
class ApiTokenAdmin(NotAdded, TokenAdminBase):
    list_display = ("name", "owner", "scopes", "created", "last_used_at", "expires")
    list_select_related = ("auth_token__user",)
    search_fields = ("name", "auth_token__user__email")
    fields = ("name", "owner", "scopes", "created", "last_used_at", "expires")
    readonly_fields = ("owner", "scopes", "created", "last_used_at", "expires")

    @admin.display(ordering="auth_token__user__email")
    def owner(self, token: ApiToken) -> str:
        return str(token.auth_token.user)

    @admin.display(ordering="auth_token__created")
    def created(self, token: ApiToken) -> Any:
        return token.auth_token.created

    @admin.display(ordering="auth_token__expiry")
    def expires(self, token: ApiToken) -> Any:
        return token.auth_token.expiry

    def delete_model(self, request: HttpRequest, obj: ApiToken) -> None:  # noqa: ARG002 - the framework's signature
        obj.auth_token.delete()

    def delete_queryset(self, request: HttpRequest, queryset: Any) -> None:  # noqa: ARG002 - the framework's signature
        AuthToken.objects.filter(label__in=queryset).delete()


@admin.register(WebhookEndpoint)
class WebhookEndpointAdmin(NotAdded, WebhookAdminBase):
    list_display = ("id", "owner", "team", "enabled", "disabled_reason", "failing_since")
    list_filter = ("enabled", "disabled_reason")
    list_select_related = ("owner", "team")
    search_fields = ("id", "owner__email")
    # Without its secrets, sealed or not; staff may stop one that does harm.
    fields = (
        "owner",
        "team",
        "url",
        "description",
        "event_types",
        "enabled",
        "disabled_reason",
        "failing_since",
        "created_at",
    )
    readonly_fields = tuple(name for name in fields if name not in {"enabled", "disabled_reason"})


@admin.register(WebhookDelivery)
class WebhookDeliveryAdmin(Unchanging, DeliveryAdminBase):
    list_display = ("created_at", "endpoint", "event", "status", "attempts", "code", "error")
    list_filter = ("status", "error", "event__type")
    list_select_related = ("endpoint", "event")
    raw_id_fields = ("endpoint", "event")
    search_fields = ("id", "event__id", "endpoint__id", "endpoint__owner__email")
    date_hierarchy = "created_at"


@admin.register(EngineKey)
class EngineKeyAdmin(Unchanging, KeyAdminBase):
    list_display = ("vendor", "user", "hint", "kind", "status", "last_used_at", "last_checked_at")
    list_filter = ("vendor", "status")
    list_select_related = ("user",)
    search_fields = ("user__email",)
    # Named one by one: what is sealed has no place on a page, not even sealed.
    fields = (
        "user",
        "vendor",
        "kind",
        "hint",
        "status",
        "created_at",
        "last_used_at",
        "last_checked_at",
    )


class MembershipInline(MembershipInlineBase):
    model = Membership
    extra = 0
    raw_id_fields = ("user",)


@admin.register(Team)
class TeamAdmin(TeamAdminBase):
    list_display = ("name", "created_at")
    search_fields = ("name", "memberships__user__email")
    inlines = (MembershipInline,)


@admin.register(Invitation)
class InvitationAdmin(NotAdded, InvitationAdminBase):
    list_display = ("email", "team", "role", "created_at", "expires_at")
    list_select_related = ("team",)
    search_fields = ("email", "team__name")
    fields = ("team", "email", "role", "invited_by", "expires_at")
    readonly_fields = fields


@admin.register(Preferences)
class PreferencesAdmin(PreferencesAdminBase):
    list_display = ("user", "target_language", "always_dub", "never_dub")
    list_select_related = ("user",)
    search_fields = ("user__email",)
    raw_id_fields = ("user",)
