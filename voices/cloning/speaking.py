"""A clone as a voice that a session speaks with."""

from __future__ import annotations

import logging
from collections.abc import Sequence

from django.utils import timezone

from pipeline.ports import BankedVoice
from pipeline.providers import registry
from pipeline.types import Voice
from voices import files
from voices.models import VoiceClone

log = logging.getLogger(__name__)


def voice_of(clone: VoiceClone, stock: Sequence[Voice]) -> Voice | None:
    """The clone on the first of the engine's ``stock`` voices; None when what was kept of it
    is of no use any more. Reads the storage."""
    if not stock:
        return None
    try:
        content = files.read(clone.profile.name)
    except OSError:
        log.warning("a clone's profile is not there", extra={"clone": str(clone.pk)})
        return None
    banked = BankedVoice(clone.vendor_id, content)
    return registry.banked_voice(clone.engine, banked, stock[0], clone.tuning)


def note_used(clone: VoiceClone) -> None:
    VoiceClone.objects.filter(pk=clone.pk).update(used_at=timezone.now())
