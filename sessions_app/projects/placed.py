"""Where the lines of a project are heard, and their sounds as cues of a mixer."""

from __future__ import annotations

from pipeline.batch.placing import Placed, place
from sessions_app.projects.files import StoredCue
from sessions_app.projects.models import Project, ProjectLine


def length_s(project: Project) -> float:
    """How long every track is: as long as the picture, or without one as the sound."""
    media = project.media
    return float(media.get("video_duration_s") or media["duration_s"])


def placed_lines(project: Project) -> list[tuple[Placed[int], ProjectLine]]:
    """Lines that have a sound, where they are heard, in order; their speakers are loaded."""
    lines = {
        line.pk: line
        for line in project.lines.exclude(sound=None)
        .select_related("sound", "speaker")
        .defer("speaker__shape")
    }
    where = place(
        [(line.pk, line.start_s, line.sound.duration_s) for line in lines.values() if line.sound]
    )
    return [(one, lines[one.key]) for one in where]


def cues(project: Project, *, speaker_id: int | None = None) -> list[StoredCue]:
    """Of all, or of one speaker."""
    return [
        StoredCue(one.start_s, one.duration_s, line.sound.sample_rate_hz, line.sound.audio)
        for one, line in placed_lines(project)
        if line.sound is not None and (speaker_id is None or line.speaker_id == speaker_id)
    ]
