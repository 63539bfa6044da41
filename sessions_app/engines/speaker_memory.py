"""The pipeline's memory of speakers, over what the app of voices keeps in Postgres.

Every call has a thread of its own and a bound in time; a database that is away costs the
name of a speaker, never the dubbing.
"""

from __future__ import annotations

import asyncio
import functools
import logging
import re
import uuid
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import Literal, TypeVar, cast, get_args

from django.db import Error as DatabaseError

from accounts.models import User
from accounts.orm_thread import in_orm_thread
from pipeline.bounds import MEMORY_CALL_S
from pipeline.plan import Engines
from pipeline.speakers.identification import CONFIRM_AT, MEASURED, UNREACHABLE, Match, State
from pipeline.speakers.memory import Heard, Identity
from pipeline.types import Voice
from sessions_app.models import DubbingSession
from voices import selectors
from voices.cloning.speaking import note_used, voice_of
from voices.models import Speaker, SpeakerState
from voices.recognition import remembering
from voices.recognition.recognising import known_of, recognise

log = logging.getLogger(__name__)

Answer = TypeVar("Answer")
Speakers = Literal["off", "recognise", "remember"]
"""``recognise``: known actors are looked for, nobody's voice is kept. ``remember``: voices are
kept, so that the next session knows them."""

_STATES: dict[str, State] = {
    SpeakerState.SUGGESTED: "suggested",
    SpeakerState.CONFIRMED: "confirmed",
}


@dataclass(frozen=True, slots=True, kw_only=True)
class PostgresMemory:
    """Port SpeakerMemory for one run of a session."""

    session_id: uuid.UUID
    user_id: int
    speakers: Speakers
    encoder: str
    version: str
    synthesizer: str
    """The engine whose voices are asked for and remembered."""
    language: str
    """Language of the dub."""
    stock: tuple[Voice, ...] = ()
    """The engine's voices for it, on which clones stand."""
    confirm_at: float = CONFIRM_AT

    @property
    def keeps(self) -> bool:
        return self.speakers == "remember"

    async def decided(self, label: str) -> Identity | None:
        """A speaker as a person's decision has left them."""
        return await self._ask(functools.partial(self._decided, label))

    async def known(self) -> Sequence[Identity]:
        return await self._ask(self._known) or ()

    async def identify(self, heard: Heard) -> Identity | None:
        return await self._ask(functools.partial(self._identify, heard))

    async def spoke_with(self, identity: Identity, stock: Voice, language: str) -> None:
        if stock.engine == self.synthesizer:
            actor = uuid.UUID(identity.actor)
            await self._ask(functools.partial(self._note_voice, actor, stock.id, language))

    async def _ask(self, question: Callable[[], Answer]) -> Answer | None:
        try:
            async with asyncio.timeout(MEMORY_CALL_S):
                return await in_orm_thread(question)
        except (DatabaseError, TimeoutError) as error:
            log.info("speakers not asked about", extra={"error": type(error).__name__})
            return None

    # On a thread of the ORM ----------------------------------------------------------

    def _place(self) -> remembering.Place | None:
        session = (
            DubbingSession.objects.select_related("owner", "team", "content")
            .filter(pk=self.session_id, owner=self.user_id)
            .first()
        )
        if session is None:
            return None
        return remembering.Place(session.pk, session.owner, session.team, session.content)

    def _known(self) -> list[Identity]:
        place = self._place()
        if place is None:
            return []
        return [self._identity(place.user, one) for one in remembering.speakers_of(place)]

    def _decided(self, label: str) -> Identity | None:
        place = self._place()
        speaker = remembering.speaker_of(place, label) if place else None
        return self._identity(place.user, speaker, label=label) if place and speaker else None

    def _identify(self, heard: Heard) -> Identity | None:
        place = self._place()
        if place is None:
            return None
        speaker = remembering.speaker_of(place, heard.speaker)
        settled = speaker is not None and speaker.state == SpeakerState.CONFIRMED
        if settled and speaker is not None and not known_of(speaker).is_actor:
            # Its own voiceprints are the actor's by now: it would recognise itself.
            match: Match[uuid.UUID] = Match("confirmed", speaker.actor_id, speaker.confidence or 0)
        else:
            match = recognise(
                place.user,
                heard.voice,
                encoder=self.encoder,
                version=self.version,
                speaker=speaker,
                title_id=place.title.pk if place.title else None,
                beside=_confirmed(place, heard.speaker),
                confirm_at=self.confirm_at,
            )
        kept = remembering.keep(
            place,
            heard,
            match,
            encoder=self.encoder,
            version=self.version,
            voiceprints=self.keeps,
        )
        if self.keeps:
            kept = remembering.get_to_know(place, heard.speaker, match) or kept
        if kept is None:
            return Identity(speaker=heard.speaker, state="unknown")
        return self._identity(place.user, kept, label=heard.speaker)

    def _note_voice(self, actor: uuid.UUID, voice: str, language: str) -> None:
        place = self._place()
        if place is not None:
            remembering.note_voice(place.user, actor, language, self.synthesizer, voice)

    def _identity(self, user: User, speaker: Speaker, label: str = "") -> Identity:
        return identity_of(
            user,
            speaker,
            label=label,
            engine=self.synthesizer,
            language=self.language,
            stock=self.stock,
        )


