"""``/settings/account``: the address, the password and what protects them, at a glance."""

from __future__ import annotations

from typing import Any, cast

from allauth.account.models import EmailAddress
from allauth.mfa.models import Authenticator
from allauth.usersessions.models import UserSession
from django.contrib.auth.decorators import login_required
from django.http import HttpRequest, HttpResponse
from django.shortcuts import render
from django.views.decorators.http import require_safe

from accounts.models import User


@login_required
@require_safe
def account(request: HttpRequest) -> HttpResponse:
    user = cast(User, request.user)
    found: dict[str, Any] = {
        "verified": EmailAddress.objects.filter(
            user=user, email__iexact=user.email, verified=True
        ).exists(),
        "two_factor": Authenticator.objects.filter(
            user=user, type=Authenticator.Type.TOTP
        ).exists(),
        "devices": UserSession.objects.purge_and_list(user),
    }
    return render(request, "settings/account.html", found)
