"""Who a speaker is: the rule of ``pipeline.speakers.identification`` over what Postgres knows."""

from __future__ import annotations

import uuid
from collections.abc import Mapping, Sequence

import numpy as np

from accounts.models import User
from pipeline.bounds import ACTOR_CANDIDATES_MAX, REFUSALS_MAX
from pipeline.speakers.identification import (
    CONFIRM_AT,
    Band,
    Candidate,
    Context,
    Heard,
    Known,
    Match,
    Mean,
    identify,
    mean_of,
)
from voices import selectors
from voices.models import Actor, Speaker, SpeakerState, Voiceprint
from voices.recognition.centroids import voices_of
from voices.recognition.search import nearest
from voices.recognition.spaces import stored_encoder

Voice = Mapping[Band, Mean]


def recognise(
    user: User,
    voice: Voice,
    *,
    encoder: str,
    version: str,
    speaker: Speaker | None = None,
    title_id: uuid.UUID | None = None,
    beside: Sequence[uuid.UUID] = (),
    confirm_at: float = CONFIRM_AT,
) -> Match[uuid.UUID]:
    """Who it is among the actors that the user may use; changes nothing.

    ``beside`` are the actors who are confirmed in the same session. Raises what the database
    raises.
    """
    known = known_of(speaker)
    if known.is_actor is not None:
        return identify(voice, [], actors=0, known=known)
    context = _context(user, title_id, beside)
    near = _nearest(user, voice, encoder, version)
    likely = sorted(context.likely - set(near), key=str)
    wanted = [*near, *likely][:ACTOR_CANDIDATES_MAX]
    seen = Actor.objects.visible_to(user).filter(pk__in=wanted).values_list("pk", flat=True)
    allowed = set(seen) - selectors.recognition_forbidden(user, wanted)
    voices = voices_of(user, allowed, encoder=encoder, version=version)
    refused = _refused_like(user, voice, voices, encoder, version)
    return identify(
        voice,
        [Candidate(actor, voices[actor]) for actor in sorted(voices, key=str)],
        actors=Actor.objects.visible_to(user).count(),
        context=context,
        known=Known(is_not=known.is_not | refused),
        confirm_at=confirm_at,
    )


def known_of(speaker: Speaker | None) -> Known[uuid.UUID]:
    """What people decided about a speaker."""
    if speaker is None:
        return Known()
    final = speaker.decided_by_person and speaker.state == SpeakerState.CONFIRMED
    return Known(
        is_actor=speaker.actor_id if final else None,
        is_not=frozenset(selectors.rejected_actors(speaker)),
    )


def _nearest(user: User, voice: Voice, encoder: str, version: str) -> list[uuid.UUID]:
    """Actors with a voiceprint near to this voice, nearest first."""
    best: dict[uuid.UUID, float] = {}
    for band, mean in voice.items():
        found = nearest(
            user.pk, mean.embedding, encoder=stored_encoder(encoder, band), version=version
        )
        for one in found:
            best[one.actor] = max(best.get(one.actor, -1.0), one.similarity)
    return sorted(best, key=lambda actor: -best[actor])[:ACTOR_CANDIDATES_MAX]


def _context(
    user: User, title_id: uuid.UUID | None, beside: Sequence[uuid.UUID]
) -> Context[uuid.UUID]:
    in_title = selectors.actors_in_title(user, title_id) if title_id else {}
    together: set[uuid.UUID] = set()
    for actor in beside:
        together |= selectors.companions(user, actor).keys()
    # Who is there already is no likelier to be somebody else as well.
    return Context(frozenset(in_title) - set(beside), frozenset(together) - set(beside))


def _refused_like(
    user: User,
    voice: Voice,
    candidates: Mapping[uuid.UUID, Voice],
    encoder: str,
    version: str,
) -> frozenset[uuid.UUID]:
    """Candidates whom a person refused for a voice that is nearer to this one than theirs.

    So what was refused in one session does not come again in the next.
    """
    pairs = (
        selectors.rejected_pairs(user)
        .filter(actor__in=candidates.keys())
        .order_by("-rejected_at")
        .values_list("speaker_id", "actor_id")[:REFUSALS_MAX]
    )
    refused: set[uuid.UUID] = set()
    prints: dict[tuple[uuid.UUID, str], list[Heard]] = {}
    rows = Voiceprint.objects.visible_to(user).filter(
        speaker_id__in={speaker for speaker, _ in pairs}, encoder_version=version
    )
    for row in rows.only("speaker_id", "encoder", "vector", "weight_s", "quality"):
        heard = Heard(np.asarray(row.vector, np.float32), row.weight_s, row.quality)
        prints.setdefault((row.speaker_id, row.encoder), []).append(heard)
    for speaker_id, actor in pairs:
        for band, mean in voice.items():
            other = mean_of(prints.get((speaker_id, stored_encoder(encoder, band)), []))
            theirs = candidates[actor].get(band)
            if other is None or theirs is None:
                continue
            if float(other.embedding @ mean.embedding) > float(theirs.embedding @ mean.embedding):
                refused.add(actor)
    return frozenset(refused)
