"""Voices to listen to: one text in several of them, beside the person's own sample."""

from __future__ import annotations

import asyncio
import logging
import uuid
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from datetime import timedelta
from typing import Any

import numpy as np
from celery import current_app
from django.db import transaction
from django.db.models import Q
from django.utils import timezone

from accounts.models import User
from pipeline.bounds import (
    COMPARISON_DAYS,
    COMPARISONS_MAX,
    PREVIEW_ATTEMPTS_MAX,
    PREVIEW_S,
    PREVIEWS_AT_ONCE_MAX,
)
from pipeline.cloning.tuning import settings_of as tuning_settings
from pipeline.cloning.tuning import tuning_of
from pipeline.ports import BankedVoice, EngineError
from pipeline.providers.settings import EngineSettings
from pipeline.types import SAMPLE_RATE_HZ, Pcm, Voice
from voices import claiming, files, selectors
from voices.analysis_engines import ENCODER, embed, encoder_version
from voices.cloning.engines import Voicing, known_engine, settings_of, usual_engine, voicing
from voices.errors import VoicesError
from voices.models import (
    Actor,
    Comparison,
    Preview,
    PreviewState,
    VoiceClone,
    Voiceprint,
    VoiceSample,
)
from voices.playing import flac_of
from voices.services.consents import team_of_child

log = logging.getLogger(__name__)
SPEAK = "voices.speak_preview"


@dataclass(frozen=True, slots=True)
class Wished:
    """One voice to be heard: a clone, or a stock voice of an engine."""

    clone: VoiceClone | None = None
    engine: str = ""
    voice: str = ""
    settings: Mapping[str, Any] = field(default_factory=dict)


def compare(
    owner: User,
    *,
    text: str,
    language: str,
    voices: Sequence[Wished],
    actor: Actor | None = None,
    sample: VoiceSample | None = None,
) -> Comparison:
    """Have the text spoken in each of the voices. Raises VoicesError.

    A clone speaks only while a valid consent covers it, here as anywhere.
    """
    if not 1 <= len(voices) <= PREVIEWS_AT_ONCE_MAX:
        raise VoicesError(
            "previews_count", f"Name 1 to {PREVIEWS_AT_ONCE_MAX} voices.", field="voices"
        )
    usable = set(selectors.usable_clones(owner).values_list("pk", flat=True))
    for one in voices:
        if one.clone is not None and one.clone.pk not in usable:
            raise VoicesError(
                "clone_not_usable",
                "A clone is not ready, or no valid consent covers it.",
                field="voices",
            )
        if one.clone is None and not known_engine(_engine(one.engine, owner)):
            raise VoicesError("engine_unknown", "There is no such engine.", field="voices")
    with transaction.atomic():
        _make_room(owner)
        comparison = Comparison.objects.create(
            owner=owner,
            team_id=team_of_child(actor, owner) if actor else None,
            actor=actor,
            sample=sample,
            text=text,
            language=language,
            expires_at=timezone.now() + timedelta(days=COMPARISON_DAYS),
        )
        for place, one in enumerate(voices):
            preview = Preview.objects.create(
                owner=owner,
                team_id=comparison.team_id,
                comparison=comparison,
                place=place,
                clone=one.clone,
                engine=one.clone.engine if one.clone else _engine(one.engine, owner),
                voice="" if one.clone else one.voice,
                settings=tuning_settings(tuning_of(one.settings)),
            )
            _queue(preview.pk)
    return comparison


def forget_expired_comparisons() -> int:
    """Delete those whose time is over, with their sound; how many."""
    old = list(Comparison.objects.filter(expires_at__lte=timezone.now())[:200])
    for one in old:
        one.delete()
    return len(old)


# For the worker -----------------------------------------------------------------------


def speak_preview(preview_id: uuid.UUID) -> bool:
    """Speak one; False when it should be tried again later."""
    preview = _claim(preview_id)
    if preview is None:
        return True
    try:
        settings = settings_of(preview.owner_id)
        content = files.read(preview.clone.profile.name) if preview.clone else b""
        pcm = asyncio.run(_spoken(preview, content, settings))
        similarity = _similarity(preview, pcm)
    except EngineError as error:
        last = not error.recoverable or preview.attempts >= PREVIEW_ATTEMPTS_MAX
        return _given_back(preview, str(error), last=last)
    except Exception:
        log.exception("a preview failed", extra={"preview": str(preview_id)})
        last = preview.attempts >= PREVIEW_ATTEMPTS_MAX
        return _given_back(preview, "It could not be spoken. Try it again later.", last=last)
    stored = files.store(flac_of(pcm, engine=preview.engine), folder="previews", suffix=".flac")
    with transaction.atomic():
        row = claiming.still_mine(preview, PreviewState.SPEAKING)
        # Deleted or revoked meanwhile: its file is swept.
        if row is not None and _may_speak(row):
            row.audio.name, row.state = stored, PreviewState.READY
            row.duration_s = round(len(pcm) / SAMPLE_RATE_HZ, 2)
            row.similarity, row.problem = similarity, ""
            row.save()
            files.keep(stored)
    return True


