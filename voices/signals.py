"""What has to happen however a row is deleted: by hand, in the admin, or with its account."""

from __future__ import annotations

from typing import Any

from django.db.models import QuerySet
from django.db.models.signals import post_delete, pre_delete
from django.dispatch import receiver

from accounts.models import User
from voices.files import discard
from voices.models import (
    Actor,
    Consent,
    DiscardedClone,
    Speaker,
    SpeakerState,
    VoiceClone,
    VoiceSample,
)


@receiver(pre_delete, sender=Actor)
def nobody_is_a_deleted_actor(instance: Actor, **_: Any) -> None:
    Speaker.objects.filter(actor=instance).update(
        actor=None, state=SpeakerState.UNKNOWN, confidence=None, decided_by_person=False
    )


@receiver(post_delete, sender=Actor)
def delete_the_picture(instance: Actor, **_: Any) -> None:
    discard([instance.picture.name or ""])


@receiver(post_delete, sender=VoiceSample)
def delete_the_sound(instance: VoiceSample, **_: Any) -> None:
    discard([instance.audio.name or ""])


@receiver(post_delete, sender=Consent)
def delete_the_evidence(instance: Consent, **_: Any) -> None:
    discard([instance.evidence.name or ""])


@receiver(post_delete, sender=VoiceClone)
def remember_the_vendors_copy(instance: VoiceClone, origin: Any, **_: Any) -> None:
    if not instance.vendor_id:
        return
    DiscardedClone.objects.bulk_create(
        [
            DiscardedClone(
                engine=instance.engine,
                vendor_id=instance.vendor_id,
                owner=_staying(instance, origin),
            )
        ],
        ignore_conflicts=True,
    )


def _staying(clone: VoiceClone, origin: Any) -> User | None:
    """The owner, unless it is accounts that are being deleted (``origin``)."""
    deleted = origin.model if isinstance(origin, QuerySet) else type(origin)
    if clone.owner_id is None or issubclass(deleted, User):
        return None
    return User.objects.filter(pk=clone.owner_id).first()
