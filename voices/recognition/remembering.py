"""What is kept of the speakers of a session, and what voices spoke for actors.

Voiceprints are kept only of sessions whose user wants speakers remembered. A speaker in whom
somebody was recognised is on record either way, so that a person can correct it.
"""

from __future__ import annotations

import uuid
from collections.abc import Sequence
from dataclasses import dataclass

from django.db import transaction

from accounts.models import Team, User
from pipeline.bounds import VOICEPRINTS_OF_ACTOR_MAX
from pipeline.speakers.identification import Match
from pipeline.speakers.memory import Heard, Stretch
from voices import selectors
from voices.errors import LimitReachedError
from voices.models import Actor, ActorCentroid, Speaker, SpeakerState, Title, UsualVoice, Voiceprint
from voices.recognition.spaces import stored_encoder
from voices.services.actors import create_actor
from voices.services.speakers import ensure_speaker, note_match

NAMED_FROM_S = 10.0
"""Clean speech from which somebody nobody knows becomes an actor without a name."""


@dataclass(frozen=True, slots=True)
class Place:
    """Whose session it is, and what is dubbed in it."""

    session_id: uuid.UUID
    user: User
    team: Team | None = None
    title: Title | None = None


def speaker_of(place: Place, label: str) -> Speaker | None:
    """The session's speaker of that label, if they are on record."""
    found: Speaker | None = (
        Speaker.objects.filter(session_id=place.session_id, label=label)
        .select_related("actor", "merged_into__actor")
        .first()
    )
    return (found.merged_into or found) if found else None


def speakers_of(place: Place) -> list[Speaker]:
    """Everybody on record of the session whom something is known of, or decided about."""
    return list(
        Speaker.objects.filter(session_id=place.session_id, merged_into=None)
        .exclude(state=SpeakerState.UNKNOWN)
        .select_related("actor")
    )


@transaction.atomic
def keep(
    place: Place,
    heard: Heard,
    match: Match[uuid.UUID],
    *,
    encoder: str,
    version: str,
    voiceprints: bool,
) -> Speaker | None:
    """Put a speaker on record, with who was recognised in them.

    ``voiceprints`` also keeps how they sound. None: there is nothing to be kept.
    """
    if not voiceprints and match.actor is None and speaker_of(place, heard.speaker) is None:
        return None
    speaker = ensure_speaker(
        place.session_id, heard.speaker, owner=place.user, team=place.team, title=place.title
    )
    speaker.speech_s = max(speaker.speech_s, round(heard.speech_s, 2))
    speaker.language = heard.language[:8] or speaker.language
    speaker.save(update_fields=["speech_s", "language", "updated_at"])
    # Before the voiceprints: they follow the actor of a confirmed speaker.
    if not match.by_person:
        actor = (
            Actor.objects.visible_to(place.user).filter(pk=match.actor).first()
            if match.actor
            else None
        )
        # What was sure once in a session is not taken back by its own later speech.
        if actor is not None or speaker.state == SpeakerState.SUGGESTED:
            confirmed = match.state == "confirmed"
            note_match(speaker, actor, confidence=match.score, confirmed=confirmed)
            speaker.refresh_from_db()
    if voiceprints:
        _keep_voiceprints(speaker, heard.new, heard.language, encoder, version)
    return speaker


def _keep_voiceprints(
    speaker: Speaker, new: Sequence[Stretch], language: str, encoder: str, version: str
) -> None:
    actor = speaker.actor_id if speaker.state == SpeakerState.CONFIRMED else None
    if actor is not None:
        if selectors.recognition_ended(speaker.owner, actor):
            return
        there = Voiceprint.objects.filter(actor_id=actor, owner_id=speaker.owner_id).count()
        if there >= VOICEPRINTS_OF_ACTOR_MAX:
            return
    Voiceprint.objects.bulk_create(
        Voiceprint(
            owner_id=speaker.owner_id, team_id=speaker.team_id, speaker=speaker, actor_id=actor,
            encoder=stored_encoder(encoder, band), encoder_version=version,
            vector=one.embedding, weight_s=one.speech_s, quality=one.quality,
            language=language[:8], at_s=stretch.at_s, duration_s=stretch.duration_s,
        )
        for stretch in new
        for band, one in stretch.voiceprints.kept.items()
    )  # fmt: skip
    if actor is not None:
        ActorCentroid.objects.filter(actor_id=actor, owner_id=speaker.owner_id).delete()


def get_to_know(place: Place, label: str, match: Match[uuid.UUID]) -> Speaker | None:
    """Make an actor of somebody heard long enough in whom nobody was recognised.

    They have no name yet, but the next session recognises them and gives them the same voice.
    None when it is too early, somebody is at least suggested, or there is no room for more actors.
    """
    speaker = speaker_of(place, label)
    if (
        speaker is None
        or speaker.state != SpeakerState.UNKNOWN
        or speaker.speech_s < NAMED_FROM_S
        or match.state != "unknown"
        or match.score >= 0.5
        or not speaker.voiceprints.exists()
    ):
        return None
    where = place.title.name if place.title else speaker.created_at.strftime("%d %B %Y")
    languages = [speaker.language] if speaker.language else []
    try:
        actor = create_actor(
            owner=place.user, by=None, name=f"{label} of {where}"[:200], languages=languages
        )
    except LimitReachedError:
        return None
    note_match(speaker, actor, confidence=1.0, confirmed=True)
    speaker.refresh_from_db()
    return speaker


@dataclass(frozen=True, slots=True)
class VoiceWish:
    voice: str
    pinned: bool


def voice_for(user: User, actor_id: uuid.UUID, language: str, engine: str) -> VoiceWish | None:
    """The voice of an engine in which the actor is to speak: pinned, or as before."""
    pin = selectors.pinned_voice(user, actor_id, language)
    if pin is not None and pin.engine == engine:
        return VoiceWish(pin.voice, pinned=True)
    usual = UsualVoice.objects.filter(
        actor_id=actor_id, user=user, language=language, engine=engine
    ).first()
    return VoiceWish(usual.voice, pinned=False) if usual else None


def note_voice(user: User, actor_id: uuid.UUID, language: str, engine: str, voice: str) -> None:
    """``voice`` spoke for the actor; the first one stays."""
    if Actor.objects.visible_to(user).filter(pk=actor_id).exists():
        UsualVoice.objects.get_or_create(
            actor_id=actor_id,
            user=user,
            language=language[:8],
            engine=engine,
            defaults={"voice": voice},
        )
