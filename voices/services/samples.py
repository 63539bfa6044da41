"""Samples: uploaded, kept from sessions, renamed, deleted."""

from __future__ import annotations

import io
import tempfile
import uuid
from pathlib import Path
from typing import Any

import soundfile
from django.db import transaction
from django.utils import timezone

from accounts.models import User
from pipeline.bounds import (
    ACTOR_SAMPLES_MAX,
    SAMPLE_MAX_BYTES,
    SAMPLE_MAX_S,
)
from pipeline.sound.media import MediaError, open_media
from pipeline.types import SAMPLE_RATE_HZ, Pcm
from voices import files
from voices.errors import ConsentMissingError, LimitReachedError, VoicesError
from voices.models import (
    Actor,
    ActorCentroid,
    Consent,
    ConsentUse,
    DecisionKind,
    VoiceSample,
)
from voices.services.consents import kept_of, team_of_child, valid_consent
from voices.services.history import record
from voices.services.sample_analysis import queue, too_long, unreadable


def upload_sample(
    actor: Actor,
    *,
    owner: User | None,
    by: User | None,
    content: bytes,
    consent: Consent | None = None,
    name: str = "",
    language: str = "",
) -> VoiceSample:
    """Keep a recording and have it analysed. Raises VoicesError.

    Whether it can be read at all is seen here, by its content; the rest takes longer.
    """
    if len(content) > SAMPLE_MAX_BYTES:
        limit = SAMPLE_MAX_BYTES // 1024**2
        raise VoicesError(
            "sample_too_large", f"The recording is larger than {limit} MiB.", field="audio"
        )
    _look_into(content)
    return _keep(
        actor,
        owner=owner,
        by=by,
        content=io.BytesIO(content),
        suffix=".upload",
        size=len(content),
        consent=consent,
        name=name,
        language=language,
    )


def keep_from_session(
    actor: Actor,
    *,
    owner: User,
    by: User,
    pcm: Pcm,
    session_id: uuid.UUID,
    speaker_label: str,
    consent: Consent | None = None,
    name: str = "",
    language: str = "",
) -> VoiceSample:
    """Keep 16 kHz speech that a session heard of a speaker. Raises VoicesError.

    The only way in which sound of a live session comes to be stored; never without a consent
    of the actor that allows it.
    """
    if not len(pcm) or len(pcm) > SAMPLE_MAX_S * SAMPLE_RATE_HZ:
        raise VoicesError("sample_length", "There is no speech of this speaker to keep.")
    content = io.BytesIO()
    soundfile.write(content, pcm, SAMPLE_RATE_HZ, format="FLAC", subtype="PCM_16")
    size = content.tell()
    content.seek(0)
    return _keep(
        actor,
        owner=owner,
        by=by,
        content=content,
        suffix=".flac",
        size=size,
        consent=consent,
        name=name,
        language=language,
        session_id=session_id,
        speaker_label=speaker_label,
    )


def _keep(
    actor: Actor,
    *,
    owner: User | None,
    by: User | None,
    content: io.BytesIO,
    suffix: str,
    size: int,
    consent: Consent | None,
    **fields: Any,
) -> VoiceSample:
    consent = _covering(actor, owner, consent)
    if kept_of(actor, actor.samples, owner).count() >= ACTOR_SAMPLES_MAX:
        raise LimitReachedError(f"An actor has at most {ACTOR_SAMPLES_MAX} samples.")
    stored = files.store(content, folder="samples", suffix=suffix)
    with transaction.atomic():
        sample = VoiceSample.objects.create(
            actor=actor,
            owner=owner,
            team_id=team_of_child(actor, owner),
            consent=consent,
            audio=stored,
            size_bytes=size,
            **fields,
        )
        files.keep(stored)
        record(
            DecisionKind.SAMPLE_ADDED,
            sample,
            by=by,
            actor=actor,
            subject=sample.pk,
            consent=str(consent.pk),
        )
        queue(sample.pk)
    return sample


def _covering(actor: Actor, owner: User | None, consent: Consent | None) -> Consent:
    if consent is None:
        consent = valid_consent(actor, owner=owner, use=ConsentUse.SAMPLE)
        if consent is None:
            raise ConsentMissingError("keep recordings of the voice")
        return consent
    if consent.actor_id != actor.pk:
        raise VoicesError("consent_foreign", "This consent is another actor's.", field="consent")
    if not consent.is_valid(timezone.now()):
        state = {"expired": "has expired", "revoked": "was revoked"}
        said = state.get(consent.status(timezone.now()), "does not hold yet")
        raise VoicesError("consent_invalid", f"This consent {said}.", field="consent")
    if ConsentUse.SAMPLE not in consent.uses:
        raise VoicesError(
            "consent_narrow", "This consent does not allow keeping recordings.", field="consent"
        )
    return consent


def _look_into(content: bytes) -> None:
    with tempfile.TemporaryDirectory(prefix="sample-") as folder:
        path = Path(folder) / "recording"
        path.write_bytes(content)
        try:
            info = open_media(path)
            # One block decoded: a header alone proves nothing.
            rate_hz = min(max(info.sample_rate_hz, 8_000), 48_000)
            next(iter(info.samples(rate_hz=rate_hz, channels=1)), None)
        except MediaError as error:
            raise unreadable(error) from None
    if info.duration_s and info.duration_s > SAMPLE_MAX_S:
        raise too_long()


@transaction.atomic
def edit_sample(sample: VoiceSample, **changes: str) -> VoiceSample:
    """Its ``name`` or ``language``."""
    for name, value in changes.items():
        setattr(sample, name, value)
    sample.save(update_fields=list(changes))
    if "language" in changes:
        sample.voiceprints.update(language=sample.language)
    return sample


@transaction.atomic
def delete_sample(sample: VoiceSample, *, by: User | None) -> None:
    """The sound, its voiceprints and what was measured of it."""
    record(DecisionKind.SAMPLE_DELETED, sample, by=by, actor=sample.actor, subject=sample.pk)
    ActorCentroid.objects.filter(actor=sample.actor_id).delete()
    sample.delete()
