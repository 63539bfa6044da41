"""What is measured of samples: by one worker at a time, and again when that one died."""

from __future__ import annotations

import io
import logging
import tempfile
import uuid
from collections.abc import Sequence
from dataclasses import asdict, dataclass
from datetime import timedelta
from pathlib import Path

from celery import current_app
from django.db import transaction
from django.db.models import Q
from django.utils import timezone

from pipeline.bounds import (
    SAMPLE_ANALYSIS_S,
    SAMPLE_ATTEMPTS_MAX,
    SAMPLE_MAX_S,
)
from pipeline.sample_quality import Analysis, read_recording, write_flac
from pipeline.sample_quality.picture import picture
from pipeline.sound.media import MediaError
from pipeline.speakers.identification import BANDS
from voices import files, selectors
from voices.analysis_engines import (
    ENCODER,
    Kept,
    encoder_version,
    kept_prints,
    measure,
)
from voices.claiming import silent_for, still_mine, take
from voices.errors import VoicesError
from voices.models import (
    ActorCentroid,
    SampleState,
    Voiceprint,
    VoiceSample,
)
from voices.recognition.spaces import stored_encoder

log = logging.getLogger(__name__)
ANALYSE = "voices.analyse_sample"
_PAUSE_S = 15


def unreadable(error: MediaError) -> VoicesError:
    """What is said of a recording that cannot be opened or decoded."""
    said = {
        "media_without_audio": "There is no sound in this file.",
        "media_too_long": str(too_long()),
    }
    return VoicesError(
        error.code if error.code in said else "sample_unreadable",
        said.get(error.code, "This is no recording that can be read. Send WAV, FLAC, MP3, …"),
        field="audio",
    )


def too_long() -> VoicesError:
    """What is said of a recording above ``SAMPLE_MAX_S``."""
    return VoicesError(
        "sample_too_long",
        f"The recording is longer than {SAMPLE_MAX_S / 60:g} minutes. Cut it.",
        field="audio",
    )


@transaction.atomic
def analyse_again(sample: VoiceSample) -> VoiceSample:
    """Forget what was measured and measure anew; what is under way goes on."""
    sample = VoiceSample.objects.select_for_update().get(pk=sample.pk)
    if sample.state == SampleState.ANALYSING:
        return sample
    sample.state, sample.attempts, sample.problem = SampleState.WAITING, 0, ""
    sample.claimed_at = None
    sample.save(update_fields=["state", "attempts", "problem", "claimed_at"])
    queue(sample.pk)
    return sample


@dataclass(frozen=True, slots=True)
class _Stored:
    """Names in the storage of what an analysis has made."""

    audio: str
    """Empty: it was there already."""
    size: int
    picture: str


def analyse_sample(sample_id: uuid.UUID) -> bool:
    """Measure one sample; False when it should be tried again later."""
    claimed = _claim(sample_id)
    if claimed is None:
        return True
    try:
        with tempfile.TemporaryDirectory(prefix="sample-") as folder:
            source, flac = Path(folder) / "recording", Path(folder) / "sample.flac"
            files.fetch(claimed.audio.name or "", source)
            recording = read_recording(source)
            found = measure(recording)
            kept = kept_prints(recording, found)
            stored = ""
            shown = files.store(io.BytesIO(picture(recording)), folder="samples", suffix=".webp")
            if not claimed.playable:
                write_flac(flac, recording)
                with flac.open("rb") as content:
                    stored = files.store(content, folder="samples", suffix=".flac")
            size = flac.stat().st_size if stored else 0
            _finish(claimed, found, kept, _Stored(stored, size, shown))
    except MediaError as error:
        # Trying again will not make it readable.
        _give_back(claimed, SampleState.FAILED, str(unreadable(error)))
        return True
    except Exception:
        log.exception("analysis of a sample failed", extra={"sample": str(sample_id)})
        last = claimed.attempts >= SAMPLE_ATTEMPTS_MAX
        _give_back(
            claimed,
            SampleState.FAILED if last else SampleState.WAITING,
            "It could not be analysed. Try it again later." if last else "",
        )
        return last
    return True


