"""Reads about people and their tokens."""

from __future__ import annotations

from django.db.models import QuerySet

from accounts.models import ApiToken, User


def user_by_email(email: str) -> User | None:
    return User.objects.filter(email__iexact=email.strip()).first()


def tokens_of(user: User) -> QuerySet[ApiToken]:
    """The user's own tokens, newest first."""
    return (
        ApiToken.objects.filter(auth_token__user=user)
        .select_related("auth_token")
        .order_by("-auth_token__created", "-pk")
    )
