"""Addresses below ``/api/``."""

from django.urls import path

from sessions_app.api_engines import CheckKeysView, EnginesView
from sessions_app.api_languages import LanguagesView, VoicesView
from sessions_app.api_lines import LinesView, LineView, StatisticsView, TranscriptView
from sessions_app.api_sessions import SessionsView, SessionView
from sessions_app.api_usage import UsageView

urlpatterns = [
    path("sessions", SessionsView.as_view(), name="sessions"),
    path("sessions/<uuid:session_id>", SessionView.as_view(), name="session"),
    path("sessions/<uuid:session_id>/lines", LinesView.as_view(), name="lines"),
    path("sessions/<uuid:session_id>/lines/<int:sequence>", LineView.as_view(), name="line"),
    path("sessions/<uuid:session_id>/transcript", TranscriptView.as_view(), name="transcript"),
    path("sessions/<uuid:session_id>/statistics", StatisticsView.as_view(), name="statistics"),
    path("usage", UsageView.as_view(), name="usage"),
    path("languages", LanguagesView.as_view(), name="languages"),
    path("voices", VoicesView.as_view(), name="voices"),
    path("engines", EnginesView.as_view(), name="engines"),
    path("engine-keys/check", CheckKeysView.as_view(), name="check-engine-keys"),
]
