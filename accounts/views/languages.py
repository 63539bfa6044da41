"""``/settings/languages``: into which language, and what is always or never dubbed."""

from __future__ import annotations

from typing import cast

from django.contrib import messages
from django.contrib.auth.decorators import login_required
from django.core.exceptions import ValidationError
from django.http import HttpRequest, HttpResponse
from django.shortcuts import redirect, render
from django.views.decorators.http import require_http_methods

from accounts.forms import PreferencesForm
from accounts.models import User
from accounts.preferences import preferences_of, set_preferences


@login_required
@require_http_methods(["GET", "HEAD", "POST"])
def languages(request: HttpRequest) -> HttpResponse:
    user = cast(User, request.user)
    kept = preferences_of(user)
    form = PreferencesForm(
        request.POST or None,
        initial={
            "target_language": kept.target_language,
            "always_dub": kept.always_dub,
            "never_dub": kept.never_dub,
        },
    )
    if request.method == "POST" and form.is_valid():
        try:
            set_preferences(user, **form.cleaned_data)
        except ValidationError as wrong:
            form.add_error(None, wrong)
        else:
            messages.success(request, "Saved.")
            return redirect("settings-languages")
    return render(request, "settings/languages.html", {"form": form})
