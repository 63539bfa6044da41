"""A ``create_voice_clone`` message: its samples checked, and a clone made where that is allowed.

The recordings are the client's own, sent for this; of the session's sound nothing is kept.
"""

from __future__ import annotations

import asyncio
import io
import logging
import uuid
from collections.abc import Callable, Sequence

import msgspec
import numpy as np
import soundfile
import soxr
from django.db import Error as DatabaseError

from accounts.models import User
from accounts.orm_thread import in_orm_thread
from pipeline.bounds import CLONE_ASKED_S
from pipeline.bounds import VOICE_SAMPLES_MAX as SAMPLES_MAX
from pipeline.bounds import VOICE_SAMPLES_MAX_S as TOTAL_MAX_S
from pipeline.client_messages import CreateVoiceClone
from pipeline.ports import EngineError
from pipeline.sound.media import MediaError, audio_container, decode_audio_blob
from pipeline.types import SAMPLE_RATE_HZ, Pcm
from pipeline.wire import WireError
from sessions_app.engines import loaded
from sessions_app.live.voice_samples import check_voice_samples
from sessions_app.protocol.messages import VoiceCheck
from sessions_app.running.outbox import Outbox
from voices import selectors, services
from voices.errors import VoicesError
from voices.models import Actor, ConsentUse, Speaker, SpeakerState

log = logging.getLogger(__name__)


class VoiceChecks:
    """One session's: one at a time, answered when it is done."""

    def __init__(
        self,
        outbox: Outbox,
        fail: Callable[[str, str], None],
        *,
        session_id: uuid.UUID,
        user_id: int,
    ) -> None:
        self._outbox = outbox
        self._fail = fail
        self._session_id = session_id
        self._user_id = user_id
        self._task: asyncio.Task[None] | None = None

    def check(self, message: CreateVoiceClone, *, rate_hz: int) -> None:
        """Raises WireError while other samples are being checked."""
        if self._task is not None and not self._task.done():
            raise WireError("voice_check_busy", "Other samples are being checked; wait for them.")
        self._task = asyncio.create_task(self._answer(message, rate_hz), name="voice check")

    async def aclose(self) -> None:
        if self._task is not None:
            self._task.cancel()
            await asyncio.gather(self._task, return_exceptions=True)

    async def _answer(self, message: CreateVoiceClone, rate_hz: int) -> None:
        try:
            samples = await decoded(message, rate_hz=rate_hz)
            verdict = await self._verdict(message, samples)
            if verdict.accepted:
                verdict = await self._cloned(message, samples, verdict)
            self._outbox.offer(verdict)
        except (MediaError, EngineError, WireError) as error:
            self._fail(error.code, str(error))
        except Exception:
            log.exception("voice check failed")
            self._fail("internal_error", "The samples could not be checked.")

    async def _verdict(self, message: CreateVoiceClone, samples: Sequence[Pcm]) -> VoiceCheck:
        with await loaded.lease(self._user_id) as engines:
            return await check_voice_samples(
                message.speaker_id,
                samples,
                detector=engines.detector,
                needs_s=engines.cloner.needs_s,
            )

    async def _cloned(
        self, message: CreateVoiceClone, samples: Sequence[Pcm], verdict: VoiceCheck
    ) -> VoiceCheck:
        """The verdict with the clone that is being made, or with why none is."""
        clone, why = None, ""
        try:
            async with asyncio.timeout(CLONE_ASKED_S):
                clone = await in_orm_thread(
                    ask_for_clone, self._session_id, self._user_id, message, samples
                )
        except (VoicesError, NobodyError) as error:
            why = str(error)
        except (DatabaseError, TimeoutError):
            why = "The database is away: ask for the clone again in a moment."
        said = why or "A clone is being made of them."
        return msgspec.structs.replace(
            verdict,
            message=f"{verdict.message} {said}",
            clone=str(clone) if clone is not None else None,
        )


class NobodyError(Exception):
    """It is not known whose voice it is; the text says what to do."""


def ask_for_clone(
    session_id: uuid.UUID, user_id: int, message: CreateVoiceClone, samples: Sequence[Pcm]
) -> uuid.UUID:
    """Keep the samples under the actor's consent, and have a clone made of them; its id.

    Raises NobodyError, VoicesError.
    """
    user = User.objects.get(pk=user_id)
    actor = _actor(session_id, user, message)
    for use in (ConsentUse.CLONE, ConsentUse.SAMPLE):
        if services.valid_consent(actor, owner=user, use=use) is None:
            raise NobodyError(
                "No clone is made: there is no valid consent of this actor to keep recordings and "
                "make a synthetic voice. Write one down first: /api/consents."
            )
    content = io.BytesIO()
    soundfile.write(
        content, np.concatenate(samples), SAMPLE_RATE_HZ, format="FLAC", subtype="PCM_16"
    )
    sample = services.upload_sample(actor, owner=user, by=user, content=content.getvalue())
    clone, _ = services.request_clone(actor, owner=user, by=user, samples=[sample])
    return clone.pk


def _actor(session_id: uuid.UUID, user: User, message: CreateVoiceClone) -> Actor:
    if message.actor:
        try:
            wanted = uuid.UUID(message.actor)
        except ValueError:
            raise NobodyError("No clone is made: the actor's id is none.") from None
        editable = Actor.objects.editable_by(user) | Actor.objects.filter(owner=None)
        found: Actor | None = editable.filter(pk=wanted).first()
        if found is None:
            raise NobodyError("No clone is made: you edit no actor of this id.")
        return found
    speaker = (
        selectors.speakers_of(user)
        .filter(session_id=session_id, label=message.speaker_id, state=SpeakerState.CONFIRMED)
        .first()
    )
    if not isinstance(speaker, Speaker) or speaker.actor is None:
        raise NobodyError(
            "No clone is made, for it is not known whose voice it is: name the `actor`."
        )
    return speaker.actor


async def decoded(message: CreateVoiceClone, *, rate_hz: int) -> list[Pcm]:
    """``rate_hz`` is that of samples without a header. Raises WireError, MediaError."""
    if not 1 <= len(message.audio_samples) <= SAMPLES_MAX:
        raise WireError("voice_samples_count", f"Send 1 to {SAMPLES_MAX} audio samples.")
    samples = await asyncio.to_thread(
        lambda: [_decode(data, rate_hz) for data in message.audio_samples]
    )
    if sum(map(len, samples)) > TOTAL_MAX_S * SAMPLE_RATE_HZ:
        raise WireError("voice_samples_long", f"Send at most {TOTAL_MAX_S:.0f} s in all.")
    return samples


def _decode(data: bytes, rate_hz: int) -> Pcm:
    if audio_container(data):
        return decode_audio_blob(data, max_seconds=TOTAL_MAX_S)
    if len(data) % 2:
        raise WireError("audio_odd", "PCM16 has two bytes a sample; a sample holds an odd number.")
    pcm = np.frombuffer(data, dtype="<i2").astype(np.int16)
    if rate_hz == SAMPLE_RATE_HZ or not len(pcm):
        return pcm
    resampled: Pcm = soxr.resample(pcm, rate_hz, SAMPLE_RATE_HZ, quality="HQ")
    return resampled
