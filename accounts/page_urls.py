"""Addresses of pages about people, from the server's root."""

from django.urls import path
from django.views.generic import RedirectView

from accounts.views import account, extension, languages, tokens

urlpatterns = [
    path("account/pair-extension", extension.pair_extension, name="pair-extension"),
    path("settings/", RedirectView.as_view(pattern_name="settings")),
    path("settings/account", account.account, name="settings"),
    path("settings/languages", languages.languages, name="settings-languages"),
    path("settings/tokens", tokens.guarded_tokens, name="settings-tokens"),
    path("settings/tokens/<int:token_id>/revoke", tokens.revoke, name="revoke-token"),
    path("settings/extension", extension.extension, name="extension"),
    path("settings/extension/<int:token_id>/disconnect", extension.unpair, name="unpair"),
]
