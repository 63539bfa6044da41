"""A ``keep_sample`` message: a speaker's last words kept as an actor's sample, with consent.

The only way from a live session's sound to storage. The sound is taken when the message
comes, and forgotten unless the actor, the consent and the speaker all agree.
"""

from __future__ import annotations

import asyncio
import logging
import uuid
from collections.abc import Callable

from django.db import Error as DatabaseError

from accounts.models import User
from accounts.orm_thread import in_orm_thread
from pipeline.bounds import SAMPLE_KEEPING_S
from pipeline.client_messages import KeepSample
from pipeline.events import Event
from pipeline.hearing.recent_speech import Spoken
from pipeline.sample_quality.verdict import Rules
from pipeline.types import SAMPLE_RATE_HZ
from pipeline.wire import WireError
from sessions_app.models import DubbingSession
from sessions_app.protocol.messages import SampleKept
from voices import selectors
from voices.errors import VoicesError
from voices.models import Actor, Consent, Speaker, SpeakerState, VoiceSample
from voices.services import keep_from_session

log = logging.getLogger(__name__)


class SampleKeeping:
    """One session's: one at a time, answered when it is stored."""

    def __init__(
        self,
        session_id: uuid.UUID,
        user_id: int,
        fail: Callable[[str, str], None],
        tell: Callable[[Event], None],
    ) -> None:
        self._session_id = session_id
        self._user_id = user_id
        self._fail = fail
        self._tell = tell
        self._task: asyncio.Task[None] | None = None

    def keep(self, message: KeepSample, spoken: Spoken, *, heard: bool) -> None:
        """``spoken`` is what is left of the speaker's speech, ``heard`` whether the session has
        such a speaker. Raises WireError."""
        if not heard:
            raise _no_speaker()
        if self._task is not None and not self._task.done():
            raise WireError("sample_busy", "Another sample is being kept; wait for its answer.")
        least_s = Rules().speech_min_s
        length_s = len(spoken.pcm) / SAMPLE_RATE_HZ
        if length_s < least_s:
            raise WireError(
                "sample_short",
                f"Only {length_s:.1f} s of this speaker's last words are left; say it again when "
                f"they have spoken for {least_s:g} s.",
            )
        self._task = asyncio.create_task(self._store(message, spoken), name="keep sample")

    async def aclose(self) -> None:
        if self._task is not None:
            self._task.cancel()
            await asyncio.gather(self._task, return_exceptions=True)

    async def _store(self, message: KeepSample, spoken: Spoken) -> None:
        try:
            async with asyncio.timeout(SAMPLE_KEEPING_S):
                sample = await in_orm_thread(
                    keep_sample, self._session_id, self._user_id, message, spoken
                )
            self._tell(
                SampleKept(
                    speaker=message.speaker,
                    actor=str(sample.actor_id),
                    sample=str(sample.pk),
                    duration_s=round(len(spoken.pcm) / SAMPLE_RATE_HZ, 2),
                )
            )
        except (WireError, VoicesError) as error:
            self._fail(error.code, str(error))
        except DatabaseError:
            self._fail("database_away", "The database is away: say it again in a moment.")
        except Exception as error:  # whatever the storage raises
            log.warning("sample not kept", extra={"error": type(error).__name__})
            self._fail("sample_not_kept", "The sample could not be stored in time; try again.")


def keep_sample(
    session_id: uuid.UUID, user_id: int, message: KeepSample, spoken: Spoken
) -> VoiceSample:
    """Raises WireError, VoicesError, and what the database and the storage raise."""
    session = (
        DubbingSession.objects.select_related("owner").filter(pk=session_id, owner=user_id).first()
    )
    if session is None:
        raise _no_speaker()
    user = session.owner
    actor = _actor(user, message.actor)
    _refuse_another(session_id, message.speaker, actor)
    return keep_from_session(
        actor,
        owner=user,
        by=user,
        pcm=spoken.pcm,
        session_id=session_id,
        speaker_label=message.speaker,
        consent=_consent(user, message.consent),
        name="".join(one for one in message.name if one.isprintable()).strip(),
        language=spoken.language[:8],
    )


def _actor(user: User, wish: str) -> Actor:
    pk = _uuid(wish)
    actor = Actor.objects.visible_to(user).filter(pk=pk).first() if pk else None
    if actor is None:
        raise WireError("actor_unknown", "You have no actor of this id.")
    # To the catalogue's everyone adds for themselves.
    if actor.owner_id is not None and not Actor.objects.editable_by(user).filter(pk=pk).exists():
        raise WireError("actor_read_only", "Viewers of a team do not add to what it shares.")
    found: Actor = actor
    return found


def _refuse_another(session_id: uuid.UUID, label: str, actor: Actor) -> None:
    """What is known of the speaker counts: one person's consent covers nobody else's voice."""
    speaker = Speaker.objects.filter(session_id=session_id, label=label).first()
    speaker = (speaker.merged_into or speaker) if speaker else None
    if speaker is None:
        return
    other = speaker.state == SpeakerState.CONFIRMED and speaker.actor_id != actor.pk
    if other or actor.pk in selectors.rejected_actors(speaker):
        raise WireError(
            "speaker_other", "This speaker is known to be somebody else: correct that first."
        )


def _consent(user: User, wish: str | None) -> Consent | None:
    if wish is None:
        return None
    pk = _uuid(wish)
    consent: Consent | None = selectors.consents_of(user).filter(pk=pk).first() if pk else None
    if consent is None:
        raise WireError("consent_unknown", "There is no consent of this id.")
    return consent


def _no_speaker() -> WireError:
    return WireError("speaker_unknown", "Nobody of that name was heard in this session.")


def _uuid(text: str) -> uuid.UUID | None:
    try:
        return uuid.UUID(text)
    except ValueError:
        return None
