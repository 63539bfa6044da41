"""Clones: asked for, edited, deleted. What makes them is ``voices.cloning``."""

from __future__ import annotations

import hashlib
from collections.abc import Sequence
from typing import Any

from celery import current_app
from django.db import IntegrityError, transaction
from django.utils import timezone

from accounts.models import User
from pipeline.bounds import CLONE_SAMPLES_MAX, CLONES_OF_ACTOR_MAX
from pipeline.cloning.tuning import settings_of, tuning_of
from pipeline.ports import EngineError
from voices.cloning.engines import known_engine, usual_engine
from voices.cloning.making import MAKE
from voices.errors import ConsentMissingError, LimitReachedError, VoicesError
from voices.models import (
    Actor,
    CloneState,
    ConsentUse,
    DecisionKind,
    SampleState,
    Verdict,
    VoiceClone,
    VoiceSample,
)
from voices.services.consents import end_clone, team_of_child, valid_consent
from voices.services.history import record

_LIVING = (CloneState.WAITING, CloneState.MAKING, CloneState.READY)


def request_clone(
    actor: Actor,
    *,
    owner: User | None,
    by: User | None,
    samples: Sequence[VoiceSample] = (),
    engine: str = "",
    name: str = "",
    optimise: bool = False,
) -> tuple[VoiceClone, bool]:
    """Have a clone made of the actor's voice; whether it is new. Raises VoicesError.

    The same wish again, of the same recordings with the same engine, is the same clone.
    Without ``samples`` it is made of all that can be used of what ``owner`` may see.
    """
    consent = valid_consent(actor, owner=owner, use=ConsentUse.CLONE)
    if consent is None:
        raise ConsentMissingError("make a synthetic voice")
    engine = _engine(engine, owner)
    chosen = list(samples) or _usable_samples(actor, owner)
    if not chosen:
        raise VoicesError(
            "no_samples", "There is no recording of this actor that can be used.", field="samples"
        )
    if len(chosen) > CLONE_SAMPLES_MAX:
        raise VoicesError(
            "too_many_samples", f"Choose at most {CLONE_SAMPLES_MAX} recordings.", field="samples"
        )
    if any(one.actor_id != actor.pk for one in chosen):
        raise VoicesError("sample_foreign", "A recording is another actor's.", field="samples")
    now = timezone.now()
    if any(one.consent is not None and not one.consent.is_valid(now) for one in chosen):
        raise VoicesError(
            "sample_expired",
            "The consent under which a recording is kept has run out. Write a new one down first, "
            "or choose others.",
            field="samples",
        )
    submission = _digest(chosen)
    same = VoiceClone.objects.filter(
        actor=actor, owner=owner, engine=engine, submission=submission, state__in=_LIVING
    )
    if (found := same.first()) is not None:
        return found, False
    if actor.clones.filter(owner=owner, state__in=_LIVING).count() >= CLONES_OF_ACTOR_MAX:
        raise LimitReachedError(f"An actor has at most {CLONES_OF_ACTOR_MAX} clones.")
    try:
        with transaction.atomic():
            clone = VoiceClone.objects.create(
                actor=actor,
                owner=owner,
                team_id=team_of_child(actor, owner),
                consent=consent,
                engine=engine,
                name=name,
                optimise=optimise,
                submission=submission,
            )
            clone.samples.set(chosen)
            record(
                DecisionKind.CLONE_ASKED, clone, by=by, actor=actor, subject=clone.pk,
                engine=engine, consent=str(consent.pk),
            )  # fmt: skip
            _queue(clone)
    except IntegrityError:
        # The same wish at the same moment: whoever came first has it.
        if (found := same.first()) is None:
            raise
        return found, False
    return clone, True


@transaction.atomic
def edit_clone(clone: VoiceClone, **changes: Any) -> VoiceClone:
    """Its ``name`` or ``settings``; what engines do not know of these is left out."""
    if "settings" in changes:
        changes["settings"] = settings_of(tuning_of(changes["settings"]))
    for name, value in changes.items():
        setattr(clone, name, value)
    clone.save(update_fields=[*changes, "updated_at"])
    return clone


@transaction.atomic
def optimise_clone(clone: VoiceClone) -> VoiceClone:
    """Have the best settings looked for; it goes on speaking meanwhile. Raises VoicesError."""
    clone = VoiceClone.objects.select_for_update().get(pk=clone.pk)
    if clone.state not in _LIVING:
        raise VoicesError("clone_not_ready", "Only a clone that is there can be optimised.")
    if not clone.optimise:
        clone.optimise = True
        clone.save(update_fields=["optimise", "updated_at"])
    _queue(clone)
    return clone


@transaction.atomic
def delete_clone(clone: VoiceClone, *, by: User | None) -> None:
    """Here at once, at the vendor soon; sessions that speak with it stop at the next clause."""
    record(
        DecisionKind.CLONE_DELETED, clone, by=by, actor=clone.actor_id, subject=clone.pk,
        engine=clone.engine,
    )  # fmt: skip
    clone.delete()


def _engine(engine: str, owner: User | None) -> str:
    try:
        engine = engine or usual_engine(owner.pk if owner else None)
    except EngineError as error:
        raise VoicesError("engine_missing", str(error), field="engine") from error
    if not known_engine(engine):
        raise VoicesError("engine_unknown", "This engine makes no clones.", field="engine")
    return engine


def _usable_samples(actor: Actor, owner: User | None) -> list[VoiceSample]:
    rows = VoiceSample.objects.filter(actor=actor)
    rows = rows.filter(owner=None) if owner is None else rows.visible_to(owner)
    rows = rows.exclude(state=SampleState.FAILED).exclude(verdict=Verdict.UNUSABLE)
    # Kept for a while, in case it is renewed, and not used.
    rows = rows.exclude(consent__expires_at__lte=timezone.now()).select_related("consent")
    return list(rows.order_by("-speech_s", "created_at")[:CLONE_SAMPLES_MAX])


def _digest(samples: Sequence[VoiceSample]) -> str:
    return hashlib.sha256(" ".join(sorted({one.pk.hex for one in samples})).encode()).hexdigest()


def _queue(clone: VoiceClone) -> None:
    # Without Redis the periodic task finds it later.
    transaction.on_commit(lambda: current_app.send_task(MAKE, [str(clone.pk)]), robust=True)


__all__ = ["delete_clone", "edit_clone", "end_clone", "optimise_clone", "request_clone"]
