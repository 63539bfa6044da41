"""What this app keeps of a person: see ``accounts.personal_data``."""

from __future__ import annotations

from collections.abc import Iterator

from django.db.models import QuerySet

from accounts.models import Membership, Role, Team, User
from accounts.personal_data import Keeper, Rows, forget_export
from accounts.preferences import preferences_of
from accounts.selectors import engine_keys_of, teams_of, tokens_of
from pipeline.text.bidi import isolated


def export(user: User) -> Iterator[tuple[str, Rows]]:
    """Never a secret: of tokens and keys only what the pages show of them."""
    yield (
        "account",
        [{"email": user.email, "joined_at": user.date_joined, "last_login_at": user.last_login}],
    )
    kept = preferences_of(user)
    yield (
        "preferences",
        [
            {
                "target_language": kept.target_language,
                "always_dub": kept.always_dub,
                "never_dub": kept.never_dub,
            }
        ],
    )
    yield (
        "teams",
        [
            {"team": one.team.name, "role": one.role, "joined_at": one.joined_at}
            for one in teams_of(user)
        ],
    )
    yield (
        "tokens",
        [
            {
                "name": one.name,
                "created_at": one.auth_token.created,
                "expires_at": one.auth_token.expiry,
            }
            for one in tokens_of(user)
        ],
    )
    yield (
        "engine_keys",
        [
            {"vendor": one.vendor, "ends_in": one.hint, "created_at": one.created_at}
            for one in engine_keys_of(user)
        ],
    )


def obstacle(user: User) -> str | None:
    """Teams that would be left without an owner."""
    mine, others = _memberships(user)
    orphans = (
        Team.objects.filter(pk__in=mine.filter(role=Role.OWNER).values("team"))
        .filter(pk__in=others.values("team"))
        .exclude(pk__in=others.filter(role=Role.OWNER).values("team"))
        .order_by("name")
    )
    names = ", ".join(f"“{isolated(team.name)}”" for team in orphans)
    if not names:
        return None
    return (
        f"You are the only owner of {names}, where others are too: make somebody else an owner, "
        "or delete the team."
    )


def forget(user: User) -> None:
    """Teams in which nobody else is, and the copy of their data."""
    mine, others = _memberships(user)
    Team.objects.filter(pk__in=mine.values("team")).exclude(pk__in=others.values("team")).delete()
    forget_export(user)


def _memberships(user: User) -> tuple[QuerySet[Membership], QuerySet[Membership]]:
    """The user's own, and everybody else's."""
    return Membership.objects.filter(user=user), Membership.objects.exclude(user=user)


KEEPER = Keeper(export=export, obstacle=obstacle, forget=forget)
