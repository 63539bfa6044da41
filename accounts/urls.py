"""Addresses below ``/api/``."""

from django.urls import path

from accounts.api import TicketView, TokensView, TokenView

urlpatterns = [
    path("ticket", TicketView.as_view(), name="ticket"),
    path("tokens", TokensView.as_view(), name="tokens"),
    path("tokens/<int:token_id>", TokenView.as_view(), name="token"),
]
