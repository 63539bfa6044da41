"""Work that is taken up by one worker at a time, and by another when that one has died.

A row says in ``claimed_at`` when its worker was last heard of; what it has made is written only
while that is still the worker's own moment.
"""

from __future__ import annotations

import uuid
from datetime import timedelta
from typing import TypeVar

from django.db.models import Q, QuerySet
from django.utils import timezone

from voices.models import Preview, VoiceClone, VoiceSample

Row = TypeVar("Row", VoiceSample, VoiceClone, Preview)


def silent_for(seconds: float) -> Q:
    """Nothing has been heard of its worker for so long."""
    return Q(claimed_at__lt=timezone.now() - timedelta(seconds=seconds))


def take(rows: QuerySet[Row], pk: uuid.UUID, due: Q) -> Row | None:
    """The row, locked, if it is ``due`` and nobody else takes it; inside a transaction."""
    return rows.select_for_update(skip_locked=True, of=("self",)).filter(due, pk=pk).first()


def still_mine(claimed: Row, *states: str) -> Row | None:
    """The row, locked; None if it is gone, or another worker has it. Inside a transaction."""
    rows: QuerySet[Row] = type(claimed).objects.select_for_update(of=("self",))
    return rows.filter(pk=claimed.pk, state__in=states, claimed_at=claimed.claimed_at).first()
