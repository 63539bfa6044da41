"""Files go with their rows, however those are deleted: by hand, or with their account; and what
was made with a clone goes with it. Who a speaker is stays true when actors are merged."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

from django.db.models import F
from django.db.models.signals import post_delete
from django.dispatch import receiver

from sessions_app.projects.job_models import Export, UploadPiece
from sessions_app.projects.models import LineSound, Project, ProjectSpeaker, StoredStretch
from sessions_app.projects.withdrawing import forget_clone
from voices.cloning.notices import clones_ending
from voices.files import discard
from voices.models import Actor, VoiceClone
from voices.services import actor_merged


@receiver(post_delete, sender=Project)
def delete_its_files(instance: Project, **_: Any) -> None:
    its = instance
    discard([its.original, its.waveform, its.dub, its.mix, its.dub_waveform])


@receiver(post_delete, sender=StoredStretch)
@receiver(post_delete, sender=LineSound)
def delete_its_sound(instance: StoredStretch | LineSound, **_: Any) -> None:
    discard([instance.audio])


@receiver(post_delete, sender=UploadPiece)
@receiver(post_delete, sender=Export)
def delete_its_file(instance: UploadPiece | Export, **_: Any) -> None:
    discard([instance.file])


@receiver(clones_ending)
def forget_what_they_spoke(clones: Sequence[VoiceClone], **_: Any) -> None:
    for clone in clones:
        forget_clone(clone)


@receiver(actor_merged)
def be_the_other_actor(gone: Actor, into: Actor, **_: Any) -> None:
    rows = ProjectSpeaker.objects.filter(actor=gone)
    rows.update(actor=into, revision=F("revision") + 1)
