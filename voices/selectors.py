"""Reads about actors; every one takes the acting user and sees only what is theirs to see.

What is shared with a team is seen by every member and changed by owners and editors. The
catalogue is seen by everyone and changed in the admin pages only.
"""

from __future__ import annotations

import uuid
from collections.abc import Collection
from typing import Any

from django.contrib.auth.models import AnonymousUser
from django.db.models import Count, Exists, OuterRef, Q, QuerySet
from django.utils import timezone

from accounts.models import Membership, Team, User
from accounts.ownership import EDITING_ROLES
from accounts.selectors import editing_teams_of
from voices.models import (
    Actor,
    CloneState,
    Comparison,
    Consent,
    ConsentUse,
    Decision,
    PinnedVoice,
    Preview,
    Rejection,
    Speaker,
    SpeakerState,
    Title,
    VoiceClone,
    VoiceSample,
)

Person = User | AnonymousUser


def actors_of(user: Person) -> QuerySet[Actor]:
    """Own, shared and of the catalogue, with ``samples_count`` and ``speakers_count`` of what
    the user may see."""
    samples = VoiceSample.objects.visible_to(user).values("pk")
    speakers = Speaker.objects.visible_to(user).values("pk")
    found: QuerySet[Actor] = Actor.objects.visible_to(user).annotate(
        samples_count=Count("samples", filter=Q(samples__in=samples), distinct=True),
        speakers_count=Count(
            "speakers",
            filter=Q(speakers__in=speakers, speakers__state=SpeakerState.CONFIRMED),
            distinct=True,
        ),
    )
    return found


def speakers_of(user: Person, *, merged: bool = False) -> QuerySet[Any]:
    """Those heard in sessions that the user may see; ones merged into others on demand."""
    found = _with_actor_shown(Speaker, user)
    return found if merged else found.filter(merged_into=None)


def samples_of(user: Person) -> QuerySet[Any]:
    return _with_actor_shown(VoiceSample, user)


def consents_of(user: Person) -> QuerySet[Any]:
    """Not the catalogue's: who gave those is for staff alone to know."""
    found: QuerySet[Any] = _with_actor_shown(Consent, user)
    return found.exclude(owner=None)


def clones_of(user: Person) -> QuerySet[Any]:
    """Also those that are being made, have failed, or may not be used any more."""
    return _with_actor_shown(VoiceClone, user).prefetch_related("samples")


def comparisons_of(user: Person) -> QuerySet[Any]:
    """Not those whose time is over, although they may still be there."""
    found = Comparison.objects.visible_to(user).filter(expires_at__gt=timezone.now())
    rows: QuerySet[Any] = found.select_related("actor", "sample").prefetch_related("previews")
    return rows


def previews_of(user: Person) -> QuerySet[Any]:
    """Those of clones only while these may speak."""
    found = Preview.objects.visible_to(user).filter(comparison__expires_at__gt=timezone.now())
    if not isinstance(user, User):
        return Preview.objects.none()
    usable = usable_clones(user).values("pk")
    rows: QuerySet[Any] = found.filter(Q(clone=None) | Q(clone__in=usable))
    return rows.select_related("comparison")


def pinned_voices_of(user: Person) -> QuerySet[Any]:
    return _with_actor_shown(PinnedVoice, user)


def _with_actor_shown(kind: Any, user: Person) -> QuerySet[Any]:
    """Rows that the user may see; ``actor_shown``: whether they may see the actor too."""
    return _showing_actors(kind.objects.visible_to(user), user)


def _showing_actors(rows: QuerySet[Any], user: Person) -> QuerySet[Any]:
    actor = Actor.objects.visible_to(user).filter(pk=OuterRef("actor"))
    found: QuerySet[Any] = rows.select_related("actor").annotate(actor_shown=Exists(actor))
    return found


def changeable_speakers(user: User) -> QuerySet[Any]:
    found: QuerySet[Any] = Speaker.objects.editable_by(user)
    return found


def changeable_samples(user: User) -> QuerySet[Any]:
    found: QuerySet[Any] = VoiceSample.objects.editable_by(user)
    return found


def titles_of(user: Person) -> QuerySet[Title]:
    found: QuerySet[Title] = Title.objects.visible_to(user)
    return found


def decisions_of(user: Person) -> QuerySet[Decision]:
    """The history of what the user may see; not the catalogue's, where staff act."""
    found: QuerySet[Decision] = Decision.objects.visible_to(user).exclude(owner=None)
    return found


def editing_teams(user: User) -> set[int]:
    """Ids of the teams in which the user edits."""
    mine = Membership.objects.filter(user=user, role__in=EDITING_ROLES)
    return set(mine.values_list("team_id", flat=True))


def editing_team(user: User, team_id: int) -> Team | None:
    """A team in which the user may share; None where there is none such."""
    return editing_teams_of(user).filter(pk=team_id).first()


# For dubbing and recognising -------------------------------------------------------------


