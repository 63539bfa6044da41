"""Who a project's speakers are among the actors that its owner knows, and what they speak with.

The same rules as in a live session (``sessions_app.engines.speaker_memory``): an actor is
recognised where the owner has set so, a person's decision is final, a clone speaks under a
valid consent only. No voiceprint of a file's speakers is kept.
"""

from __future__ import annotations

import logging
import uuid
from collections.abc import Mapping, Sequence
from dataclasses import dataclass

from django.conf import settings
from django.db import transaction

from accounts.models import User
from accounts.orm_thread import in_orm_thread
from pipeline.bounds import ACQUAINTANCE_S
from pipeline.plan import Engines
from pipeline.ports import EngineError
from pipeline.speakers.identification import MEASURED, UNREACHABLE, mean_of
from pipeline.speakers.voiceprinting import SpeechRefusedError, voiceprints_of
from pipeline.speaking.making import in_time
from pipeline.types import Pcm, Voice
from sessions_app.models import DubbingSession
from sessions_app.projects.models import ActorState, Project, ProjectSpeaker
from voices import selectors
from voices.cloning.speaking import note_used, voice_of
from voices.models import Actor, Speaker, SpeakerState
from voices.recognition import remembering
from voices.recognition.recognising import recognise

log = logging.getLogger(__name__)
OFF = "off"


@dataclass(frozen=True, slots=True)
class Recognised:
    actor: uuid.UUID
    confirmed: bool
    """Or only suggested: whoever that is, speaks with nobody's voice yet."""
    confidence: float | None = None


@dataclass(frozen=True, slots=True)
class ActorVoice:
    voice: str
    """Id of a stock voice, or the vendor's of a clone; as ``GET /api/voices`` gives it."""
    as_it_is: bool
    """A clone, or chosen by a person: it is not shaped."""


async def recognised(
    project: Project, engines: Engines, speech: Mapping[str, Pcm]
) -> dict[str, Recognised]:
    """Label → who it is or may be; ``speech`` (16 kHz) is the clean one of each label."""
    found, decided = await in_orm_thread(_known, project)
    if not await in_orm_thread(_looks, project):
        return found
    for label, pcm in speech.items():
        if label and label not in found and label not in decided:
            sure = [one.actor for one in found.values() if one.confirmed]
            who = await _who(project, engines, pcm, beside=sure)
            if who is not None:
                found[label] = who
    return found


@transaction.atomic
def decide(speaker: ProjectSpeaker, *, actor: Actor | None) -> ProjectSpeaker:
    """A person says who it is; None: not who it was thought to be. No job looks again. The row is
    locked.

    An actor has the same voice wherever they are heard: a voice that no person chose for the
    speaker goes where the actor has another one, or where it was that of whom they are not. The
    next dub casts them anew then.
    """
    if speaker.voice and not _chosen(speaker):
        own = _own_voice(speaker.project, actor.pk) if actor else ""
        was = speaker.actor_id if speaker.actor_state == ActorState.CONFIRMED else None
        theirs = _own_voice(speaker.project, was) if was else ""
        if speaker.voice != own and (own or speaker.voice == theirs):
            speaker.voice = ""
    speaker.actor = actor
    speaker.actor_state = ActorState.CONFIRMED if actor else ""
    speaker.actor_confidence, speaker.actor_decided = None, True
    speaker.revision += 1
    speaker.save(
        update_fields=[
            "actor", "actor_state", "actor_confidence", "actor_decided", "voice", "revision"
        ]
    )  # fmt: skip
    return speaker


def _chosen(speaker: ProjectSpeaker) -> bool:
    """Whether a person gave the speaker their voice."""
    kept = speaker.changes.filter(after__has_key="voice", undoes=None, undone=None)
    return bool(kept.exists())


