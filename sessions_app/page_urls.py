"""Addresses of pages about sessions and what they use, from the server's root."""

from django.urls import path

from sessions_app.glossaries import pages as glossaries
from sessions_app.pages import engines, home, projects, sessions, statistics, usage

_GLOSSARY = "settings/glossaries/<int:glossary_id>"
_SESSION = "sessions/<uuid:session_id>"

urlpatterns = [
    path("", home.home, name="home"),
    path("sample.wav", home.sample_sound, name="sample-sound"),
    path("example/lines.json", home.example_lines, name="example-lines"),
    path("example/<slug:name>.mp3", home.example_sound, name="example-sound"),
    path("sessions", sessions.session_list, name="session-list"),
    path(_SESSION, sessions.session_page, name="session-page"),
    path(f"{_SESSION}/title", sessions.rename, name="session-rename"),
    path(f"{_SESSION}/speakers", sessions.name_speakers, name="session-speakers"),
    path(f"{_SESSION}/share", sessions.share, name="session-share"),
    path(f"{_SESSION}/delete", sessions.delete, name="session-delete"),
    path(f"{_SESSION}/statistics", statistics.session_statistics, name="session-statistics"),
    path(f"{_SESSION}/transcript.<slug:suffix>", statistics.export, name="session-export"),
    path(f"{_SESSION}/project", projects.open_session, name="session-project"),
    path("projects", projects.project_list, name="project-list"),
    path("projects/<uuid:project_id>", projects.project_page, name="project-page"),
    path("settings/usage", usage.usage, name="usage-page"),
    path("settings/engines", engines.engines, name="settings-engines"),
    path("settings/engines/check", engines.check, name="check-keys"),
    path("settings/engines/<str:vendor>/remove", engines.forget, name="forget-engine-key"),
    path("settings/glossaries", glossaries.glossaries, name="glossaries"),
    path(_GLOSSARY, glossaries.glossary, name="glossary"),
    path(f"{_GLOSSARY}/change", glossaries.change, name="change-glossary"),
    path(f"{_GLOSSARY}/delete", glossaries.delete, name="delete-glossary"),
    path(f"{_GLOSSARY}/glossary.csv", glossaries.export_csv, name="export-glossary"),
    path(f"{_GLOSSARY}/import", glossaries.import_csv, name="import-glossary"),
    path(f"{_GLOSSARY}/terms", glossaries.add_term, name="add-term"),
    path(f"{_GLOSSARY}/terms/<int:term_id>", glossaries.change_term, name="change-term"),
    path(f"{_GLOSSARY}/terms/<int:term_id>/delete", glossaries.delete_term, name="delete-term"),
]
