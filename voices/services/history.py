"""Writing the history."""

from __future__ import annotations

import uuid
from typing import Any

from django.utils import timezone

from accounts.models import User
from accounts.ownership import Owned
from voices.models import Actor, Decision, DecisionKind, Speaker


def record(
    kind: DecisionKind,
    about: Owned,
    *,
    by: User | None,
    actor: Actor | uuid.UUID | None = None,
    speaker: Speaker | None = None,
    subject: uuid.UUID | None = None,
    **detail: Any,
) -> Decision:
    """One line, in the transaction of what it tells. ``detail`` holds ids and short words.

    A subject is an id, because it may be gone in a moment.
    """
    if actor is None and isinstance(about, Actor):
        actor = about
    if speaker is None and isinstance(about, Speaker):
        speaker = about
    return Decision.objects.create(
        owner_id=about.owner_id,
        team_id=about.team_id,
        kind=kind,
        by=by,
        at=timezone.now(),
        actor_id=actor.pk if isinstance(actor, Actor) else actor,
        speaker_id=speaker.pk if speaker else None,
        subject_id=subject,
        detail=detail,
    )
