"""Pages for staff: which engines serve, and does each work with its key?"""

from __future__ import annotations

from django.conf import settings
from django.contrib.auth.decorators import login_required
from django.core.exceptions import PermissionDenied
from django.http import HttpRequest, HttpResponse
from django.shortcuts import render
from django.views.decorators.cache import never_cache
from django.views.decorators.http import require_http_methods

from sessions_app.engines import loaded
from sessions_app.engines.engine_access import installation_access
from sessions_app.engines.engine_list import Checked, check_installation, engines_for


@never_cache
@login_required
@require_http_methods(["GET", "HEAD", "POST"])
def engines_page(request: HttpRequest) -> HttpResponse:
    """A POST checks: each check calls a vendor, which a mere look should not."""
    # Not a redirect to the login: who is logged in already would come round in circles.
    if not request.user.is_staff:
        raise PermissionDenied
    checks: list[Checked] | None = check_installation() if request.method == "POST" else None
    status = loaded.engine_status()
    context = {
        "setting": settings.ENGINES,
        "user_keys": settings.ALLOW_USER_KEYS,
        "checks": checks,
        "sets": status["sets"],
        **engines_for(installation_access()),
    }
    return render(request, "staff/engines.html", context)
