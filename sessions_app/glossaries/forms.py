"""Forms of the glossary pages."""

from __future__ import annotations

from typing import Any

from django import forms

from accounts.models import Team, User
from accounts.preferences import LANGUAGES
from accounts.selectors import editing_teams_of
from pipeline.bounds import GLOSSARY_TERM_MAX
from sessions_app.glossaries.models import Glossary

_ANY = [("", "Any language"), *LANGUAGES.items()]


class GlossaryForm(forms.Form):
    name = forms.CharField(max_length=100)
    source_language = forms.ChoiceField(label="From", required=False, choices=_ANY)
    target_language = forms.ChoiceField(label="Into", required=False, choices=_ANY)
    team = forms.ModelChoiceField(
        Team.objects.none(),
        required=False,
        empty_label="Just me",
        label="Shared with",
        help_text="All members use it; owners and editors change it.",
    )
    enabled = forms.BooleanField(
        label="In use", required=False, help_text="Off, it is kept but changes no translation."
    )

    def __init__(self, *args: Any, user: User, glossary: Glossary | None = None, **kwargs: Any):
        super().__init__(*args, **kwargs)
        self.initial = {"enabled": True}
        if glossary is not None:
            names = ("name", "source_language", "target_language", "team", "enabled")
            self.initial = {name: getattr(glossary, name) for name in names}
        team = self.fields["team"]
        assert isinstance(team, forms.ModelChoiceField)
        team.queryset = editing_teams_of(user)
        if glossary is not None and glossary.owner_id != user.pk:
            del self.fields["team"]


class TermForm(forms.Form):
    source = forms.CharField(label="Term", max_length=GLOSSARY_TERM_MAX)
    target = forms.CharField(
        label="Becomes",
        max_length=GLOSSARY_TERM_MAX,
        required=False,
        help_text="Left empty, the term stays as it is.",
    )


class CsvForm(forms.Form):
    file = forms.FileField(
        label="CSV file",
        help_text="One term a line: <code>term,becomes</code>. Commas, semicolons and tabs are "
        "understood, a first line <code>source,target</code> is left out.",
        widget=forms.FileInput(attrs={"accept": ".csv,.tsv,.txt,text/csv"}),
    )
    replace = forms.BooleanField(
        label="Replace all terms", required=False, help_text="What is not in the file goes."
    )
