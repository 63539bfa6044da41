"""Who the speakers of sessions are: what the recogniser finds, and what people decide.

A person's decision is final. ``note_match`` is the recogniser's only way in, and changes
nothing where a person has confirmed, and nobody whom a person has rejected.
"""

from __future__ import annotations

import uuid
from collections.abc import Collection, Sequence
from typing import Any

from django.db import transaction
from django.db.models import Q, Sum
from django.dispatch import Signal
from django.utils import timezone

from accounts.models import Team, User
from pipeline.bounds import ACTOR_LANGUAGES_MAX, SPEAKER_SPANS_MAX
from voices import selectors
from voices.errors import VoicesError
from voices.models import (
    Actor,
    ActorCentroid,
    DecisionKind,
    Rejection,
    Speaker,
    SpeakerState,
    Title,
    Voiceprint,
)
from voices.services.history import record

Span = tuple[float, float]
"""From, to: media seconds of the session."""

speaker_moved = Signal()
"""What was one speaker's is another's now; sent in the transaction that says so, with
``session_id``, ``label``, ``to`` (a label) and ``spans``, None for everything. The app of
sessions keeps its lines true by it."""

speaker_decided = Signal()
"""A person decided who a speaker is; sent when it is committed, with ``speaker`` (a
``Speaker``). A live session takes it up from the next clause."""


def ensure_speaker(
    session_id: uuid.UUID,
    label: str,
    *,
    owner: User,
    team: Team | None = None,
    title: Title | None = None,
) -> Speaker:
    """The speaker of that label, made if there is none; one that was merged gives the other."""
    speaker: Speaker
    speaker, _ = Speaker.objects.get_or_create(
        session_id=session_id, label=label, defaults={"owner": owner, "team": team, "title": title}
    )
    return speaker.merged_into or speaker


@transaction.atomic
def note_match(
    speaker: Speaker, actor: Actor | None, *, confidence: float, confirmed: bool
) -> bool:
    """What the recogniser found; None: nobody. False where a person's decision forbids it."""
    now = _locked(speaker)
    if now.decided_by_person and now.state == SpeakerState.CONFIRMED:
        return False
    if actor is None:
        if now.state != SpeakerState.REJECTED:
            _be(now, None, SpeakerState.UNKNOWN)
        return True
    if now.rejections.filter(actor=actor).exists():
        return False
    state = SpeakerState.CONFIRMED if confirmed else SpeakerState.SUGGESTED
    _be(now, actor, state, confidence=max(0.0, min(1.0, confidence)))
    return True


@transaction.atomic
def confirm(speaker: Speaker, actor: Actor, *, by: User | None) -> Speaker:
    """A person says that it is this actor, whatever was thought or rejected before.

    Raises VoicesError for an actor whom the session's owner cannot see.
    """
    now = _locked(speaker)
    _must_be_shared(actor, now)
    was = now.actor_id
    now.rejections.filter(actor=actor).delete()
    _be(now, actor, SpeakerState.CONFIRMED, confidence=1.0, by=by, person=True)
    if now.language and now.language not in actor.languages and actor.owner_id == now.owner_id:
        actor.languages = [*actor.languages, now.language][:ACTOR_LANGUAGES_MAX]
        actor.save(update_fields=["languages", "updated_at"])
    was_id = str(was) if was and was != actor.pk else None
    record(DecisionKind.CONFIRMED, now, by=by, actor=actor, was=was_id)
    tell_decided(now)
    return now


@transaction.atomic
def reject(speaker: Speaker, actor: Actor, *, by: User | None) -> Speaker:
    """A person says that it is not this actor: never suggested for this speaker again."""
    now = _locked(speaker)
    Rejection.objects.get_or_create(
        speaker=now, actor=actor, defaults={"rejected_by": by, "rejected_at": timezone.now()}
    )
    if now.actor_id == actor.pk:
        _be(now, None, SpeakerState.REJECTED, by=by, person=True)
    record(DecisionKind.REJECTED, now, by=by, actor=actor)
    tell_decided(now)
    return now


