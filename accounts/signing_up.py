"""Who may make an account on the pages: everyone, the invited, or nobody."""

from __future__ import annotations

from django.conf import settings
from django.http import HttpRequest

INVITED = "invitation"
"""In the login session: the invitation whose link was opened."""


def may_sign_up(request: HttpRequest) -> bool:
    if settings.SIGN_UP == "invited":
        return INVITED in request.session
    return bool(settings.SIGN_UP == "open")
