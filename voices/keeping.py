"""What this app keeps of a person: see ``accounts.personal_data``.

Recordings themselves are not in the copy: they are played and saved one by one. Everything
goes with the user's row, files included (``voices.signals``).
"""

from __future__ import annotations

from collections.abc import Iterator

from django.db.models import Model

from accounts.models import User
from accounts.personal_data import Keeper, Rows
from voices.models import (
    Actor,
    Comparison,
    Consent,
    PinnedVoice,
    Speaker,
    VoiceClone,
    VoiceSample,
)

_ROWS_AT_ONCE = 2000
_INTERNAL = frozenset(
    (
        "owner team audio picture evidence profile preview submission claimed_at retry_at attempts "
        "settled_at size_bytes sealed_key key_purpose"
    ).split()
)


def export(user: User) -> Iterator[tuple[str, Rows]]:
    for name, model in (
        ("actors", Actor),
        ("consents", Consent),
        ("speakers", Speaker),
        ("voice_samples", VoiceSample),
        ("voice_clones", VoiceClone),
        ("pinned_voices", PinnedVoice),
        ("voice_comparisons", Comparison),
    ):
        rows = model.objects.filter(owner=user).values(*_columns(model))
        yield name, rows.iterator(_ROWS_AT_ONCE)


KEEPER = Keeper(export=export)


def _columns(model: type[Model]) -> list[str]:
    return [field.attname for field in model._meta.concrete_fields if field.name not in _INTERNAL]