@transaction.atomic
def rename_speaker(speaker: Speaker, name: str, *, by: User | None) -> Speaker:
    """Call the speaker so in this session; empty: by the label again."""
    was, speaker.name = speaker.name, name.strip()
    if was != speaker.name:
        speaker.save(update_fields=["name", "updated_at"])
        record(
            DecisionKind.RENAMED,
            speaker,
            by=by,
            actor=speaker.actor_id,
            was=was,
            now=speaker.name,
        )
    return speaker


@transaction.atomic
def merge_speakers(into: Speaker, gone: Speaker, *, by: User | None) -> Speaker:
    """Both were one person all along. Raises VoicesError for speakers of two sessions."""
    if into.pk == gone.pk:
        raise VoicesError(
            "merge_itself", "A speaker cannot be merged into itself.", field="speaker"
        )
    if into.session_id != gone.session_id:
        raise VoicesError(
            "merge_sessions",
            "They were heard in two sessions. Confirm the same actor for both instead.",
            field="speaker",
        )
    locked = {
        one.pk: one for one in Speaker.objects.select_for_update().filter(pk__in=[into.pk, gone.pk])
    }
    into, gone = locked[into.pk], locked[gone.pk]
    if into.merged_into_id or gone.merged_into_id:
        raise VoicesError(
            "merged_already", "One of them was merged with another one already.", field="speaker"
        )
    takes_actor = gone.decided_by_person and not into.decided_by_person and gone.actor is not None
    into.speech_s += gone.speech_s
    into.name = into.name or gone.name
    into.save(update_fields=["speech_s", "name", "updated_at"])
    Voiceprint.objects.filter(speaker=gone).update(speaker=into)
    if takes_actor and gone.actor is not None:
        _be(into, gone.actor, SpeakerState.CONFIRMED, confidence=1.0, by=by, person=True)
    else:
        _follow(into)
    for one in gone.rejections.exclude(actor=into.actor_id):
        Rejection.objects.get_or_create(
            speaker=into,
            actor_id=one.actor_id,
            defaults={"rejected_by": one.rejected_by, "rejected_at": one.rejected_at},
        )
    Speaker.objects.filter(Q(pk=gone.pk) | Q(merged_into=gone)).update(
        merged_into=into, actor=None, state=SpeakerState.UNKNOWN, confidence=None, speech_s=0.0
    )
    record(DecisionKind.MERGED, into, by=by, actor=into.actor, subject=gone.pk)
    speaker_moved.send(
        Speaker, session_id=into.session_id, label=gone.label, to=into.label, spans=None
    )
    tell_decided(into)
    return into


@transaction.atomic
def split_speaker(
    speaker: Speaker, spans: Sequence[Span], *, by: User | None, name: str = ""
) -> Speaker:
    """What was said in these spans was somebody else: a new, unknown speaker, returned.

    Raises VoicesError for spans that hold nothing of the speaker's, or all of it.
    """
    if not 1 <= len(spans) <= SPEAKER_SPANS_MAX:
        raise VoicesError("split_spans", f"Give 1 to {SPEAKER_SPANS_MAX} spans.", field="spans")
    speaker = _locked(speaker)
    moved = _within(speaker.voiceprints.all(), spans)
    if speaker.voiceprints.exists() and len(moved) == speaker.voiceprints.count():
        raise VoicesError(
            "split_all",
            "That is everything of this speaker's. Reject or confirm an actor instead.",
            field="spans",
        )
    other = Speaker.objects.create(
        owner_id=speaker.owner_id,
        team_id=speaker.team_id,
        session_id=speaker.session_id,
        label=_free_label(speaker),
        name=name.strip(),
        title_id=speaker.title_id,
        language=speaker.language,
    )
    Voiceprint.objects.filter(pk__in=moved).update(speaker=other, actor=None)
    weight = other.voiceprints.aggregate(total=Sum("weight_s"))["total"] or 0.0
    other.speech_s = weight
    other.save(update_fields=["speech_s"])
    speaker.speech_s = max(0.0, speaker.speech_s - weight)
    speaker.save(update_fields=["speech_s", "updated_at"])
    # Of a confirmed speaker it is now known who the other one is not.
    if speaker.actor_id and speaker.decided_by_person:
        Rejection.objects.create(
            speaker=other, actor_id=speaker.actor_id, rejected_by=by, rejected_at=timezone.now()
        )
    _forget_centroids([speaker.actor_id])
    record(DecisionKind.SPLIT, speaker, by=by, actor=speaker.actor_id, subject=other.pk)
    speaker_moved.send(
        Speaker,
        session_id=speaker.session_id,
        label=speaker.label,
        to=other.label,
        spans=list(spans),
    )
    tell_decided(other)
    return other


