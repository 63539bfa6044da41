"""Forms of the settings pages."""

from __future__ import annotations

from typing import Any

from django import forms

from accounts.models import Role
from accounts.preferences import LANGUAGES
from accounts.rest.scopes import EVERYTHING, SCOPES

LIFE_CHOICES = (("30", "30 days"), ("90", "90 days"), ("365", "One year"), ("3650", "Ten years"))


class NewTokenForm(forms.Form):
    name = forms.CharField(
        max_length=100,
        help_text="What will use it, such as “laptop” or “subtitle script”.",
    )
    days = forms.TypedChoiceField(
        label="Expires after", choices=LIFE_CHOICES, coerce=int, initial="365"
    )
    scopes = forms.MultipleChoiceField(
        label="It may",
        choices=[(name, text) for name, text in SCOPES.items() if name != EVERYTHING],
        required=False,
        widget=forms.CheckboxSelectMultiple,
        help_text="None chosen: everything that you may do.",
    )

    def clean_scopes(self) -> list[str]:
        return self.cleaned_data["scopes"] or [EVERYTHING]


class PreferencesForm(forms.Form):
    target_language = forms.ChoiceField(
        label="Dub into",
        required=False,
        choices=[("", "No preference"), *LANGUAGES.items()],
        help_text="Chosen at first wherever you start dubbing.",
    )
    always_dub = forms.MultipleChoiceField(
        label="Always dub",
        required=False,
        choices=list(LANGUAGES.items()),
        help_text="The extension offers to dub these at once. Hold Ctrl, or ⌘ on a Mac, to "
        "choose several.",
    )
    never_dub = forms.MultipleChoiceField(
        label="Never dub",
        required=False,
        choices=list(LANGUAGES.items()),
        help_text="What you understand anyway.",
    )

    def __init__(self, *args: Any, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        for name in ("always_dub", "never_dub"):
            self.fields[name].widget.attrs["size"] = 9


class TeamForm(forms.Form):
    name = forms.CharField(label="Name of the team", max_length=100)


class InvitationForm(forms.Form):
    email = forms.EmailField(label="E-mail address")
    role = forms.ChoiceField(choices=Role.choices, initial=Role.EDITOR)


class RoleForm(forms.Form):
    role = forms.ChoiceField(choices=Role.choices)


class DeleteAccountForm(forms.Form):
    email = forms.EmailField(
        label="Your e-mail address",
        help_text="Type it to show that you mean it.",
        widget=forms.EmailInput(attrs={"autocomplete": "off"}),
    )

    def __init__(self, *args: Any, address: str, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        self._address = address

    def clean_email(self) -> str:
        email: str = self.cleaned_data["email"]
        if email.strip().lower() != self._address:
            raise forms.ValidationError("This is not the address of your account.")
        return email
