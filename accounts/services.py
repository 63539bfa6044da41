"""Writes: making people, making and revoking their tokens."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import timedelta

from django.contrib.auth.password_validation import validate_password
from django.core.exceptions import ValidationError
from django.core.validators import validate_email
from django.db import transaction
from knox.models import AuthToken

from accounts.models import ApiToken, User

TOKENS_MAX = 50
"""Tokens that one person may hold at a time."""


class TokenLimitReachedError(Exception):
    """The person holds as many tokens as are allowed; one must be revoked first."""


@dataclass(frozen=True, slots=True)
class NewToken:
    """The only moment at which the token itself is known."""

    record: ApiToken
    token: str


def create_user(*, email: str, password: str | None, is_staff: bool = False) -> User:
    """Make a person. No password: they can use tokens only. Raises ValidationError."""
    validate_email(email)
    user = User(email=email)
    user.full_clean(exclude=["password"])
    if password is not None:
        validate_password(password, user)
    if is_staff:
        return User.objects.create_superuser(email, password)
    return User.objects.create_user(email, password)


@transaction.atomic
def create_token(
    user: User, *, name: str, lasts: timedelta | None = None, endless: bool = False
) -> NewToken:
    """Make a token; without ``lasts`` it expires as the settings say.

    Raises ValidationError for a wrong name or life, TokenLimitReachedError.
    """
    name = name.strip()
    if not name or len(name) > 100:
        raise ValidationError("A token's name has 1 to 100 characters.")
    if lasts is not None and lasts <= timedelta(0):
        raise ValidationError("A token's life must be longer than nothing.")
    # The lock makes the count hold when two requests come at once.
    User.objects.select_for_update().get(pk=user.pk)
    if ApiToken.objects.filter(auth_token__user=user).count() >= TOKENS_MAX:
        raise TokenLimitReachedError(f"You hold {TOKENS_MAX} tokens; revoke one first.")
    if endless:
        record, token = AuthToken.objects.create(user, expiry=None)
    elif lasts is not None:
        record, token = AuthToken.objects.create(user, expiry=lasts)
    else:
        record, token = AuthToken.objects.create(user)
    return NewToken(ApiToken.objects.create(auth_token=record, name=name), token)


def revoke_token(user: User, *, token_id: int) -> bool:
    """Delete one of the user's own tokens; False when there is no such token."""
    deleted, _ = AuthToken.objects.filter(user=user, label__pk=token_id).delete()
    return bool(deleted)