@transaction.atomic
def share_session(session_id: uuid.UUID, *, team: Team | None) -> None:
    """A session's speakers are seen by whom the session is seen by."""
    Speaker.objects.filter(session_id=session_id).update(team=team)
    Voiceprint.objects.filter(speaker__session_id=session_id).update(team=team)


def forget_session(session_id: uuid.UUID) -> None:
    """The session was deleted, and with it what was heard in it. Samples kept from it stay."""
    actors = Speaker.objects.filter(session_id=session_id).values_list("actor", flat=True)
    stale = list(actors)
    Speaker.objects.filter(session_id=session_id).delete()
    _forget_centroids(stale)


def _be(
    speaker: Speaker,
    actor: Actor | None,
    state: SpeakerState,
    *,
    confidence: float | None = None,
    by: User | None = None,
    person: bool = False,
) -> None:
    before = speaker.actor_id
    speaker.actor, speaker.state, speaker.confidence = actor, state, confidence
    speaker.decided_by, speaker.decided_by_person = by, person
    speaker.decided_at = timezone.now()
    speaker.save(
        update_fields=[
            "actor",
            "state",
            "confidence",
            "decided_by",
            "decided_by_person",
            "decided_at",
            "updated_at",
        ]
    )
    _follow(speaker, before)


def _follow(speaker: Speaker, before: uuid.UUID | None = None) -> None:
    """Voiceprints are the actor's as long as it is confirmed that the speaker is."""
    known = speaker.actor_id if speaker.state == SpeakerState.CONFIRMED else None
    prints = Voiceprint.objects.filter(speaker=speaker)
    if known is not None and selectors.recognition_ended(speaker.owner, known):
        # They went with the consent; these are found only now to be theirs too.
        prints.delete()
    else:
        prints.update(actor_id=known)
    _forget_centroids([before, known])


def _forget_centroids(actors: Collection[Any]) -> None:
    ActorCentroid.objects.filter(actor__in=[one for one in actors if one]).delete()


def _within(prints: Any, spans: Sequence[Span]) -> list[int]:
    """Voiceprints whose middle lies in one of the spans."""
    found = []
    for pk, at_s, duration_s in prints.values_list("pk", "at_s", "duration_s"):
        middle = (at_s or 0.0) + duration_s / 2
        if at_s is not None and any(begin <= middle < end for begin, end in spans):
            found.append(pk)
    return found


def _free_label(speaker: Speaker) -> str:
    """``S2.1``, ``S2.2``, … : never one that the live session itself will give."""
    base = speaker.label.partition(".")[0][:56]
    taken = set(
        Speaker.objects.filter(session_id=speaker.session_id).values_list("label", flat=True)
    )
    number = 1
    while f"{base}.{number}" in taken:
        number += 1
    return f"{base}.{number}"


def _must_be_shared(actor: Actor, speaker: Speaker) -> None:
    """Whoever sees the speaker should see who it is."""
    of_owner = actor.owner_id is None or actor.owner_id == speaker.owner_id
    of_team = speaker.team_id is not None and actor.team_id == speaker.team_id
    if not of_owner and not of_team:
        raise VoicesError(
            "actor_not_shared",
            "The session's owner cannot see this actor. Share the actor with the session's team.",
            field="actor",
        )


def _locked(speaker: Speaker) -> Speaker:
    found: Speaker = Speaker.objects.select_for_update().get(pk=speaker.pk)
    return found


def tell_decided(speaker: Speaker) -> None:
    """Have ``speaker_decided`` sent once this transaction is committed."""
    transaction.on_commit(lambda: speaker_decided.send(Speaker, speaker=speaker), robust=True)