@dataclass(frozen=True, slots=True)
class OpenedMemory:
    memory: PostgresMemory | None
    """None where nobody is to be recognised."""
    speakers_before: int
    """The highest number of a speaker on record of the session."""


async def open_memory(
    session_id: str,
    user_id: int,
    wish: str,
    engines: Engines,
    *,
    language: str,
    confirm_at: float,
) -> OpenedMemory:
    """``wish`` "": as the user has set it. Never raises: without the database nobody is known."""
    nobody = OpenedMemory(None, 0)
    try:
        session, policies = uuid.UUID(session_id), get_args(Speakers)
        async with asyncio.timeout(MEMORY_CALL_S):
            policy, before = await in_orm_thread(_opened, session, user_id)
    except (ValueError, DatabaseError, TimeoutError):
        return nobody
    chosen = wish or policy
    if chosen not in policies or chosen == "off":
        return nobody
    memory = PostgresMemory(
        session_id=session,
        user_id=user_id,
        speakers=cast("Speakers", chosen),
        encoder=engines.recognising.name,
        version=engines.recognising.version,
        synthesizer=engines.synthesizer.name,
        language=language,
        stock=engines.synthesizer.voices(language),
        # Where nobody measured what strangers reach, only a person confirms.
        confirm_at=confirm_at if engines.recognising.name in MEASURED else UNREACHABLE,
    )
    return OpenedMemory(memory, before)


def _opened(session_id: uuid.UUID, user_id: int) -> tuple[str, int]:
    policy = User.objects.filter(pk=user_id).values_list("speakers", flat=True).first()
    labels = Speaker.objects.filter(session_id=session_id).values_list("label", flat=True)
    numbers = [int(one[1:]) for one in labels if re.fullmatch(r"S[0-9]{1,6}", one)]
    return policy or "off", max(numbers, default=0)


def identity_of(
    user: User,
    speaker: Speaker,
    *,
    engine: str,
    language: str,
    label: str = "",
    stock: Sequence[Voice] = (),
) -> Identity:
    """What a run is told of a speaker on record, with the voice that their actor has."""
    state = _STATES.get(speaker.state, "unknown")
    actor = speaker.actor
    if actor is None or state == "unknown":
        rejected = speaker.state == SpeakerState.REJECTED
        return Identity(speaker=label or speaker.label, state="unknown", by_person=rejected)
    confirmed = state == "confirmed"
    wish = remembering.voice_for(user, actor.pk, language, engine) if confirmed else None
    clone = selectors.clone_to_speak(user, actor.pk, engine, language) if confirmed else None
    own = voice_of(clone, stock) if clone is not None else None
    if clone is not None and own is not None:
        note_used(clone)
    return Identity(
        speaker=label or speaker.label,
        state=state,
        actor=str(actor.pk),
        name=actor.name,
        confidence=speaker.confidence or 0.0,
        by_person=speaker.decided_by_person,
        voice=wish.voice if wish else "",
        pinned=wish.pinned if wish else False,
        own=own,
        may_clone=confirmed and selectors.cloning_allowed(user, actor.pk),
    )


def _confirmed(place: remembering.Place, but: str) -> list[uuid.UUID]:
    return [
        one.actor_id
        for one in remembering.speakers_of(place)
        if one.state == SpeakerState.CONFIRMED and one.actor_id and one.label != but
    ]
