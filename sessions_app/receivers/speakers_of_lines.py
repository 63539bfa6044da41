"""Keeps sessions and what the app of voices knows of their speakers in step."""

from __future__ import annotations

import uuid
from collections.abc import Sequence
from typing import Any

from asgiref.sync import async_to_sync
from django.db.models import F, Q
from django.db.models.signals import post_delete
from django.dispatch import receiver

from sessions_app.live import registry as live
from sessions_app.models import DubbingSession, Line
from voices.models import Speaker
from voices.services import forget_session, speaker_decided, speaker_moved


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


@receiver(speaker_decided)
def pass_on(speaker: Speaker, **_: Any) -> None:
    """A session that is being dubbed takes the decision up; also for those merged into one."""
    session_id = speaker.session_id
    if not DubbingSession.objects.filter(pk=session_id, held_by__isnull=False).exists():
        return
    merged = Speaker.objects.filter(merged_into=speaker).values_list("label", flat=True)
    for label in [speaker.label, *merged]:
        if not live.tell_decided_here(session_id, label):
            async_to_sync(live.tell_decided)(session_id, label)


@receiver(post_delete, sender=DubbingSession)
def forget_its_speakers(instance: DubbingSession, **_: Any) -> None:
    forget_session(instance.pk)
