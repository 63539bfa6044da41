"""The mail that asks somebody into a team."""

from __future__ import annotations

from allauth.account.adapter import get_adapter
from django.http import HttpRequest
from django.urls import reverse

from accounts.teams import NewInvitation


def send_invitation(request: HttpRequest, new: NewInvitation) -> str:
    """Sends it, as far as that is possible, and gives the link."""
    link = request.build_absolute_uri(reverse("invitation", args=[new.secret]))
    invitation = new.invitation
    context = {"link": link, "team": invitation.team, "by": invitation.invited_by}
    get_adapter().send_mail("teams/email/invitation", invitation.email, context)
    return link
