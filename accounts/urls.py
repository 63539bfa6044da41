"""Addresses below ``/api/``."""

from django.urls import path

from accounts.api import TicketView, TokensView, TokenView
from accounts.api_engine_keys import EngineKeysView
from accounts.api_me import MeView
from accounts.rest.overview import docs_page, problems_page

urlpatterns = [
    path("docs", docs_page, name="api-docs"),
    path("problems", problems_page, name="api-problems"),
    path("me", MeView.as_view(), name="me"),
    path("ticket", TicketView.as_view(), name="ticket"),
    path("tokens", TokensView.as_view(), name="tokens"),
    path("tokens/<int:token_id>", TokenView.as_view(), name="token"),
    path("engine-keys", EngineKeysView.as_view(), name="engine-keys"),
]
