"""How far a clone is, to whoever watches it being made; see ``accounts.watching``."""

from __future__ import annotations

import uuid
from contextlib import AbstractAsyncContextManager
from typing import Any

from django.dispatch import receiver

from accounts import watching as notices
from pipeline.bounds import CLONE_LOOK_S
from voices.cloning.notices import clone_moved
from voices.models import VoiceClone


@receiver(clone_moved)
def tell_watchers(clone: VoiceClone, **_: Any) -> None:
    notices.tell_watchers(_group(clone.pk))


def watching(clone_id: uuid.UUID) -> AbstractAsyncContextManager[notices.Watch]:
    return notices.watching(_group(clone_id), look_s=CLONE_LOOK_S)


def _group(clone_id: uuid.UUID) -> str:
    return f"clone.{clone_id.hex}"