def pinned_voice(user: User, actor_id: uuid.UUID, language: str) -> PinnedVoice | None:
    """How the actor sounds for this user: their own pin, their team's, or the catalogue's;
    at each, one for the language before one for every language."""
    pins = PinnedVoice.objects.visible_to(user).filter(
        actor_id=actor_id, language__in=[language, ""]
    )

    def rank(pin: PinnedVoice) -> tuple[int, bool, Any]:
        whose = 0 if pin.owner_id == user.pk else 1 if pin.owner_id is not None else 2
        return whose, pin.language != language, pin.created_at

    return min(pins, key=rank, default=None)


def usable_clones(user: User, actor_id: uuid.UUID | None = None) -> QuerySet[VoiceClone]:
    """Clones that may speak for this user now: ready, and under a valid consent to that."""
    allowed = Consent.objects.valid(timezone.now()).for_use(ConsentUse.CLONE).values("pk")
    found: QuerySet[VoiceClone] = (
        VoiceClone.objects.visible_to(user)
        .filter(state=CloneState.READY, consent__in=allowed)
        .exclude(vendor_id="")
        .select_related("actor")
    )
    return found if actor_id is None else found.filter(actor_id=actor_id)


def offered_clones(user: User) -> QuerySet[Any]:
    """``usable_clones`` with ``actor_shown``: whether the user may see the actor too."""
    return _showing_actors(usable_clones(user), user)


def clone_to_speak(
    user: User, actor_id: uuid.UUID, engine: str, language: str
) -> VoiceClone | None:
    """The clone in which the actor speaks for this user: the pinned one; else, where no other
    voice is pinned, the best of their own, then of their team's, then of the catalogue's."""
    pin = pinned_voice(user, actor_id, language)
    clones = list(usable_clones(user, actor_id).filter(engine=engine))
    if pin is not None and pin.engine == engine:
        return next((one for one in clones if one.vendor_id == pin.voice), None)

    def rank(clone: VoiceClone) -> tuple[int, float]:
        whose = 0 if clone.owner_id == user.pk else 1 if clone.owner_id is not None else 2
        return whose, -float(clone.quality.get("score") or 0.0)

    return min(clones, key=rank, default=None)


def cloning_allowed(user: User, actor_id: uuid.UUID) -> bool:
    """Whether a consent that this user may see covers a synthetic voice of the actor."""
    given = Consent.objects.visible_to(user).filter(actor=actor_id)
    return bool(given.valid(timezone.now()).for_use(ConsentUse.CLONE).exists())


def recognition_ended(user: User | None, actor_id: uuid.UUID) -> bool:
    """Whether consent to it was revoked, or expired for good, and nothing may be learned of the
    voice any more. None: in the catalogue."""
    given = Consent.objects.filter(owner=None) if user is None else Consent.objects.visible_to(user)
    asked = given.filter(actor=actor_id).for_use(ConsentUse.RECOGNISE)
    return bool(asked.exists() and not asked.filter(settled_at=None).exists())


def recognition_forbidden(user: User, actors: Collection[uuid.UUID]) -> set[uuid.UUID]:
    """Those whose consent to it was asked for, and does not hold (any more)."""
    asked = Consent.objects.visible_to(user).filter(actor__in=actors)
    asked = asked.for_use(ConsentUse.RECOGNISE)
    valid = asked.valid(timezone.now()).values_list("actor", flat=True)
    return set(asked.values_list("actor", flat=True)) - set(valid)


def rejected_actors(speaker: Speaker) -> set[uuid.UUID]:
    """Whom a person said that this speaker is not."""
    return set(Rejection.objects.filter(speaker=speaker).values_list("actor_id", flat=True))


def rejected_pairs(user: User) -> QuerySet[Rejection]:
    """Every "these are not the same" that the recogniser may learn from."""
    return Rejection.objects.filter(speaker__in=Speaker.objects.visible_to(user).values("pk"))


def actors_in_title(user: User, title_id: uuid.UUID) -> dict[uuid.UUID, int]:
    """Actor → in how many sessions of the title they were confirmed to be heard."""
    rows = (
        Speaker.objects.visible_to(user)
        .filter(title_id=title_id, state=SpeakerState.CONFIRMED, actor__isnull=False)
        .values("actor")
        .annotate(sessions=Count("session_id", distinct=True))
    )
    return {row["actor"]: row["sessions"] for row in rows}


def cast_of(user: User, title_id: uuid.UUID) -> list[dict[str, Any]]:
    """``actors_in_title`` with the names of those actors whom the user may see."""
    sessions = actors_in_title(user, title_id)
    names = Actor.objects.visible_to(user).filter(pk__in=sessions).values_list("pk", "name")
    cast = [{"actor": pk, "name": name, "sessions": sessions[pk]} for pk, name in names]
    return sorted(cast, key=lambda one: (-one["sessions"], one["name"]))


def companions(user: User, actor_id: uuid.UUID) -> dict[uuid.UUID, int]:
    """Actor → in how many sessions they were confirmed to be heard together with this one."""
    mine = Speaker.objects.visible_to(user).filter(state=SpeakerState.CONFIRMED)
    together = mine.filter(actor_id=actor_id).values("session_id")
    rows = (
        mine.filter(session_id__in=together, actor__isnull=False)
        .exclude(actor_id=actor_id)
        .values("actor")
        .annotate(sessions=Count("session_id", distinct=True))
    )
    return {row["actor"]: row["sessions"] for row in rows}
