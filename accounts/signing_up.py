"""Who may make an account on the pages: everyone, the invited, or nobody."""

from __future__ import annotations

from allauth.account.forms import SignupForm
from allauth.core import context
from django import forms
from django.conf import settings
from django.http import HttpRequest
from django.utils import timezone

from accounts.models import Invitation

INVITED = "invitation"
"""In the login session: the invitation whose link was opened."""


def may_sign_up(request: HttpRequest) -> bool:
    if settings.SIGN_UP == "invited":
        return invitation_in(request) is not None
    return bool(settings.SIGN_UP == "open")


def invitation_in(request: HttpRequest) -> Invitation | None:
    """The living invitation whose link was opened in this browser."""
    number = request.session.get(INVITED)
    if number is None:
        return None
    return Invitation.objects.filter(pk=number, expires_at__gt=timezone.now()).first()


class AccountSignupForm(SignupForm):  # type: ignore[misc]  # allauth is untyped
    """Where only the invited may come, they come with the address that was invited."""

    def clean_email(self) -> str:
        email: str = super().clean_email()
        if settings.SIGN_UP == "invited":
            found = invitation_in(context.request)
            if found is None or found.email.lower() != email.lower():
                raise forms.ValidationError("Use the address to which the invitation was sent.")
        return email
