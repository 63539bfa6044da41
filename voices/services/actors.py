"""Actors: made, edited, shared, merged, split and deleted. Who may, selectors tell."""

from __future__ import annotations

from collections.abc import Collection, Mapping
from typing import Any

from django.db import transaction
from django.db.models import Q
from django.dispatch import Signal
from django.utils import timezone

from accounts.models import Team, User
from pipeline.bounds import ACTOR_ALIASES_MAX, ACTOR_LANGUAGES_MAX, ACTORS_MAX, MERGED_ACTORS_MAX
from voices import files
from voices.errors import LimitReachedError, VoicesError
from voices.models import (
    Actor,
    ActorCentroid,
    Comparison,
    Consent,
    DecisionKind,
    PinnedVoice,
    Rejection,
    Speaker,
    SpeakerState,
    UsualVoice,
    VoiceClone,
    Voiceprint,
    VoiceSample,
)
from voices.pictures import small_picture
from voices.services.history import record
from voices.services.speakers import tell_decided

EDITABLE = ("name", "aliases", "languages", "notes")

actor_merged = Signal()
"""An actor is another one from now on; sent in the transaction that says so, before the row goes,
with ``gone`` and ``into`` (``Actor``). Apps above keep by it what they know of actors."""

_CHILDREN: tuple[Any, ...] = (
    VoiceSample,
    Consent,
    VoiceClone,
    PinnedVoice,
    Voiceprint,
    ActorCentroid,
)


@transaction.atomic
def create_actor(
    owner: User | None, *, by: User | None, team: Team | None = None, **fields: Any
) -> Actor:
    """``owner`` None: in the shared catalogue. Raises LimitReachedError."""
    _refuse_more(owner)
    actor = Actor.objects.create(owner=owner, team=team, **_clean(fields))
    record(DecisionKind.CREATED, actor, by=by)
    return actor


@transaction.atomic
def edit_actor(actor: Actor, *, by: User | None, changes: Mapping[str, Any]) -> Actor:
    """Change what ``EDITABLE`` names."""
    changed = {
        name: value
        for name, value in _clean(changes).items()
        if name in EDITABLE and value != getattr(actor, name)
    }
    if not changed:
        return actor
    old_name = actor.name
    for name, value in changed.items():
        setattr(actor, name, value)
    actor.save(update_fields=[*changed, "updated_at"])
    if "name" in changed:
        record(DecisionKind.RENAMED, actor, by=by, was=old_name, now=actor.name)
    if others := sorted(set(changed) - {"name"}):
        record(DecisionKind.EDITED, actor, by=by, fields=others)
    return actor


def set_picture(actor: Actor, *, by: User | None, content: bytes | None) -> Actor:
    """Keep a small copy of the picture; None takes it away. Raises VoicesError."""
    name = ""
    if content is not None:
        name = files.store(small_picture(content), folder="pictures", suffix=".webp")
    with transaction.atomic():
        actor = Actor.objects.select_for_update().get(pk=actor.pk)
        files.discard([actor.picture.name or ""])
        actor.picture.name = name
        actor.save(update_fields=["picture", "updated_at"])
        files.keep(name)
        record(DecisionKind.EDITED, actor, by=by, fields=["picture"])
    return actor


@transaction.atomic
def share_actor(actor: Actor, *, by: User, team: Team | None) -> Actor:
    """Share the actor and everything of its owner's that belongs to it; None: no longer.

    Only the owner may; that they edit in the team, the caller has made sure of.
    """
    if actor.owner_id != by.pk:
        raise VoicesError("not_yours", "Only its owner shares an actor.", field="team")
    was = actor.team_id
    if was == (team.pk if team else None):
        return actor
    ActorCentroid.objects.filter(actor=actor).delete()
    for kind in _CHILDREN:
        kind.objects.filter(
            Q(owner=actor.owner_id) | Q(team=was, team__isnull=False), actor=actor
        ).update(team=team)
    actor.team = team
    actor.save(update_fields=["team", "updated_at"])
    record(DecisionKind.SHARED, actor, by=by, was=was, now=actor.team_id)
    return actor


