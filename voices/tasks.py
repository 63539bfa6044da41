"""Background work of voices; each task is one service call."""

from __future__ import annotations

import logging
import uuid
from typing import Any

from celery import shared_task

from pipeline.bounds import SAMPLE_ANALYSIS_S, SAMPLE_ATTEMPTS_MAX
from voices.files import delete_discarded
from voices.services.consents import settle_expired_consents
from voices.services.samples import ANALYSE, analyse_sample, waiting_samples

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


@shared_task(name="voices.look_after")
def look_after() -> None:
    """Take up what was left: samples nobody analysed, files nobody needs, expired consents."""
    for sample_id in waiting_samples():
        analyse.delay(str(sample_id))
    gone = delete_discarded()
    expired = settle_expired_consents()
    if gone or expired:
        log.info("voices looked after", extra={"files": gone, "consents": expired})