def waiting_samples() -> list[uuid.UUID]:
    """Those whose task was lost, or whose worker died over them."""
    before = timezone.now() - timedelta(seconds=_PAUSE_S)
    quiet = Q(claimed_at=None, created_at__lt=before) | silent_for(_PAUSE_S)
    return list(
        VoiceSample.objects.filter(Q(state=SampleState.WAITING) & quiet | _abandoned())
        .order_by("created_at")
        .values_list("pk", flat=True)[:100]
    )


def _abandoned() -> Q:
    return Q(state=SampleState.ANALYSING) & silent_for(SAMPLE_ANALYSIS_S)


@transaction.atomic
def _claim(sample_id: uuid.UUID) -> VoiceSample | None:
    due = Q(state=SampleState.WAITING) | _abandoned()
    sample: VoiceSample | None = take(VoiceSample.objects.all(), sample_id, due)
    if sample is None:
        return None
    if sample.attempts >= SAMPLE_ATTEMPTS_MAX:
        # Its workers died over it, each time: it is not tried for ever.
        sample.state, sample.problem = SampleState.FAILED, "It could not be analysed."
        sample.save(update_fields=["state", "problem"])
        return None
    sample.state, sample.claimed_at = SampleState.ANALYSING, timezone.now()
    sample.attempts += 1
    sample.save(update_fields=["state", "claimed_at", "attempts"])
    return sample


@transaction.atomic
def _finish(
    claimed: VoiceSample,
    found: Analysis,
    kept: Sequence[Kept],
    stored: _Stored,
) -> None:
    sample = still_mine(claimed, SampleState.ANALYSING)
    if sample is None:
        # Deleted meanwhile, or taken for dead and done by another one: its file is swept.
        return
    measures = found.measures
    sample.state, sample.verdict, sample.problem = SampleState.READY, found.verdict, ""
    sample.analysis, sample.analysed_at = asdict(measures), timezone.now()
    sample.reasons = [{"code": one.code, "message": one.message} for one in found.reasons]
    sample.duration_s, sample.speech_s = measures.duration_s, measures.speech_s
    sample.speakers_found = measures.speakers
    if stored.audio:
        files.discard([sample.audio.name or ""])
        files.keep(stored.audio)
        sample.audio.name, sample.size_bytes, sample.playable = stored.audio, stored.size, True
    files.discard([sample.picture.name or ""])
    files.keep(stored.picture)
    sample.picture.name = stored.picture
    sample.save()
    ActorCentroid.objects.filter(actor=sample.actor_id).delete()
    sample.voiceprints.filter(
        encoder__in=[stored_encoder(ENCODER, band) for band in BANDS]
    ).delete()
    if selectors.recognition_ended(sample.owner, sample.actor_id):
        return
    Voiceprint.objects.bulk_create(
        Voiceprint(
            owner_id=sample.owner_id,
            team_id=sample.team_id,
            sample=sample,
            actor_id=sample.actor_id,
            encoder=stored_encoder(ENCODER, band),
            encoder_version=encoder_version(),
            vector=vector,
            weight_s=one.speech_s,
            quality=_quality(measures.snr_db),
            language=sample.language,
            at_s=one.at_s,
            duration_s=one.duration_s,
        )
        for one, bands in zip(found.prints, kept, strict=True)
        for band, vector in bands
    )


def _quality(snr_db: float | None) -> float:
    """0 at 0 dB, 1 from 20 dB on."""
    return round(max(0.0, min(1.0, (snr_db or 0.0) / 20)), 3)


@transaction.atomic
def _give_back(claimed: VoiceSample, state: SampleState, problem: str) -> None:
    sample = still_mine(claimed, SampleState.ANALYSING)
    if sample is not None:
        sample.state, sample.problem = state, problem
        sample.save(update_fields=["state", "problem"])


def queue(sample_id: uuid.UUID) -> None:
    """Have it analysed once the transaction is through."""

    def send() -> None:
        current_app.send_task(ANALYSE, [str(sample_id)])

    # Without Redis the periodic task finds it later.
    transaction.on_commit(send, robust=True)
