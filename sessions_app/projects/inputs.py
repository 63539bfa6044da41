"""What decides how a line sounds, and whether the sound that there is still is that of the line.

A sound is named by a digest of everything that went into it but the room that it had: a line
that is moved keeps its sound as long as it fits there.
"""

from __future__ import annotations

import hashlib
import json
import uuid
from collections.abc import Iterable

import msgspec

from pipeline.batch.fitting import FASTEST, Place
from pipeline.types import Style
from sessions_app.projects.models import LineSound, Project, ProjectLine
from voices import selectors as voices

_CLOSE_S = 0.002


def digest(text: str) -> str:
    return hashlib.sha256(text.encode("utf-8", "surrogatepass")).hexdigest()


def needs_translation(line: ProjectLine) -> bool:
    """There is none, or the source was changed since."""
    if not line.source_text.strip():
        return False
    return line.translated_from != digest(line.source_text) or not line.target_text.strip()


def voice_of(line: ProjectLine) -> str:
    """Id of the voice that speaks it; "" where none is cast."""
    return line.voice or (line.speaker.voice if line.speaker else "")


def inputs_of(line: ProjectLine, project: Project, *, engine: str | None = None) -> str:
    """Digest of what goes into the sound of a line; its speaker is loaded. ``engine``: that
    speaks, else the project's."""
    # A voice that was chosen for this line is spoken as it is.
    shape = "" if line.voice or line.speaker is None else line.speaker.shape_digest
    parts = [
        " ".join(line.target_text.split()),
        project.target_language,
        voice_of(line),
        shape,
        line.style,
        project.engines.get("synthesis", "") if engine is None else engine,
    ]
    return digest(json.dumps(parts, ensure_ascii=False, sort_keys=True))


def usable_clones(project: Project) -> frozenset[uuid.UUID]:
    """Ids of the clones that may speak for its owner. Looked up once for a row that was read:
    requests and parts of jobs are short, and what is written is checked again."""
    if project.known_clones is None:
        usable = voices.usable_clones(project.owner).values_list("pk", flat=True)
        project.known_clones = frozenset(usable)
    return project.known_clones


def may_be_heard(sound: LineSound, project: Project) -> bool:
    """False: it was made with a clone whose consent has ended, or that is gone."""
    return sound.clone is None or sound.clone in usable_clones(project)


def style_of(line: ProjectLine) -> Style:
    """Raises msgspec.ValidationError for what is no style."""
    return msgspec.convert(line.style, Style)


def place_of(line: ProjectLine, project: Project, next_start_s: float | None) -> Place:
    media = project.media
    end_s = media.get("video_duration_s") or media.get("duration_s")
    return Place(line.start_s, line.end_s, next_start_s, end_s)


def fits(sound: LineSound, place: Place) -> bool:
    """Whether the sound has room there, or no other one would have more."""
    if sound.duration_s <= place.room_s + _CLOSE_S:
        return True
    return sound.how == "overflow" and sound.speed >= FASTEST - 1e-3


def is_fresh(line: ProjectLine, project: Project, next_start_s: float | None) -> bool:
    """Its sound says what the line says now, and has room where it is; the sound is loaded."""
    if not line.target_text.strip() and not line.source_text.strip():
        return True
    if line.sound is None or needs_translation(line) or not may_be_heard(line.sound, project):
        return False
    sound = line.sound
    if sound.digest != inputs_of(line, project) and (
        # Spoken by an engine that its owner has had since, or had before.
        sound.digest != inputs_of(line, project, engine=sound.engine)
    ):
        return False
    return fits(sound, place_of(line, project, next_start_s))


def best_of(sounds: Iterable[LineSound], place: Place) -> LineSound | None:
    """Of the sounds of the same inputs the least hurried that fits."""
    fitting = [one for one in sounds if fits(one, place)]
    return min(fitting, key=lambda one: (one.how == "overflow", one.speed), default=None)
