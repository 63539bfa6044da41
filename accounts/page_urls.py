"""Addresses of pages about people, from the server's root."""

from django.urls import path
from django.views.generic import RedirectView

from accounts.views import account, data, extension, invitations, languages, teams, tokens, webhooks

_TEAM = "teams/<int:team_id>"
_WEBHOOK = "settings/webhooks/<uuid:webhook_id>"

urlpatterns = [
    path("account/pair-extension", extension.pair_extension, name="pair-extension"),
    path("settings/", RedirectView.as_view(pattern_name="settings")),
    path("settings/account", account.account, name="settings"),
    path("settings/languages", languages.languages, name="settings-languages"),
    path("settings/tokens", tokens.guarded_tokens, name="settings-tokens"),
    path("settings/tokens/<int:token_id>/revoke", tokens.revoke, name="revoke-token"),
    path("settings/extension", extension.extension, name="extension"),
    path("settings/extension/<int:token_id>/disconnect", extension.unpair, name="unpair"),
    path("settings/webhooks", webhooks.webhooks, name="settings-webhooks"),
    path(_WEBHOOK, webhooks.webhook, name="settings-webhook"),
    path(f"{_WEBHOOK}/secret", webhooks.renew_secret, name="renew-webhook-secret"),
    path(f"{_WEBHOOK}/switch", webhooks.switch, name="switch-webhook"),
    path(f"{_WEBHOOK}/test", webhooks.send_test, name="send-webhook-test"),
    path(f"{_WEBHOOK}/delete", webhooks.delete, name="delete-webhook"),
    path(
        f"{_WEBHOOK}/deliveries/<uuid:delivery_id>/replay",
        webhooks.replay,
        name="replay-webhook-delivery",
    ),
    path("settings/data", data.data, name="settings-data"),
    path("settings/data/export", data.ask, name="ask-export"),
    path("settings/data/export.zip", data.download, name="download-export"),
    path("settings/data/delete-account", data.guarded_delete, name="delete-account"),
    path("teams", teams.teams, name="teams"),
    path(_TEAM, teams.team, name="team"),
    path(f"{_TEAM}/rename", teams.rename, name="rename-team"),
    path(f"{_TEAM}/delete", teams.delete, name="delete-team"),
    path(f"{_TEAM}/invitations", teams.invite, name="invite"),
    path(
        f"{_TEAM}/invitations/<int:invitation_id>/withdraw",
        teams.withdraw,
        name="withdraw-invitation",
    ),
    path(f"{_TEAM}/members/<int:member_id>/role", teams.change_role, name="change-role"),
    path(f"{_TEAM}/members/<int:member_id>/remove", teams.remove_member, name="remove-member"),
    path("invitations/<str:secret>", invitations.invitation, name="invitation"),
]
