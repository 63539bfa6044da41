"""Which worker has a clone in hand. One that says nothing for a while is taken for dead."""

from __future__ import annotations

import uuid
from typing import Any

from django.db import transaction
from django.db.models import Q
from django.utils import timezone

from pipeline.bounds import CLONE_ATTEMPTS_MAX, CLONE_CLAIM_S
from voices import claiming
from voices.cloning.notices import clone_moved
from voices.models import CloneState, CloneStep, VoiceClone


class LostError(Exception):
    """The clone is gone, may not be made any more, or another worker has it."""


@transaction.atomic
def claim(clone_id: uuid.UUID) -> VoiceClone | None:
    """Take the clone up; None when it is not to be made, or not now."""
    clone: VoiceClone | None = claiming.take(VoiceClone.objects.all(), clone_id, _due())
    if clone is None:
        return None
    clone.claimed_at = timezone.now()
    if clone.state == CloneState.READY:
        # It goes on speaking while better settings are looked for.
        clone.save(update_fields=["claimed_at", "updated_at"])
        return clone
    clone.state = CloneState.MAKING
    clone.attempts += 1
    if clone.attempts > CLONE_ATTEMPTS_MAX + 2:
        # Its workers died over it, each time: it is not tried for ever.
        clone.state, clone.problem = CloneState.FAILED, "It could not be made."
        clone.save(update_fields=["state", "problem", "updated_at"])
        _tell(clone)
        return None
    clone.save(update_fields=["state", "claimed_at", "attempts", "updated_at"])
    return clone


def waiting_clones() -> list[uuid.UUID]:
    """Those whose task was lost, whose worker died, or whose pause is over."""
    return list(
        VoiceClone.objects.filter(_due()).order_by("created_at").values_list("pk", flat=True)[:100]
    )


def _due() -> Q:
    waiting = Q(state=CloneState.WAITING) & (Q(retry_at=None) | Q(retry_at__lte=timezone.now()))
    quiet = claiming.silent_for(CLONE_CLAIM_S)
    dead = Q(state=CloneState.MAKING) & quiet
    to_tune = Q(state=CloneState.READY, optimise=True) & (Q(claimed_at=None) | quiet)
    return waiting | dead | to_tune


@transaction.atomic
def advance(claimed: VoiceClone, step: CloneStep, **changes: Any) -> None:
    """Say that the work goes on, at ``step``, and write ``changes`` down, also in ``claimed``.

    Raises LostError.
    """
    clone = still_mine(claimed)
    clone.step, clone.claimed_at = step, timezone.now()
    for name, value in changes.items():
        setattr(clone, name, value)
    clone.save(update_fields=["step", "claimed_at", "updated_at", *changes])
    claimed.step, claimed.claimed_at = clone.step, clone.claimed_at
    for name, value in changes.items():
        setattr(claimed, name, value)
    _tell(clone)


def _tell(clone: VoiceClone) -> None:
    transaction.on_commit(lambda: clone_moved.send(VoiceClone, clone=clone), robust=True)


def still_mine(claimed: VoiceClone) -> VoiceClone:
    """The row, locked. Raises LostError; inside a transaction."""
    found: VoiceClone | None = claiming.still_mine(claimed, CloneState.MAKING, CloneState.READY)
    if found is None:
        raise LostError
    return found
