"""Pairing the browser extension: a code to type, or one click from the extension's own page.

The extension opens ``/account/pair-extension?name=<of the browser>&state=<its nonce>``. When
the person agrees, the page posts the code to its own window, where the extension's content
script takes it: see ``static/pairing.js``.
"""

from __future__ import annotations

import re
from typing import cast

from django.contrib import messages
from django.contrib.auth.decorators import login_required
from django.http import HttpRequest, HttpResponse
from django.shortcuts import redirect, render
from django.views.decorators.cache import never_cache
from django.views.decorators.http import require_http_methods, require_POST

from accounts.models import User
from accounts.pairing import issue_code
from accounts.selectors import tokens_of
from accounts.services import revoke_token

_STATE = re.compile(r"[A-Za-z0-9_-]{16,128}")


@never_cache
@login_required
@require_http_methods(["GET", "HEAD", "POST"])
def extension(request: HttpRequest) -> HttpResponse:
    """A POST makes a code, which is shown this once."""
    user = cast(User, request.user)
    code = issue_code(user) if request.method == "POST" else None
    paired = tokens_of(user).filter(paired=True)
    return render(request, "settings/extension.html", {"code": code, "paired": paired})


@never_cache
@login_required
@require_http_methods(["GET", "HEAD", "POST"])
def pair_extension(request: HttpRequest) -> HttpResponse:
    name = request.GET.get("name", "").strip()[:100] or "Browser extension"
    state = request.GET.get("state", "")
    if not _STATE.fullmatch(state):
        # Nobody waits for a code: somebody followed a link to here.
        return redirect("extension")
    code = issue_code(cast(User, request.user)) if request.method == "POST" else None
    context = {"name": name, "state": state, "code": code}
    return render(request, "settings/pair_extension.html", context)


@login_required
@require_POST
def unpair(request: HttpRequest, token_id: int) -> HttpResponse:
    if revoke_token(cast(User, request.user), token_id=token_id):
        messages.success(request, "Disconnected. That browser has to be paired again.")
    return redirect("extension")
