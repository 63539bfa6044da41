"""Writes: making people, making and revoking their tokens, keeping their keys of vendors."""

from __future__ import annotations

import hashlib
import secrets
from collections.abc import Collection
from dataclasses import dataclass
from datetime import timedelta

from allauth.account.models import EmailAddress
from allauth.mfa.models import Authenticator
from django.conf import settings
from django.contrib.auth.password_validation import validate_password
from django.core.exceptions import ValidationError
from django.core.validators import validate_email
from django.db import transaction
from django.utils import timezone
from django.views.decorators.debug import sensitive_variables
from knox.models import AuthToken

from accounts.models import ApiToken, EngineKey, Ticket, User
from accounts.rest.scopes import EVERYTHING, SCOPES
from accounts.sealing import SealBrokenError, is_current, reseal_rows, seal, unseal
from pipeline.bounds import TICKET_S, TICKETS_MAX, TOKENS_MAX
from pipeline.providers.keys import shaped

TWO_FACTOR = "two-factor secret"
"""What those are sealed for."""
SEALED_OF_TWO_FACTOR = frozenset({"secret", "seed"})
TICKET_LASTS = timedelta(seconds=TICKET_S)


class TokenLimitReachedError(Exception):
    """The person holds as many tokens as are allowed; one must be revoked first."""


class UserKeysOffError(Exception):
    """ALLOW_USER_KEYS is off: people's own keys are neither taken nor used here."""


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
    with transaction.atomic():
        make = User.objects.create_superuser if is_staff else User.objects.create_user
        made = make(email, password)
        # Whoever makes an account for somebody vouches for the address.
        EmailAddress.objects.create(user=made, email=made.email, verified=True, primary=True)
    return made


@transaction.atomic
def let_in(email: str) -> User | None:
    """Take the address of an account as its person's; None: nobody has that address."""
    user = User.objects.filter(email__iexact=email.strip()).first()
    if user is None:
        return None
    address, _ = EmailAddress.objects.get_or_create(
        user=user, primary=True, defaults={"email": user.email}
    )
    address.verified = True
    address.save(update_fields=["verified"])
    return user


@transaction.atomic
def create_token(
    user: User,
    *,
    name: str,
    lasts: timedelta | None = None,
    endless: bool = False,
    paired: bool = False,
    scopes: Collection[str] = (EVERYTHING,),
) -> NewToken:
    """Make a token; without ``lasts`` it expires as the settings say.

    Raises ValidationError for a wrong name, life or scope, TokenLimitReachedError.
    """
    name = name.strip()
    if not scopes or not set(scopes) <= set(SCOPES):
        raise ValidationError(f"A token's scopes are of: {', '.join(SCOPES)}.")
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
    # In the order of the list, and nothing beside what is everything.
    kept = [EVERYTHING] if EVERYTHING in scopes else [one for one in SCOPES if one in scopes]
    label = ApiToken.objects.create(auth_token=record, name=name, scopes=kept, paired=paired)
    return NewToken(label, token)


def rename_token(record: ApiToken, *, name: str) -> None:
    record.name = name
    record.save(update_fields=["name"])


def revoke_token(user: User, *, token_id: int) -> bool:
    """Delete one of the user's own tokens; False when there is no such token."""
    deleted, _ = AuthToken.objects.filter(user=user, label__pk=token_id).delete()
    return bool(deleted)


@transaction.atomic
def issue_ticket(user: User) -> str:
    """A pass to one socket that counts once, for TICKET_LASTS; only its hash is stored."""
    now = timezone.now()
    Ticket.objects.filter(expires_at__lte=now).delete()
    unused = Ticket.objects.filter(user=user).order_by("-expires_at")
    kept = list(unused.values_list("pk", flat=True)[: TICKETS_MAX - 1])
    Ticket.objects.filter(user=user).exclude(pk__in=kept).delete()
    ticket = secrets.token_urlsafe(32)
    Ticket.objects.create(digest=_digest(ticket), user=user, expires_at=now + TICKET_LASTS)
    return ticket


def redeem_ticket(ticket: str) -> User | None:
    """The active owner of a ticket that was not used before; it is used up by this."""
    found = (
        Ticket.objects.filter(digest=_digest(ticket), expires_at__gt=timezone.now())
        .select_related("user")
        .first()
    )
    # Of two who come at once with the same ticket, one deletes it.
    if found is None or not Ticket.objects.filter(pk=found.pk).delete()[0]:
        return None
    return found.user if found.user.is_active else None


@sensitive_variables("text", "key", "row")
def keep_engine_key(user: User, *, vendor: str, text: str) -> EngineKey:
    """Keep a person's own key, in place of one they gave before.

    Raises KeyShapeError, UserKeysOffError.
    """
    if not settings.ALLOW_USER_KEYS:
        raise UserKeysOffError("This server uses its own keys only.")
    key = shaped(vendor, text)
    row = EngineKey(
        user=user,
        vendor=vendor,
        kind=key.kind,
        hint=key.hint,
        created_at=timezone.now(),
    )
    row.sealed = seal(key.value, purpose=row.purpose)
    EngineKey.objects.bulk_create(
        [row],
        update_conflicts=True,
        unique_fields=["user", "vendor"],
        update_fields=[
            "kind",
            "sealed",
            "hint",
            "created_at",
            "last_used_at",
            "last_checked_at",
            "status",
        ],
    )
    return EngineKey.objects.get(user=user, vendor=vendor)


def forget_engine_key(user: User, *, vendor: str) -> bool:
    """Delete one of the user's own keys; False when there is none."""
    deleted, _ = EngineKey.objects.filter(user=user, vendor=vendor).delete()
    return bool(deleted)


def note_keys_used(user_id: int, *, vendors: Collection[str]) -> None:
    EngineKey.objects.filter(user_id=user_id, vendor__in=vendors).update(
        last_used_at=timezone.now()
    )


def note_key_checked(user_id: int, *, vendor: str, status: str) -> None:
    """``status`` is ``ok`` or an error's code."""
    EngineKey.objects.filter(user_id=user_id, vendor=vendor).update(
        last_checked_at=timezone.now(), status=status[:64]
    )


def reseal_two_factor() -> tuple[int, int]:
    """Two-factor secrets and the seeds of recovery codes."""
    renewed = lost = 0
    for row in Authenticator.objects.order_by("pk").iterator():
        data = dict(row.data)
        for name in SEALED_OF_TWO_FACTOR & data.keys():
            if is_current(data[name], purpose=TWO_FACTOR):
                continue
            try:
                data[name] = seal(unseal(data[name], purpose=TWO_FACTOR), purpose=TWO_FACTOR)
                renewed += 1
            except SealBrokenError:
                lost += 1
        if data != row.data:
            Authenticator.objects.filter(pk=row.pk).update(data=data)
    return renewed, lost


def reseal_engine_keys() -> tuple[int, int]:
    """For ``accounts.sealing.reseal_all``."""
    return reseal_rows(EngineKey.objects.all(), "sealed", "purpose")


def _digest(ticket: str) -> str:
    return hashlib.sha256(ticket.encode()).hexdigest()
