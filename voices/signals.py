"""What has to happen however a row is deleted: by hand, in the admin, or with its account."""

from __future__ import annotations

from typing import Any

from django.db import transaction
from django.db.models import QuerySet
from django.db.models.signals import post_delete, pre_delete
from django.dispatch import receiver

from accounts.models import User
from voices.cloning.discarding import discard_clone, look_for_now, withdraw
from voices.cloning.notices import actor_changed
from voices.files import discard
from voices.models import (
    Actor,
    CloneState,
    Consent,
    PinnedVoice,
    Preview,
    Speaker,
    SpeakerState,
    VoiceClone,
    VoiceSample,
)


@receiver(pre_delete, sender=Actor)
def nobody_is_a_deleted_actor(instance: Actor, origin: Any, **_: Any) -> None:
    Speaker.objects.filter(actor=instance).update(
        actor=None, state=SpeakerState.UNKNOWN, confidence=None, decided_by_person=False
    )
    # Sessions that know them look again; those of an account that goes are over.
    if instance.team_id is not None or not _is_account(origin):
        actor_id = instance.pk
        transaction.on_commit(lambda: actor_changed.send(Actor, actor_id=actor_id), robust=True)


@receiver(post_delete, sender=Actor)
def delete_the_picture(instance: Actor, **_: Any) -> None:
    discard([instance.picture.name or ""])


@receiver(post_delete, sender=VoiceSample)
def delete_the_sound(instance: VoiceSample, **_: Any) -> None:
    discard([instance.audio.name or "", instance.picture.name or ""])


@receiver(post_delete, sender=Consent)
def delete_the_evidence(instance: Consent, **_: Any) -> None:
    discard([instance.evidence.name or ""])


@receiver(pre_delete, sender=VoiceClone)
def remember_the_vendors_copy(instance: VoiceClone, origin: Any, **_: Any) -> None:
    """Before anything is deleted: the key that opens the vendor's copy is still there. Pins to it,
    whosever they are, go along: one to nothing would keep every other voice from the actor."""
    if instance.vendor_id:
        pins = PinnedVoice.objects.filter(engine=instance.engine, voice=instance.vendor_id)
        pins.filter(actor=instance.actor_id).delete()
    discard_clone(instance, owner_stays=not _is_account(origin))
    if not instance.vendor_id and instance.state == CloneState.MAKING:
        look_for_now(instance)
    withdraw([instance])


@receiver(post_delete, sender=VoiceClone)
def delete_the_profile(instance: VoiceClone, **_: Any) -> None:
    discard([instance.profile.name or "", instance.preview.name or ""])


@receiver(post_delete, sender=Preview)
def delete_the_speech(instance: Preview, **_: Any) -> None:
    discard([instance.audio.name or ""])


def _is_account(origin: Any) -> bool:
    """Whether it is accounts that are being deleted."""
    deleted = origin.model if isinstance(origin, QuerySet) else type(origin)
    return issubclass(deleted, User)
