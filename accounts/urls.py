"""Addresses below ``/api/``."""

from django.urls import path

from accounts.api import TicketView, TokensView, TokenView
from accounts.api_engine_keys import EngineKeysView
from accounts.api_pairing import PairingCodesView, PairingExchangeView
from accounts.api_preferences import PreferencesView

urlpatterns = [
    path("ticket", TicketView.as_view(), name="ticket"),
    path("tokens", TokensView.as_view(), name="tokens"),
    path("tokens/<int:token_id>", TokenView.as_view(), name="token"),
    path("engine-keys", EngineKeysView.as_view(), name="engine-keys"),
    path("pairing/codes", PairingCodesView.as_view(), name="pairing-codes"),
    path("pairing/exchange", PairingExchangeView.as_view(), name="pairing-exchange"),
    path("preferences", PreferencesView.as_view(), name="preferences"),
]
