"""What every page's template knows."""

from __future__ import annotations

from typing import Any

from django.conf import settings
from django.http import HttpRequest

from accounts.signing_up import may_sign_up


def portal(request: HttpRequest) -> dict[str, Any]:
    return {
        # A request that was refused early has no session yet.
        "sign_up_open": hasattr(request, "session") and may_sign_up(request),
        "mail_works": bool(settings.EMAIL_URL),
    }