@transaction.atomic
def give_actor(actor: Actor, *, by: User | None, owner: User | None, team: Team | None) -> Actor:
    """Make the actor somebody else's, or the catalogue's (None), with what its owner has of
    it. For staff."""
    was, was_team = actor.owner_id, actor.team_id
    if (was, was_team) == (owner.pk if owner else None, team.pk if team else None):
        return actor
    team = team if owner is not None else None
    for kind in _CHILDREN:
        if kind is ActorCentroid:
            continue
        kind.objects.filter(actor=actor, owner=was).update(owner=owner, team=team)
    ActorCentroid.objects.filter(actor=actor).delete()
    actor.owner, actor.team = owner, team
    actor.save(update_fields=["owner", "team", "updated_at"])
    record(
        DecisionKind.SHARED,
        actor,
        by=by,
        was_owner=was,
        now_owner=actor.owner_id,
        was_team=was_team,
        now_team=actor.team_id,
    )
    return actor


@transaction.atomic
def merge_actors(into: Actor, gone: Collection[Actor], *, by: User | None) -> Actor:
    """They are all one person: ``into``, who takes over everything that the others have.

    Raises VoicesError for ``into`` among the others, for too many, for one that is gone
    meanwhile, and where their owners would not see any more what is theirs.
    """
    if not gone or len(gone) > MERGED_ACTORS_MAX:
        raise VoicesError("merge_count", f"Merge 1 to {MERGED_ACTORS_MAX} actors.", field="actors")
    if into in gone:
        raise VoicesError("merge_itself", "An actor cannot be merged into itself.", field="actors")
    if {into.owner_id is None} != {one.owner_id is None for one in gone}:
        raise VoicesError(
            "merge_catalogue",
            "An actor of the shared catalogue cannot be merged with one that somebody owns.",
            field="actors",
        )
    # As they are now: another tab may have changed or merged one of them.
    wanted = [into.pk, *(one.pk for one in gone)]
    rows = Actor.objects.select_for_update(of=("self",)).filter(pk__in=wanted).order_by("pk")
    locked = {one.pk: one for one in rows}
    if len(locked) != len(set(wanted)):
        raise VoicesError(
            "merge_gone",
            "One of these actors is gone: deleted, or merged before. Look at the list again.",
            field="actors",
        )
    into, others = locked[into.pk], [locked[one.pk] for one in gone]
    if not all(_stays_seen(one, into, by) for one in others):
        raise VoicesError(
            "merge_hides",
            "One of these actors is somebody else's, who cannot see the one that stays. Share "
            "that one with the same team first, or merge the other way round.",
            field="actors",
        )
    for one in others:
        _take_over(into, one)
        record(DecisionKind.MERGED, into, by=by, subject=one.pk, was=one.name)
        actor_merged.send(Actor, gone=one, into=into)
        one.delete()
    into.save()
    return into


def _stays_seen(gone: Actor, into: Actor, by: User | None) -> bool:
    """Whether whoever owns ``gone`` sees ``into``, or gives it away themselves."""
    if gone.owner_id == into.owner_id or (by is not None and gone.owner_id == by.pk):
        return True
    return gone.team_id is not None and gone.team_id == into.team_id


def _take_over(into: Actor, gone: Actor) -> None:
    names = [*into.aliases, *(n for n in (gone.name, *gone.aliases) if n != into.name)]
    into.aliases = list(dict.fromkeys(names))[:ACTOR_ALIASES_MAX]
    into.languages = list(dict.fromkeys([*into.languages, *gone.languages]))[:ACTOR_LANGUAGES_MAX]
    into.notes = "\n\n".join(part for part in (into.notes, gone.notes) if part)[:10_000]
    if not into.picture and gone.picture:
        into.picture, gone.picture = gone.picture.name, ""
        gone.save(update_fields=["picture"])
    # That a speaker is not one of the two says nothing where a person confirmed the other.
    Rejection.objects.filter(actor=gone, speaker__actor=into).delete()
    Rejection.objects.filter(actor=into, speaker__actor=gone).delete()
    known = Rejection.objects.filter(actor=into).values("speaker")
    Rejection.objects.filter(actor=gone, speaker__in=known).delete()
    Rejection.objects.filter(actor=gone).update(actor=into)
    Speaker.objects.filter(actor=gone).update(actor=into)
    pinned = {(pin.language, pin.owner_id) for pin in into.pinned_voices.all()}
    for pin in gone.pinned_voices.all():
        if (pin.language, pin.owner_id) in pinned:
            pin.delete()
    # The voice that spoke first stays, as it does for one actor.
    heard = {(one.user_id, one.language, one.engine) for one in into.usual_voices.all()}
    new = [
        one.pk
        for one in gone.usual_voices.all()
        if (one.user_id, one.language, one.engine) not in heard
    ]
    UsualVoice.objects.filter(pk__in=new).update(actor=into)
    ActorCentroid.objects.filter(actor__in=[into, gone]).delete()
    for kind in (VoiceSample, Consent, VoiceClone, PinnedVoice, Voiceprint, Comparison):
        kind.objects.filter(actor=gone).update(actor=into)


