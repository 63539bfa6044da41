"""Teams: made, joined by invitation, left, ended. Every write takes the acting user.

What the acting user may not see is "not there" (``TeamMissingError``), what they may see but
not do is ``NotAllowedError``.
"""

from __future__ import annotations

import hashlib
import secrets
from dataclasses import dataclass
from datetime import timedelta

from django.core.exceptions import ValidationError
from django.core.validators import validate_email
from django.db import transaction
from django.utils import timezone

from accounts.models import Invitation, Membership, Role, Team, User
from pipeline.bounds import INVITATION_DAYS, MEMBERS_MAX, TEAMS_MAX

INVITATION_LASTS = timedelta(days=INVITATION_DAYS)


class TeamMissingError(Exception):
    """There is no such team, member or invitation, or it is not the user's to see."""


class NotAllowedError(Exception):
    """The user's role does not allow it; the text says what would."""


class LastOwnerError(Exception):
    """The team would be left without an owner."""

    def __init__(self) -> None:
        super().__init__("A team needs an owner: make somebody else one first, or delete the team.")


class InvitationWrongError(Exception):
    """The invitation was used, withdrawn, has expired, or is for somebody else."""


@dataclass(frozen=True, slots=True)
class NewInvitation:
    """The only moment at which the link's secret is known."""

    invitation: Invitation
    secret: str


@transaction.atomic
def create_team(user: User, *, name: str) -> Team:
    """Raises ValidationError."""
    User.objects.select_for_update().get(pk=user.pk)
    if Membership.objects.filter(user=user).count() >= TEAMS_MAX:
        raise ValidationError(f"You are in {TEAMS_MAX} teams; leave one first.")
    team = Team.objects.create(name=_team_name(name))
    Membership.objects.create(team=team, user=user, role=Role.OWNER)
    return team


@transaction.atomic
def rename_team(user: User, team_id: int, *, name: str) -> None:
    """Raises ValidationError, TeamMissingError, NotAllowedError."""
    team = _owned(user, team_id)
    team.name = _team_name(name)
    team.save(update_fields=["name"])


@transaction.atomic
def delete_team(user: User, team_id: int) -> None:
    """What members shared with it stays with them. Raises TeamMissingError, NotAllowedError."""
    _owned(user, team_id).delete()


@transaction.atomic
def invite(user: User, team_id: int, *, email: str, role: str) -> NewInvitation:
    """Ask somebody in, in place of an earlier invitation of theirs.

    Raises ValidationError, TeamMissingError, NotAllowedError.
    """
    team = _owned(user, team_id)
    email = email.strip().lower()
    validate_email(email)
    if role not in Role.values:
        raise ValidationError({"role": f"Choose one of: {', '.join(Role.values)}."})
    if team.memberships.filter(user__email__iexact=email).exists():
        raise ValidationError({"email": "They are in the team already."})
    now = timezone.now()
    team.invitations.filter(email__iexact=email).delete()
    team.invitations.filter(expires_at__lte=now).delete()
    if team.memberships.count() + team.invitations.count() >= MEMBERS_MAX:
        raise ValidationError(f"A team has at most {MEMBERS_MAX} members, with those invited.")
    secret = secrets.token_urlsafe(32)
    made = Invitation.objects.create(
        team=team,
        email=email,
        role=role,
        digest=_digest(secret),
        invited_by=user,
        expires_at=now + INVITATION_LASTS,
    )
    return NewInvitation(made, secret)


@transaction.atomic
def withdraw(user: User, team_id: int, *, invitation_id: int) -> None:
    """Raises TeamMissingError, NotAllowedError."""
    _owned(user, team_id).invitations.filter(pk=invitation_id).delete()


def invitation_of(secret: str) -> Invitation | None:
    """The living invitation with this secret."""
    return (
        Invitation.objects.select_related("team", "invited_by")
        .filter(digest=_digest(secret), expires_at__gt=timezone.now())
        .first()
    )


@transaction.atomic
def accept(user: User, *, secret: str) -> Team:
    """Join. The link alone does not do: it must have been sent to the user's own address, so
    that a mail that is passed on lets nobody else in.

    Raises InvitationWrongError, ValidationError.
    """
    found = (
        Invitation.objects.select_for_update()
        .filter(digest=_digest(secret), expires_at__gt=timezone.now())
        .first()
    )
    if found is None or found.email.lower() != user.email.lower():
        raise InvitationWrongError
    if Membership.objects.filter(user=user).count() >= TEAMS_MAX:
        raise ValidationError(f"You are in {TEAMS_MAX} teams; leave one first.")
    team = found.team
    Membership.objects.get_or_create(team=team, user=user, defaults={"role": found.role})
    found.delete()
    return team


@transaction.atomic
def change_role(user: User, team_id: int, *, member_id: int, role: str) -> None:
    """Raises ValidationError, TeamMissingError, NotAllowedError, LastOwnerError."""
    team = _owned(user, team_id)
    if role not in Role.values:
        raise ValidationError({"role": f"Choose one of: {', '.join(Role.values)}."})
    member = _member(team, member_id)
    if member.role == Role.OWNER and role != Role.OWNER:
        _refuse_last_owner(team)
    member.role = role
    member.save(update_fields=["role"])


@transaction.atomic
def remove_member(user: User, team_id: int, *, member_id: int) -> bool:
    """Anyone may leave; owners may remove others. True: the user has left.

    Raises TeamMissingError, NotAllowedError, LastOwnerError.
    """
    team = _seen(user, team_id)
    member = _member(team, member_id)
    if member.user_id != user.pk:
        team = _owned(user, team_id)
    if member.role == Role.OWNER:
        _refuse_last_owner(team)
    member.delete()
    return member.user_id == user.pk


def _seen(user: User, team_id: int) -> Team:
    # The lock makes the rule of the last owner hold when two leave at once.
    team = (
        Team.objects.select_for_update(of=("self",))
        .filter(pk=team_id, memberships__user=user)
        .first()
    )
    if team is None:
        raise TeamMissingError
    return team


def _owned(user: User, team_id: int) -> Team:
    team = _seen(user, team_id)
    if not team.memberships.filter(user=user, role=Role.OWNER).exists():
        raise NotAllowedError("Only owners of the team may do this.")
    return team


def _member(team: Team, member_id: int) -> Membership:
    member = team.memberships.filter(pk=member_id).first()
    if member is None:
        raise TeamMissingError
    return member


def _refuse_last_owner(team: Team) -> None:
    if team.memberships.filter(role=Role.OWNER).count() < 2:
        raise LastOwnerError


def _team_name(name: str) -> str:
    name = " ".join(name.replace("\0", "").split())
    if not name or len(name) > 100:
        raise ValidationError({"name": "A team's name has 1 to 100 characters."})
    return name


def _digest(secret: str) -> str:
    return hashlib.sha256(secret.encode()).hexdigest()
