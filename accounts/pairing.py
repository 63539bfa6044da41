"""Pairing an extension with an account: a short code becomes a token, once.

Eight letters and digits that look like no other hold 39 bits; a code lives ten minutes and
guesses are limited by address, so guessing one is hopeless.
"""

from __future__ import annotations

import hmac
import re
import secrets
from dataclasses import dataclass
from datetime import datetime, timedelta
from hashlib import sha256

from django.conf import settings
from django.db import transaction
from django.utils import timezone

from accounts.models import PairingCode, User
from accounts.rest.scopes import DUB
from accounts.services import NewToken, create_token
from pipeline.bounds import PAIRING_CODE_S, PAIRING_CODES_MAX

ALPHABET = "23456789ABCDEFGHJKLMNPQRSTUVWXYZ"
"""Without 0, 1, I and O: read aloud or by hand, each is taken for another."""
CODE_LENGTH = 8
PAIRED_SCOPES = (
    DUB,
    "read:sessions",
    "read:voices",
    "read:glossaries",
    "read:usage",
    "write:preferences",
)
"""What an extension may do: dub, and show what comes of it; nothing with keys or tokens."""
CODE_LASTS = timedelta(seconds=PAIRING_CODE_S)


class PairingCodeWrongError(Exception):
    """There is no such code: it never was, was used, or has expired."""


@dataclass(frozen=True, slots=True)
class NewCode:
    """The only moment at which the code itself is known."""

    code: str
    """As people read it: two groups of four."""
    expires_at: datetime


@transaction.atomic
def issue_code(user: User) -> NewCode:
    now = timezone.now()
    PairingCode.objects.filter(expires_at__lte=now).delete()
    unused = PairingCode.objects.filter(user=user).order_by("-expires_at")
    kept = list(unused.values_list("pk", flat=True)[: PAIRING_CODES_MAX - 1])
    PairingCode.objects.filter(user=user).exclude(pk__in=kept).delete()
    code = "".join(secrets.choice(ALPHABET) for _ in range(CODE_LENGTH))
    row = PairingCode.objects.create(digest=_digest(code), user=user, expires_at=now + CODE_LASTS)
    return NewCode(f"{code[:4]}-{code[4:]}", row.expires_at)


@transaction.atomic
def exchange_code(text: str, *, name: str) -> NewToken:
    """A token of the code's owner, named after the extension; the code is used up.

    Raises PairingCodeWrongError; ValidationError and TokenLimitReachedError leave the code
    as it was.
    """
    code = normalised(text)
    row = (
        PairingCode.objects.select_for_update()
        .select_related("user")
        .filter(digest=_digest(code), expires_at__gt=timezone.now())
        .first()
    )
    if row is None or not row.user.is_active:
        raise PairingCodeWrongError
    new = create_token(row.user, name=name, scopes=PAIRED_SCOPES, paired=True)
    row.delete()
    return new


def normalised(text: str) -> str:
    """As it was made, however it was typed: any case, with or without the hyphen."""
    return re.sub(r"[\s-]", "", text).upper()


def _digest(code: str) -> str:
    return hmac.new(settings.SECRET_KEY.encode(), f"pairing:{code}".encode(), sha256).hexdigest()
