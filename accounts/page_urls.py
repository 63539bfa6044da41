"""Addresses of pages about people, from the server's root."""

from django.urls import path
from django.views.generic import RedirectView

from accounts.views import account

urlpatterns = [
    path("settings/", RedirectView.as_view(pattern_name="settings")),
    path("settings/account", account.account, name="settings"),
]
