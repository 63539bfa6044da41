"""Addresses of the pages about sessions."""

from django.urls import path

from sessions_app.pages import home, sessions, statistics

urlpatterns = [
    path("", home.home, name="home"),
    path("sample.wav", home.sample_sound, name="sample-sound"),
    path("example/lines.json", home.example_lines, name="example-lines"),
    path("example/<slug:name>.mp3", home.example_sound, name="example-sound"),
    path("sessions", sessions.session_list, name="session-list"),
    path("sessions/<uuid:session_id>", sessions.session_page, name="session-page"),
    path("sessions/<uuid:session_id>/title", sessions.rename, name="session-rename"),
    path("sessions/<uuid:session_id>/speakers", sessions.name_speakers, name="session-speakers"),
    path("sessions/<uuid:session_id>/delete", sessions.delete, name="session-delete"),
    path(
        "sessions/<uuid:session_id>/statistics",
        statistics.session_statistics,
        name="session-statistics",
    ),
    path(
        "sessions/<uuid:session_id>/transcript.<slug:suffix>",
        statistics.export,
        name="session-export",
    ),
]
