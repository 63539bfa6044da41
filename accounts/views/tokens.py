"""``/settings/tokens``: made here, shown once, taken away."""

from __future__ import annotations

from datetime import timedelta
from typing import cast

from allauth.account.decorators import reauthentication_required
from django.contrib import messages
from django.contrib.auth.decorators import login_required
from django.core.exceptions import ValidationError
from django.http import HttpRequest, HttpResponse
from django.shortcuts import redirect, render
from django.views.decorators.cache import never_cache
from django.views.decorators.http import require_http_methods, require_POST

from accounts.forms import NewTokenForm
from accounts.models import User
from accounts.selectors import tokens_of
from accounts.services import NewToken, TokenLimitReachedError, create_token, revoke_token


@never_cache
@login_required
@require_http_methods(["GET", "HEAD", "POST"])
def tokens(request: HttpRequest) -> HttpResponse:
    """A POST makes a token and shows it: not a redirect, so that it is kept nowhere."""
    user = cast(User, request.user)
    form = NewTokenForm(request.POST or None)
    new: NewToken | None = None
    if request.method == "POST" and form.is_valid():
        try:
            new = create_token(
                user,
                name=form.cleaned_data["name"],
                lasts=timedelta(days=form.cleaned_data["days"]),
                scopes=form.cleaned_data["scopes"],
            )
            form = NewTokenForm()
        except TokenLimitReachedError as reason:
            form.add_error(None, str(reason))
        except ValidationError as wrong:
            form.add_error("name", wrong.messages)
    context = {"form": form, "new": new, "tokens": tokens_of(user)}
    return render(request, "settings/tokens.html", context)


@login_required
@require_POST
def revoke(request: HttpRequest, token_id: int) -> HttpResponse:
    if revoke_token(cast(User, request.user), token_id=token_id):
        messages.success(request, "The token opens nothing any more.")
    return redirect("settings-tokens")


guarded_tokens = reauthentication_required(tokens, allow_get=True)
"""A token outlives the login, so making one asks for the password again after a while."""
