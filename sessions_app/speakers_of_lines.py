"""Keeps sessions and what the app of voices knows of their speakers in step."""

from __future__ import annotations

import uuid
from collections.abc import Sequence
from typing import Any

from django.db.models import F, Q
from django.db.models.signals import post_delete
from django.dispatch import receiver

from sessions_app.models import DubbingSession, Line
from voices.services import forget_session, speaker_moved


@receiver(speaker_moved)
def give_lines_to(
    session_id: uuid.UUID,
    label: str,
    to: str,
    spans: Sequence[tuple[float, float]] | None,
    **_: Any,
) -> None:
    """A line is the other speaker's if its middle lies in one of the spans."""
    lines = Line.objects.filter(session_id=session_id, speaker=label)
    if spans is not None:
        within = Q(pk__in=[])
        for begin, end in spans:
            within |= Q(middle__gte=begin, middle__lt=end)
        lines = lines.alias(middle=(F("start_s") + F("end_s")) / 2).filter(within)
    lines.update(speaker=to)


@receiver(post_delete, sender=DubbingSession)
def forget_its_speakers(instance: DubbingSession, **_: Any) -> None:
    forget_session(instance.pk)
