"""Secrets at rest: sealed with keys made from SECRET_KEY, each for one purpose alone.

A text that was sealed for one purpose cannot be opened for another, so a row that is
copied to somebody else's opens for nobody. Texts sealed under a key that has gone from
SECRET_KEY to SECRET_KEY_FALLBACKS still open.
"""

from __future__ import annotations

import base64
from collections.abc import Callable
from typing import Any

from cryptography.fernet import Fernet, InvalidToken, MultiFernet
from cryptography.hazmat.primitives.hashes import SHA256
from cryptography.hazmat.primitives.kdf.hkdf import HKDF
from django.conf import settings
from django.db.models import QuerySet

Reseal = Callable[[], tuple[int, int]]
"""Seals anew what only a fallback opens; how many, and how many nothing opens."""
_reseals: list[Reseal] = []


def resealed_by(reseal: Reseal) -> None:
    """Told by every app that keeps sealed texts, when it is loaded."""
    _reseals.append(reseal)


def reseal_all() -> tuple[int, int]:
    """Everything under SECRET_KEY, so that the fallbacks can go; how many texts were sealed
    anew, and how many nothing opens."""
    counts = [reseal() for reseal in _reseals]
    return sum(renewed for renewed, _ in counts), sum(lost for _, lost in counts)


class SealBrokenError(Exception):
    """No key that is known here opens the text."""


def seal(text: str, *, purpose: str) -> str:
    return _fernet(settings.SECRET_KEY, purpose).encrypt(text.encode()).decode()


def unseal(sealed: str, *, purpose: str) -> str:
    """Raises SealBrokenError."""
    keys = (settings.SECRET_KEY, *settings.SECRET_KEY_FALLBACKS)
    try:
        return MultiFernet([_fernet(key, purpose) for key in keys]).decrypt(sealed).decode()
    except (InvalidToken, ValueError):
        # Without its context: that one would hold the key in a local variable.
        raise SealBrokenError from None


def is_current(sealed: str, *, purpose: str) -> bool:
    """Whether SECRET_KEY itself opens the text, without the fallbacks."""
    try:
        _fernet(settings.SECRET_KEY, purpose).decrypt(sealed)
    except (InvalidToken, ValueError):
        return False
    return True


def reseal_rows(rows: QuerySet[Any], field: str, purpose: str, **beside: Any) -> tuple[int, int]:
    """A ``Reseal`` of the texts in ``field``. ``purpose`` names the rows' attribute that says what
    they are sealed for; ``beside`` is written along with a text that is sealed anew."""
    renewed = lost = 0
    for row in rows.order_by("pk").iterator():
        sealed, sealed_for = getattr(row, field), getattr(row, purpose)
        if is_current(sealed, purpose=sealed_for):
            continue
        try:
            text = unseal(sealed, purpose=sealed_for)
        except SealBrokenError:
            lost += 1
            continue
        # One that was given anew meanwhile is left as it is.
        same = rows.filter(pk=row.pk, **{field: sealed})
        renewed += same.update(**{field: seal(text, purpose=sealed_for)}, **beside)
    return renewed, lost


def _fernet(secret: str, purpose: str) -> Fernet:
    derived = HKDF(SHA256(), length=32, salt=None, info=f"live-dubbing:{purpose}".encode())
    return Fernet(base64.urlsafe_b64encode(derived.derive(secret.encode())))
