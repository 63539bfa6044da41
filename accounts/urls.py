"""Addresses below ``/api/``."""

from django.urls import path

from accounts.api import TicketView, TokensView, TokenView
from accounts.api_engine_keys import EngineKeysView
from accounts.api_me import MeView
from accounts.api_pairing import PairingCodesView, PairingExchangeView
from accounts.api_preferences import PreferencesView
from accounts.rest.overview import docs_page, problems_page
from accounts.webhooks.api import (
    EventTypesView,
    WebhookSecretView,
    WebhooksView,
    WebhookView,
)
from accounts.webhooks.api_deliveries import (
    DeliveriesView,
    DeliveryReplayView,
    DeliveryView,
    WebhookReplayView,
    WebhookTestView,
)

_WEBHOOK = "webhooks/<uuid:webhook_id>"
_DELIVERY = f"{_WEBHOOK}/deliveries/<uuid:delivery_id>"

urlpatterns = [
    path("docs", docs_page, name="api-docs"),
    path("problems", problems_page, name="api-problems"),
    path("me", MeView.as_view(), name="me"),
    path("ticket", TicketView.as_view(), name="ticket"),
    path("tokens", TokensView.as_view(), name="tokens"),
    path("tokens/<int:token_id>", TokenView.as_view(), name="token"),
    path("engine-keys", EngineKeysView.as_view(), name="engine-keys"),
    path("pairing/codes", PairingCodesView.as_view(), name="pairing-codes"),
    path("pairing/exchange", PairingExchangeView.as_view(), name="pairing-exchange"),
    path("preferences", PreferencesView.as_view(), name="preferences"),
    path("webhooks", WebhooksView.as_view(), name="webhooks"),
    path("webhooks/event-types", EventTypesView.as_view(), name="event-types"),
    path(_WEBHOOK, WebhookView.as_view(), name="webhook"),
    path(f"{_WEBHOOK}/secret", WebhookSecretView.as_view(), name="webhook-secret"),
    path(f"{_WEBHOOK}/test", WebhookTestView.as_view(), name="webhook-test"),
    path(f"{_WEBHOOK}/replay", WebhookReplayView.as_view(), name="webhook-replay"),
    path(f"{_WEBHOOK}/deliveries", DeliveriesView.as_view(), name="deliveries"),
    path(_DELIVERY, DeliveryView.as_view(), name="delivery"),
    path(f"{_DELIVERY}/replay", DeliveryReplayView.as_view(), name="delivery-replay"),
]
