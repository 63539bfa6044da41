"""Addresses of pages about sessions and what they use, from the server's root."""

from django.urls import path

from sessions_app.glossaries import pages as glossaries
from sessions_app.pages import engines, usage

_GLOSSARY = "settings/glossaries/<int:glossary_id>"

urlpatterns = [
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