def waiting_previews() -> list[uuid.UUID]:
    """Those whose task was lost, or whose worker died over them."""
    rows = Preview.objects.filter(_due(), created_at__lt=timezone.now() - timedelta(seconds=15))
    return list(rows.order_by("created_at").values_list("pk", flat=True)[:100])


async def _spoken(preview: Preview, content: bytes, settings: EngineSettings) -> Pcm:
    comparison = preview.comparison
    async with voicing(preview.engine, settings) as voices:
        voice = _voice(preview, voices, content, comparison.language)
        return await voices.say(comparison.text, comparison.language, voice)


def _voice(preview: Preview, voices: Voicing, content: bytes, language: str) -> Voice:
    base = voices.base(language)
    if preview.clone is None:
        stock = voices.synthesizer.voices(language)
        found = next((one for one in stock if one.id == preview.voice), None)
        if found is None and preview.voice:
            raise EngineError(
                "voice_unknown", "The engine has no such voice for it.", recoverable=False
            )
        return found or base
    tuning = tuning_of(preview.settings) if preview.settings else preview.clone.tuning
    made = voices.bank.voice(BankedVoice(preview.clone.vendor_id, content), base, tuning)
    if made is None:
        raise EngineError("voice_gone", "The clone can no longer be spoken.", recoverable=False)
    return made


def _similarity(preview: Preview, pcm: Pcm) -> float | None:
    """To the person's own sample, as far as both can be measured."""
    sample = preview.comparison.sample
    if sample is None:
        return None
    prints = Voiceprint.objects.filter(
        sample=sample, encoder=ENCODER, encoder_version=encoder_version()
    ).values_list("vector", flat=True)
    try:
        mean = np.mean([np.asarray(one, np.float32) for one in prints], axis=0)
        return round(float(embed(pcm) @ (mean / np.linalg.norm(mean))), 3) if len(prints) else None
    except ValueError:
        return None


def _due() -> Q:
    abandoned = Q(state=PreviewState.SPEAKING) & claiming.silent_for(PREVIEW_S)
    return Q(state=PreviewState.WAITING) | abandoned


@transaction.atomic
def _claim(preview_id: uuid.UUID) -> Preview | None:
    rows = Preview.objects.select_related("comparison", "clone", "owner")
    row = claiming.take(rows, preview_id, _due())
    if row is None:
        return None
    row.attempts += 1
    row.claimed_at, row.state = timezone.now(), PreviewState.SPEAKING
    if row.attempts > PREVIEW_ATTEMPTS_MAX or not _may_speak(row):
        row.state = PreviewState.FAILED
        row.problem = (
            "It could not be spoken."
            if row.attempts > PREVIEW_ATTEMPTS_MAX
            else "No valid consent covers this clone any more."
        )
    row.save(update_fields=["attempts", "claimed_at", "state", "problem"])
    return row if row.state == PreviewState.SPEAKING else None


def _may_speak(row: Preview) -> bool:
    if row.clone_id is None:
        return True
    return (
        row.owner is not None
        and selectors.usable_clones(row.owner).filter(pk=row.clone_id).exists()
    )


@transaction.atomic
def _given_back(claimed: Preview, problem: str, *, last: bool) -> bool:
    row = claiming.still_mine(claimed, PreviewState.SPEAKING)
    if row is not None:
        row.state = PreviewState.FAILED if last else PreviewState.WAITING
        row.problem = problem[:300] if last else ""
        row.save(update_fields=["state", "problem"])
    return last or row is None


def _make_room(owner: User) -> None:
    kept = Comparison.objects.filter(owner=owner).order_by("-created_at")
    for one in kept[COMPARISONS_MAX - 1 :]:
        one.delete()


def _engine(engine: str, owner: User) -> str:
    try:
        return engine or usual_engine(owner.pk)
    except EngineError as error:
        raise VoicesError("engine_missing", str(error), field="voices") from error


def _queue(preview_id: uuid.UUID) -> None:
    transaction.on_commit(lambda: current_app.send_task(SPEAK, [str(preview_id)]), robust=True)
