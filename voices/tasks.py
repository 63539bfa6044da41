"""Background work of voices; each task is one service call."""

from __future__ import annotations

import logging
import uuid
from typing import Any

from celery import shared_task

from pipeline.bounds import (
    CLONE_MAKING_S,
    PREVIEW_ATTEMPTS_MAX,
    PREVIEW_S,
    SAMPLE_ANALYSIS_S,
    SAMPLE_ATTEMPTS_MAX,
)
from voices.cloning.claims import waiting_clones
from voices.cloning.discarding import DISCARD, delete_discarded_clones
from voices.cloning.making import MAKE, make_clone
from voices.files import delete_discarded
from voices.services.consents import settle_expired_consents, tell_of_expired_consents
from voices.services.previews import (
    SPEAK,
    forget_expired_comparisons,
    speak_preview,
    waiting_previews,
)
from voices.services.sample_analysis import ANALYSE, analyse_sample, waiting_samples

log = logging.getLogger(__name__)


@shared_task(
    bind=True,
    name=ANALYSE,
    max_retries=SAMPLE_ATTEMPTS_MAX,
    soft_time_limit=SAMPLE_ANALYSIS_S - 30,
    time_limit=SAMPLE_ANALYSIS_S,
)
def analyse(self: Any, sample_id: str) -> None:
    """May run twice, or be killed: a sample is claimed by one at a time, and found again."""
    if not analyse_sample(uuid.UUID(sample_id)):
        raise self.retry(countdown=5 * 3**self.request.retries)


@shared_task(name=MAKE, soft_time_limit=CLONE_MAKING_S - 30, time_limit=CLONE_MAKING_S)
def make(clone_id: str) -> None:
    """May run twice, or be killed: a clone is claimed by one at a time, and found again."""
    again_s = make_clone(uuid.UUID(clone_id))
    if again_s is not None:
        make.apply_async((clone_id,), countdown=again_s)


@shared_task(
    bind=True,
    name=SPEAK,
    max_retries=PREVIEW_ATTEMPTS_MAX,
    soft_time_limit=PREVIEW_S - 15,
    time_limit=PREVIEW_S,
)
def speak(self: Any, preview_id: str) -> None:
    """May run twice, or be killed: a preview is claimed by one at a time."""
    if not speak_preview(uuid.UUID(preview_id)):
        raise self.retry(countdown=3 * 2**self.request.retries)


@shared_task(name=DISCARD, soft_time_limit=CLONE_MAKING_S - 30, time_limit=CLONE_MAKING_S)
def delete_discarded_voices() -> None:
    """Delete at their vendors the voices that nobody may speak with any more."""
    gone, waiting = delete_discarded_clones()
    if gone or waiting:
        log.info("voices deleted at vendors", extra={"gone": gone, "waiting": waiting})


@shared_task(name="voices.look_after")
def look_after() -> None:
    """Take up what was left: samples nobody analysed, clones nobody made, files nobody needs,
    expired consents, voices that are still at their vendors."""
    for sample_id in waiting_samples():
        analyse.delay(str(sample_id))
    for clone_id in waiting_clones():
        make.delay(str(clone_id))
    for preview_id in waiting_previews():
        speak.delay(str(preview_id))
    delete_discarded_voices.delay()
    forget_expired_comparisons()
    gone = delete_discarded()
    tell_of_expired_consents()
    expired = settle_expired_consents()
    if gone or expired:
        log.info("voices looked after", extra={"files": gone, "consents": expired})
