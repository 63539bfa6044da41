"""Where the lines of a project are heard, and their sounds as cues of a mixer."""

from __future__ import annotations

import uuid

from django.db.models import Q

from pipeline.batch.placing import Placed, place
from sessions_app.projects.files import StoredCue
from sessions_app.projects.inputs import usable_clones
from sessions_app.projects.models import Project, ProjectLine


def length_s(project: Project) -> float:
    """How long every track is: as long as the picture, or without one as the sound."""
    media = project.media
    return float(media.get("video_duration_s") or media["duration_s"])


def placed_lines(project: Project) -> list[tuple[Placed[int], ProjectLine]]:
    """Lines whose sound may be heard, where it is, in order; their speakers are loaded."""
    lines = {
        line.pk: line
        for line in project.lines.filter(_audible(project))
        .select_related("sound", "speaker")
        .defer("speaker__shape")
    }
    where = place(
        [(line.pk, line.start_s, line.sound.duration_s) for line in lines.values() if line.sound]
    )
    return [(one, lines[one.key]) for one in where]


def cues(project: Project, *, speaker_id: int | None = None) -> list[StoredCue]:
    """Of all, or of one speaker; without their texts, of which hours have many."""
    rows = {
        row["pk"]: row
        for row in project.lines.filter(_audible(project)).values(
            "pk",
            "start_s",
            "speaker",
            "sound__duration_s",
            "sound__sample_rate_hz",
            "sound__audio",
        )
    }
    where = place([(pk, row["start_s"], row["sound__duration_s"]) for pk, row in rows.items()])
    return [
        StoredCue(
            one.start_s,
            one.duration_s,
            rows[one.key]["sound__sample_rate_hz"],
            rows[one.key]["sound__audio"],
        )
        for one in where
        if speaker_id is None or rows[one.key]["speaker"] == speaker_id
    ]


def clones_heard(project: Project) -> list[uuid.UUID]:
    """Ids of the clones that ``cues`` speak with."""
    lines = project.lines.filter(_audible(project)).exclude(sound__clone=None)
    found = lines.order_by().values_list("sound__clone", flat=True)
    return sorted({one for one in found if one is not None})


def _audible(project: Project) -> Q:
    free = Q(sound__clone=None) | Q(sound__clone__in=usable_clones(project))
    return Q(sound__isnull=False) & free
