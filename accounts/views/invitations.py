"""``/invitations/<secret>``: who was asked into a team looks at it and accepts."""

from __future__ import annotations

from django.contrib import messages
from django.core.exceptions import ValidationError
from django.http import HttpRequest, HttpResponse
from django.shortcuts import redirect, render
from django.views.decorators.cache import never_cache
from django.views.decorators.http import require_http_methods

from accounts.signing_up import INVITED
from accounts.teams import InvitationWrongError, accept, invitation_of
from pipeline.text.bidi import isolated


@never_cache
@require_http_methods(["GET", "HEAD", "POST"])
def invitation(request: HttpRequest, secret: str) -> HttpResponse:
    found = invitation_of(secret)
    if found is None:
        return render(request, "teams/invitation_gone.html", status=404)
    user = request.user
    if not user.is_authenticated:
        # Opens the sign-up where only the invited may make an account.
        request.session[INVITED] = found.pk
        return render(request, "teams/invitation.html", {"invitation": found})
    if request.method == "POST":
        try:
            team = accept(user, secret=secret)
        except InvitationWrongError:
            messages.error(request, "This invitation is for another address.")
        except ValidationError as wrong:
            messages.error(request, " ".join(wrong.messages))
        else:
            request.session.pop(INVITED, None)
            messages.success(request, f"You are in {isolated(team.name)} now.")
            return redirect("team", team.pk)
    fits = found.email.lower() == user.email.lower()
    return render(request, "teams/invitation.html", {"invitation": found, "fits": fits})
