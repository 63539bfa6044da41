"""Addresses below ``/api/``."""

from django.urls import path

from sessions_app.api import LanguagesView, LiveSessionsView, SessionsView, SessionView, VoicesView
from sessions_app.api_engines import CheckKeysView, EnginesView
from sessions_app.api_usage import UsageView

urlpatterns = [
    path("sessions", SessionsView.as_view(), name="sessions"),
    path("sessions/live", LiveSessionsView.as_view(), name="live-sessions"),
    path("sessions/<uuid:session_id>", SessionView.as_view(), name="session"),
    path("usage", UsageView.as_view(), name="usage"),
    path("languages", LanguagesView.as_view(), name="languages"),
    path("voices", VoicesView.as_view(), name="voices"),
    path("engines", EnginesView.as_view(), name="engines"),
    path("engine-keys/check", CheckKeysView.as_view(), name="check-engine-keys"),
]