@transaction.atomic
def split_actor(
    actor: Actor,
    *,
    by: User | None,
    name: str,
    speakers: Collection[Speaker] = (),
    samples: Collection[VoiceSample] = (),
) -> Actor:
    """These speakers and samples of the actor's are somebody else: a new actor, returned.

    Raises VoicesError for none, and for those that are not the actor's; LimitReachedError.
    """
    if not speakers and not samples:
        raise VoicesError(
            "split_nothing", "Name the speakers or samples of the other person.", field="speakers"
        )
    if {one.actor_id for one in speakers} | {one.actor_id for one in samples} != {actor.pk}:
        raise VoicesError(
            "split_foreign",
            "Not all of these speakers and samples are this actor's.",
            field="speakers",
        )
    _refuse_more(actor.owner)
    other = Actor.objects.create(
        owner_id=actor.owner_id, team_id=actor.team_id, name=name.strip(), languages=actor.languages
    )
    moved = Q(speaker__in=[s.pk for s in speakers]) | Q(sample__in=[s.pk for s in samples])
    Speaker.objects.filter(pk__in=[one.pk for one in speakers]).update(
        actor=other,
        state=SpeakerState.CONFIRMED,
        confidence=1.0,
        decided_by=by,
        decided_by_person=True,
        decided_at=timezone.now(),
    )
    for speaker in Speaker.objects.filter(pk__in=[one.pk for one in speakers]):
        tell_decided(speaker)
    Rejection.objects.bulk_create(
        [_rejection(speaker, actor, by) for speaker in speakers], ignore_conflicts=True
    )
    # They stay under the consent with which they came.
    VoiceSample.objects.filter(pk__in=[one.pk for one in samples]).update(actor=other)
    Voiceprint.objects.filter(moved, actor=actor).update(actor=other)
    ActorCentroid.objects.filter(actor=actor).delete()
    record(
        DecisionKind.SPLIT,
        actor,
        by=by,
        subject=other.pk,
        speakers=[str(one.pk) for one in speakers],
        samples=[str(one.pk) for one in samples],
    )
    record(DecisionKind.CREATED, other, by=by, subject=actor.pk)
    return other


def _refuse_more(owner: User | None) -> None:
    """Raises LimitReachedError; one at a time counts."""
    if owner is not None:
        User.objects.select_for_update().get(pk=owner.pk)
        if Actor.objects.filter(owner=owner).count() >= ACTORS_MAX:
            raise LimitReachedError(f"There are {ACTORS_MAX} actors; delete some first.")


def _rejection(speaker: Speaker, actor: Actor, by: User | None) -> Rejection:
    return Rejection(speaker=speaker, actor=actor, rejected_by=by, rejected_at=timezone.now())


@transaction.atomic
def delete_actor(actor: Actor, *, by: User | None) -> None:
    """And all that is theirs, files included; speakers become unknown again."""
    record(
        DecisionKind.DELETED,
        actor,
        by=by,
        samples=actor.samples.count(),
        consents=actor.consents.count(),
    )
    actor.delete()


def _clean(fields: Mapping[str, Any]) -> dict[str, Any]:
    cleaned = dict(fields)
    if "name" in cleaned:
        cleaned["name"] = cleaned["name"].strip()
    if "aliases" in cleaned:
        named = (one.strip() for one in cleaned["aliases"])
        cleaned["aliases"] = list(dict.fromkeys(one for one in named if one))
    if "languages" in cleaned:
        cleaned["languages"] = list(dict.fromkeys(cleaned["languages"]))
    return cleaned
