"""``/settings/engines``: which engines one's sessions get, and one's own keys for them."""

from __future__ import annotations

from typing import Any, cast

from django import forms
from django.conf import settings
from django.contrib import messages
from django.contrib.auth.decorators import login_required
from django.core.cache import cache
from django.http import HttpRequest, HttpResponse
from django.shortcuts import redirect, render
from django.views.decorators.cache import never_cache
from django.views.decorators.debug import sensitive_post_parameters
from django.views.decorators.http import require_http_methods, require_POST

from accounts.models import EngineKey, User
from accounts.selectors import engine_keys_of, opened
from accounts.services import UserKeysOffError, forget_engine_key, keep_engine_key
from pipeline.bounds import ENGINE_KEY_MAX_CHARS
from pipeline.providers.catalogue import VENDORS
from pipeline.providers.keys import KeyShapeError
from sessions_app.engines.engine_access import access_of
from sessions_app.engines.engine_list import Checked, check_keys_of, engines_for

CHECK_EVERY_S = 5
"""Every check is a call to a vendor, on somebody's account."""


class KeyForm(forms.Form):
    vendor = forms.ChoiceField(choices=list(VENDORS.items()))
    key = forms.CharField(
        max_length=ENGINE_KEY_MAX_CHARS,
        help_text="An API key, or for Google the whole JSON of a service account. It is kept "
        "sealed and shown to nobody, not even you.",
        widget=forms.Textarea(
            attrs={"rows": 3, "autocomplete": "off", "spellcheck": "false", "autocapitalize": "off"}
        ),
    )


@sensitive_post_parameters("key")
@never_cache
@login_required
@require_http_methods(["GET", "HEAD", "POST"])
def engines(request: HttpRequest) -> HttpResponse:
    user = cast(User, request.user)
    form = KeyForm(request.POST or None)
    if request.method == "POST" and form.is_valid():
        try:
            kept = keep_engine_key(
                user, vendor=form.cleaned_data["vendor"], text=form.cleaned_data["key"]
            )
        except KeyShapeError as wrong:
            form.add_error("key", str(wrong))
        except UserKeysOffError as reason:
            form.add_error(None, str(reason))
        else:
            messages.success(request, f"Kept your key of {VENDORS[kept.vendor]}'s. Check it below.")
            return redirect("settings-engines")
    return _page(request, form=form)


@login_required
@require_POST
def forget(request: HttpRequest, vendor: str) -> HttpResponse:
    if forget_engine_key(cast(User, request.user), vendor=vendor):
        messages.success(request, "The key is gone from this server.")
    return redirect("settings-engines")


@never_cache
@login_required
@require_POST
def check(request: HttpRequest) -> HttpResponse:
    user = cast(User, request.user)
    if not cache.add(f"engine check {user.pk}", 1, CHECK_EVERY_S):
        messages.warning(request, "You checked just now; wait a few seconds.")
        return redirect("settings-engines")
    return _page(request, checks=check_keys_of(user.pk))


def _page(
    request: HttpRequest, *, form: KeyForm | None = None, checks: list[Checked] | None = None
) -> HttpResponse:
    user = cast(User, request.user)
    context: dict[str, Any] = {
        "allowed": settings.ALLOW_USER_KEYS,
        "form": form or KeyForm(),
        "keys": [_shown(key) for key in engine_keys_of(user)],
        "checks": checks,
        **engines_for(access_of(user.pk)),
    }
    return render(request, "settings/engines.html", context)


def _shown(key: EngineKey) -> dict[str, Any]:
    return {"key": key, "vendor": VENDORS[key.vendor], "readable": opened(key) is not None}
