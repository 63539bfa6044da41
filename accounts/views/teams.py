"""``/teams``: the user's teams, who is in them, and who is asked in."""

from __future__ import annotations

import functools
from collections.abc import Callable
from typing import Any, cast

from django.contrib import messages
from django.contrib.auth.decorators import login_required
from django.core.exceptions import PermissionDenied, ValidationError
from django.forms import Form
from django.http import Http404, HttpRequest, HttpResponse
from django.shortcuts import redirect, render
from django.views.decorators.http import require_http_methods, require_POST, require_safe

from accounts import teams as service
from accounts.forms import InvitationForm, RoleForm, TeamForm
from accounts.invitation_mail import send_invitation
from accounts.models import Membership, Role, User
from accounts.selectors import membership_of, teams_of

View = Callable[..., HttpResponse]


def answering(view: View) -> View:
    """The service's refusals as answers: what is not the user's to see does not exist."""

    @functools.wraps(view)
    def answered(request: HttpRequest, *args: Any, **kwargs: Any) -> HttpResponse:
        try:
            return view(request, *args, **kwargs)
        except service.TeamMissingError:
            raise Http404 from None
        except service.NotAllowedError as reason:
            raise PermissionDenied(str(reason)) from None
        except service.LastOwnerError as reason:
            messages.error(request, str(reason))
            return redirect("team", kwargs["team_id"])

    return answered


@login_required
@require_http_methods(["GET", "HEAD", "POST"])
def teams(request: HttpRequest) -> HttpResponse:
    user = cast(User, request.user)
    form = TeamForm(request.POST or None)
    if request.method == "POST" and form.is_valid():
        try:
            made = service.create_team(user, name=form.cleaned_data["name"])
        except ValidationError as wrong:
            form.add_error(None, wrong)
        else:
            return redirect("team", made.pk)
    return render(request, "teams/list.html", {"form": form, "memberships": teams_of(user)})


@login_required
@require_safe
@answering
def team(request: HttpRequest, team_id: int) -> HttpResponse:
    return _page(request, team_id)


@login_required
@require_POST
@answering
def rename(request: HttpRequest, team_id: int) -> HttpResponse:
    form = TeamForm(request.POST)
    if form.is_valid():
        try:
            service.rename_team(cast(User, request.user), team_id, **form.cleaned_data)
            return redirect("team", team_id)
        except ValidationError as wrong:
            form.add_error(None, wrong)
    return _page(request, team_id, rename_form=form)


@login_required
@require_POST
@answering
def delete(request: HttpRequest, team_id: int) -> HttpResponse:
    service.delete_team(cast(User, request.user), team_id)
    messages.success(request, "The team is deleted. What its members made stays with them.")
    return redirect("teams")


@login_required
@require_POST
@answering
def invite(request: HttpRequest, team_id: int) -> HttpResponse:
    form = InvitationForm(request.POST)
    if form.is_valid():
        try:
            new = service.invite(cast(User, request.user), team_id, **form.cleaned_data)
        except ValidationError as wrong:
            form.add_error(None, wrong)
        else:
            link = send_invitation(request, new)
            # The link is shown this once, for a mail may be lost and a server may have none.
            return _page(request, team_id, link=link, invited=new.invitation.email)
    return _page(request, team_id, invitation_form=form)


@login_required
@require_POST
@answering
def withdraw(request: HttpRequest, team_id: int, invitation_id: int) -> HttpResponse:
    service.withdraw(cast(User, request.user), team_id, invitation_id=invitation_id)
    return redirect("team", team_id)


@login_required
@require_POST
@answering
def change_role(request: HttpRequest, team_id: int, member_id: int) -> HttpResponse:
    form = RoleForm(request.POST)
    if not form.is_valid():
        messages.error(request, f"Choose one of: {', '.join(Role.values)}.")
    else:
        service.change_role(
            cast(User, request.user), team_id, member_id=member_id, **form.cleaned_data
        )
        messages.success(request, "The role is changed.")
    return redirect("team", team_id)


@login_required
@require_POST
@answering
def remove_member(request: HttpRequest, team_id: int, member_id: int) -> HttpResponse:
    left = service.remove_member(cast(User, request.user), team_id, member_id=member_id)
    if left:
        messages.success(request, "You have left the team.")
        return redirect("teams")
    return redirect("team", team_id)


def _page(request: HttpRequest, team_id: int, **more: Form | str | None) -> HttpResponse:
    mine = membership_of(cast(User, request.user), team_id)
    if mine is None:
        raise Http404
    members = (
        Membership.objects.filter(team_id=team_id).select_related("user").order_by("joined_at")
    )
    context = {
        "team": mine.team,
        "mine": mine,
        "owner": mine.role == Role.OWNER,
        "members": members,
        "invitations": mine.team.invitations.order_by("email"),
        "roles": Role.choices,
        "rename_form": TeamForm(initial={"name": mine.team.name}),
        "invitation_form": InvitationForm(),
        **more,
    }
    return render(request, "teams/one.html", context)
