"""What becomes of clones reaches the sessions that speak with them, in whichever process."""

from __future__ import annotations

import uuid
from collections.abc import Sequence
from typing import Any

import msgspec
from asgiref.sync import async_to_sync
from django.dispatch import receiver

from sessions_app.live import registry as live
from sessions_app.protocol.messages import CloneProgress
from voices.cloning.notices import actor_changed, clone_moved, clones_withdrawn
from voices.models import CloneState, VoiceClone


@receiver(clones_withdrawn)
def stop_speaking(voices: Sequence[tuple[str, str]], **_: Any) -> None:
    """At the next clause. Here at once; elsewhere by a message."""
    live.tell_withdrawn_here(voices)
    async_to_sync(live.tell_withdrawn)(voices)


@receiver(clone_moved)
def tell_progress(clone: VoiceClone, **_: Any) -> None:
    """Whoever has a session open sees their clones being made."""
    if clone.owner_id is not None:
        told = {
            "clone": str(clone.pk),
            "state": str(clone.state),
            "step": str(clone.step),
            "problem": clone.problem,
        }
        moved = msgspec.convert(told, CloneProgress)
        async_to_sync(live.tell_people)([clone.owner_id], moved)


@receiver(clone_moved)
def speak_with(clone: VoiceClone, **_: Any) -> None:
    """A clone that is ready is taken up by sessions in which its actor is heard."""
    if clone.state == CloneState.READY:
        async_to_sync(live.tell_changed)(str(clone.actor_id))


@receiver(actor_changed)
def look_again(actor_id: uuid.UUID, **_: Any) -> None:
    async_to_sync(live.tell_changed)(str(actor_id))
