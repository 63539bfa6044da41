"""Reads about people, their tokens and their keys of vendors."""

from __future__ import annotations

from dataclasses import dataclass, field

from django.db.models import Count, QuerySet

from accounts.models import ApiToken, EngineKey, Membership, Team, User
from accounts.ownership import EDITING_ROLES
from accounts.sealing import SealBrokenError, unseal


@dataclass(frozen=True, slots=True)
class OpenedKey:
    """A key as its vendor takes it."""

    vendor: str
    value: str | None = field(repr=False)
    """None: it can no longer be read, because SECRET_KEY has changed, and must be given anew."""


def user_by_email(email: str) -> User | None:
    return User.objects.filter(email__iexact=email.strip()).first()


def edits_in(user_id: int, team_id: int) -> bool:
    """Whether what the user makes may be shared with the team."""
    return Membership.objects.filter(
        user_id=user_id, team_id=team_id, role__in=EDITING_ROLES
    ).exists()


def is_member(user_id: int, team_id: int) -> bool:
    return Membership.objects.filter(user_id=user_id, team_id=team_id).exists()


def addresses_in(team_id: int, *, seen_by: User) -> dict[int, str]:
    """Id → e-mail address of a team's members, as its page tells them; empty for outsiders."""
    if not is_member(seen_by.pk, team_id):
        return {}
    members = Membership.objects.filter(team_id=team_id)
    return dict(members.values_list("user_id", "user__email"))


def tokens_of(user: User) -> QuerySet[ApiToken]:
    """The user's own tokens, newest first."""
    return (
        ApiToken.objects.filter(auth_token__user=user)
        .select_related("auth_token")
        .order_by("-auth_token__created", "-pk")
    )


def engine_keys_of(user: User) -> QuerySet[EngineKey]:
    """The user's own keys, by vendor."""
    return EngineKey.objects.filter(user=user).order_by("vendor")


def opened_keys(user_id: int) -> dict[str, OpenedKey]:
    """Vendor → the user's own key, for engines and nothing else."""
    return {
        one.vendor: OpenedKey(one.vendor, opened(one))
        for one in EngineKey.objects.filter(user_id=user_id)
    }


def opened(key: EngineKey) -> str | None:
    """The key itself; None when nothing here opens it any more."""
    try:
        return unseal(key.sealed, purpose=key.purpose)
    except SealBrokenError:
        return None


def teams_of(user: User) -> QuerySet[Membership]:
    """The user's memberships, by the team's name, each with its team's ``people``."""
    return (
        Membership.objects.filter(user=user)
        .select_related("team")
        .annotate(people=Count("team__memberships"))
        .order_by("team__name", "team_id")
    )


def editing_teams_of(user: User) -> QuerySet[Team]:
    """Teams in which the user may edit, by name."""
    return Team.objects.filter(
        memberships__user=user, memberships__role__in=EDITING_ROLES
    ).order_by("name", "pk")


def membership_of(user: User, team_id: int) -> Membership | None:
    """The user's own, with the team; None: they are not in it, or there is none."""
    return Membership.objects.filter(user=user, team_id=team_id).select_related("team").first()
