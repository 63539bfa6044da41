"""Pinned voices: a person's choice of how an actor sounds."""

from __future__ import annotations

from django.db import transaction

from accounts.models import User
from voices.models import Actor, DecisionKind, PinnedVoice
from voices.services.consents import team_of_child
from voices.services.history import record


@transaction.atomic
def pin_voice(
    actor: Actor, *, owner: User | None, by: User | None, language: str, engine: str, voice: str
) -> tuple[PinnedVoice, bool]:
    """Pin, in place of what the same owner has pinned for that language; whether it is new."""
    pin, new = PinnedVoice.objects.update_or_create(
        actor=actor,
        language=language,
        owner=owner,
        defaults={"engine": engine, "voice": voice},
        create_defaults={
            "engine": engine,
            "voice": voice,
            "team_id": team_of_child(actor, owner),
        },
    )
    record(
        DecisionKind.PINNED,
        pin,
        by=by,
        actor=actor,
        subject=pin.pk,
        language=language,
        engine=engine,
        voice=voice,
    )
    return pin, new


@transaction.atomic
def unpin_voice(pin: PinnedVoice, *, by: User | None) -> None:
    record(
        DecisionKind.UNPINNED, pin, by=by, actor=pin.actor, subject=pin.pk, language=pin.language
    )
    pin.delete()