def _own_voice(project: Project, actor: uuid.UUID) -> str:
    """Id of the actor's voice with the engine that speaks the project; "" where they have none."""
    user, language = project.owner, project.target_language
    engine = project.engines.get("synthesis", "")
    clone = selectors.clone_to_speak(user, actor, engine, language)
    if clone is not None:
        return clone.vendor_id
    wish = remembering.voice_for(user, actor, language, engine)
    return wish.voice if wish is not None else ""


def actor_voice(
    project: Project, actor: uuid.UUID, *, engine: str, stock: Sequence[Voice]
) -> ActorVoice | None:
    """In which voice of ``engine`` the actor speaks for the project's owner; None: in any."""
    user, language = project.owner, project.target_language
    clone = selectors.clone_to_speak(user, actor, engine, language)
    if clone is not None and voice_of(clone, stock) is not None:
        return ActorVoice(clone.vendor_id, as_it_is=True)
    wish = remembering.voice_for(user, actor, language, engine)
    if wish is None or wish.voice not in {one.id for one in stock}:
        return None
    return ActorVoice(wish.voice, as_it_is=wish.pinned)


def lasting_voice(
    project: Project, vendor_id: str, *, engine: str, stock: Sequence[Voice]
) -> tuple[Voice, uuid.UUID] | None:
    """The clone of that id as a voice, and whose row it is; while it may speak for the project's
    owner."""
    usable = selectors.usable_clones(project.owner).filter(engine=engine, vendor_id=vendor_id)
    clone = usable.first()
    voice = voice_of(clone, stock) if clone is not None else None
    if clone is None or voice is None:
        return None
    note_used(clone)
    return voice, clone.pk


def actors_of_session(user: User, session: DubbingSession) -> dict[str, Actor]:
    """Label → actor, of the speakers of a session whose actor is confirmed and theirs to see."""
    rows = Speaker.objects.visible_to(user).filter(
        session_id=session.pk,
        state=SpeakerState.CONFIRMED,
        actor__in=Actor.objects.visible_to(user).values("pk"),
    )
    return {one.label: one.actor for one in rows.select_related("actor")}


def _known(project: Project) -> tuple[dict[str, Recognised], set[str]]:
    """What was known for certain before, of a session or by a job before this one; and the labels
    that a person has decided about."""
    rows = project.speakers.filter(
        actor_state=ActorState.CONFIRMED,
        actor__in=Actor.objects.visible_to(project.owner).values("pk"),
    )
    found = {
        label: Recognised(actor, confirmed=True, confidence=confidence)
        for label, actor, confidence in rows.values_list("label", "actor_id", "actor_confidence")
    }
    decided = project.speakers.filter(actor_decided=True).values_list("label", flat=True)
    return found, set(decided)


def _looks(project: Project) -> bool:
    owner = project.owner
    return owner.speakers != OFF and bool(Actor.objects.visible_to(owner).exists())


async def _who(
    project: Project, engines: Engines, pcm: Pcm, *, beside: Sequence[uuid.UUID]
) -> Recognised | None:
    encoder = engines.recognising
    try:
        async with in_time(ACQUAINTANCE_S, "The voice was not compared in time."):
            made = await voiceprints_of(
                encoder,
                pcm,
                consistent_by=engines.encoder if engines.actor_encoder else None,
                keep=False,
            )
    except (SpeechRefusedError, EngineError) as refused:
        log.info("speaker not identified", extra={"code": getattr(refused, "code", "refused")})
        return None
    means = {band: mean_of([one]) for band, one in made.heard.items()}
    match = await in_orm_thread(
        recognise,
        project.owner,
        {band: mean for band, mean in means.items() if mean is not None},
        encoder=encoder.name,
        version=encoder.version,
        beside=beside,
        # Where nobody measured what strangers reach, only a person confirms.
        confirm_at=settings.VOICE_SIMILARITY_THRESHOLD if encoder.name in MEASURED else UNREACHABLE,
    )
    if match.actor is None:
        return None
    sure = match.state == "confirmed"
    return Recognised(match.actor, confirmed=sure, confidence=round(match.score, 3))
