"""The key that a voice is made with, which alone opens the account in which it lies."""

from __future__ import annotations

from collections.abc import Mapping

from django.conf import settings

from accounts.models import EngineKey
from accounts.sealing import SealBrokenError, reseal_rows, unseal
from pipeline.providers.settings import EngineSettings
from voices.cloning.access import access
from voices.models import DiscardedClone, VoiceClone

OWN_KEYS = {"elevenlabs": EngineKey.Vendor.ELEVENLABS}
"""Engine → vendor whose key a person may have given."""


def key_in_use(clone: VoiceClone) -> Mapping[str, str]:
    """Fields of the owner's own key, sealed, that a voice made now would be made with."""
    key = None
    if settings.ALLOW_USER_KEYS and clone.owner_id and clone.engine in OWN_KEYS:
        key = EngineKey.objects.filter(user=clone.owner_id, vendor=OWN_KEYS[clone.engine]).first()
    return {"sealed_key": key.sealed if key else "", "key_purpose": key.purpose if key else ""}


def settings_then(row: DiscardedClone) -> EngineSettings | None:
    """With what the voice was made with, even where its owner has left; None when nothing opens
    that key any more."""
    if not row.sealed_key:
        return access().of_user(None)
    try:
        key = unseal(row.sealed_key, purpose=row.key_purpose)
    except SealBrokenError:
        return None
    return access().with_key(row.engine, key)


def settings_now(row: DiscardedClone) -> EngineSettings:
    """With what its owner has now."""
    return access().of_user(row.owner_id)


def reseal_clone_keys() -> tuple[int, int]:
    """For ``accounts.sealing.reseal_all``."""
    counts = [
        reseal_rows(model.objects.exclude(sealed_key=""), "sealed_key", "key_purpose")
        for model in (VoiceClone, DiscardedClone)
    ]
    return sum(renewed for renewed, _ in counts), sum(lost for _, lost in counts)
