"""Addresses below ``/api/``."""

from django.urls import include, path

from sessions_app.api.engines import CheckKeysView, EnginesView
from sessions_app.api.languages import LanguagesView, VoicesView
from sessions_app.api.lines import LinesView, LineView, StatisticsView, TranscriptView
from sessions_app.api.sessions import LiveSessionsView, SessionsView, SessionView
from sessions_app.api.usage import UsageView
from sessions_app.glossaries.api import GlossariesView, GlossaryView, TermsView, TermView

_GLOSSARY = "glossaries/<int:glossary_id>"

urlpatterns = [
    path("sessions", SessionsView.as_view(), name="sessions"),
    path("sessions/live", LiveSessionsView.as_view(), name="live-sessions"),
    path("sessions/<uuid:session_id>", SessionView.as_view(), name="session"),
    path("sessions/<uuid:session_id>/lines", LinesView.as_view(), name="lines"),
    path("sessions/<uuid:session_id>/lines/<int:sequence>", LineView.as_view(), name="line"),
    path("sessions/<uuid:session_id>/transcript", TranscriptView.as_view(), name="transcript"),
    path("sessions/<uuid:session_id>/statistics", StatisticsView.as_view(), name="statistics"),
    path("glossaries", GlossariesView.as_view(), name="api-glossaries"),
    path(_GLOSSARY, GlossaryView.as_view(), name="api-glossary"),
    path(f"{_GLOSSARY}/terms", TermsView.as_view(), name="api-terms"),
    path(f"{_GLOSSARY}/terms/<int:term_id>", TermView.as_view(), name="api-term"),
    path("", include("sessions_app.projects.api.urls")),
    path("usage", UsageView.as_view(), name="usage"),
    path("languages", LanguagesView.as_view(), name="languages"),
    path("voices", VoicesView.as_view(), name="voices"),
    path("engines", EnginesView.as_view(), name="engines"),
    path("engine-keys/check", CheckKeysView.as_view(), name="check-engine-keys"),
]
