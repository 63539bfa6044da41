"""Clones that may not speak any more, and what projects have of them.

What was made with one is deleted in the transaction that ends the clone. A consent that runs out,
or a clone that is shared no longer, deletes nothing: what was made with it is not heard while it
is so, and a new dub does without it.
"""

from __future__ import annotations

import uuid
from collections.abc import Collection
from typing import Any

from django.db.models import F, Q, QuerySet

from accounts.models import User
from sessions_app.projects.errors import ProjectError
from sessions_app.projects.files import size_of
from sessions_app.projects.inputs import usable_clones
from sessions_app.projects.job_models import Export
from sessions_app.projects.models import LineSound, Project
from voices import selectors
from voices.files import discard
from voices.models import VoiceClone

WITHDRAWN = "voice_withdrawn"


def forget_clone(clone: VoiceClone) -> None:
    """Delete what was made with it; in the transaction that ends it, which has locked its row.

    Lines that it spoke have no sound then, and say why; whoever was cast with it has no voice,
    and is cast anew with the next dub.
    """
    found: set[uuid.UUID] = set(
        Project.objects.filter(clones__contains=[clone.pk]).values_list("pk", flat=True)
    )
    found.update(LineSound.objects.filter(clone=clone.pk).values_list("project", flat=True))
    theirs = Project.objects.filter(owner__in=_hearers(clone))
    for field in ("speakers__voice", "lines__voice"):
        found.update(theirs.filter(**{field: clone.vendor_id}).values_list("pk", flat=True))
    rows = Project.objects.select_for_update(of=("self",), no_key=True).filter(pk__in=found)
    for project in rows.order_by("pk"):
        project.lines.filter(sound__clone=clone.pk).update(sound=None, problem=WITHDRAWN)
        for sound in project.sounds.filter(clone=clone.pk):
            sound.delete()
        _uncast(project, [clone.vendor_id])
        if clone.pk in project.clones:
            tracks = [project.mix, project.dub, project.dub_waveform]
            gone = sum(size_of(one) for one in tracks)
            project.bytes_kept = max(0, project.bytes_kept - gone)
            discard(tracks)
            project.mix = project.dub = project.dub_waveform = ""
            project.clones = []
            project.save(
                update_fields=["mix", "dub", "dub_waveform", "clones", "bytes_kept", "updated_at"]
            )
    for export in Export.objects.filter(clones__contains=[clone.pk]):
        export.delete()


def let_go(project: Project) -> None:
    """Nobody is cast any more with a clone that may not speak now; the project is locked."""
    cast = set(project.speakers.values_list("voice", flat=True))
    cast.update(project.lines.exclude(voice="").values_list("voice", flat=True).distinct())
    usable = usable_clones(project)
    clones = VoiceClone.objects.filter(vendor_id__in=cast - {""}).values_list("pk", "vendor_id")
    speaking = {voice for pk, voice in clones if pk in usable}
    _uncast(project, {voice for _, voice in clones} - speaking)


def still_usable(project: Project, clones: Collection[uuid.UUID]) -> bool:
    """Whether all of them may speak until the transaction ends, in which this is called before
    anything else of the project is locked."""
    if not clones:
        return True
    rows = VoiceClone.objects.select_for_update(of=("self",)).filter(pk__in=clones)
    list(rows.order_by("pk"))
    usable = selectors.usable_clones(project.owner).filter(pk__in=clones)
    return usable.count() == len(set(clones))


def refuse_withdrawn(project: Project, clones: Collection[uuid.UUID]) -> None:
    """Raises ProjectError where one of the clones that are heard in something may not speak."""
    if not usable_clones(project).issuperset(clones):
        raise ProjectError(
            WITHDRAWN,
            "It has a voice whose consent has ended; dub the project again, which speaks those "
            "lines in another one.",
        )


def _uncast(project: Project, voices: Collection[str]) -> None:
    if voices:
        changed: dict[str, Any] = {"voice": "", "revision": F("revision") + 1}
        project.speakers.filter(voice__in=voices).update(**changed)
        project.lines.filter(voice__in=voices).update(**changed)


def _hearers(clone: VoiceClone) -> QuerySet[User]:
    """Users whom the clone may have spoken for."""
    if clone.owner_id is None:
        return User.objects.all()
    mine = Q(pk=clone.owner_id)
    if clone.team_id is not None:
        mine |= Q(memberships__team=clone.team_id)
    return User.objects.filter(mine)
