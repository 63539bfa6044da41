"""Sounds go when no line has them and no undoing would bring them back.

What is undone cannot be done again, a translation may be made anew, an engine or a voice's shape
replaced: what was spoken before that would stay for ever. What can be taken back keeps its sound.
"""

from __future__ import annotations

import copy
import logging
from collections import defaultdict
from collections.abc import Iterator
from typing import Any

from django.db.models import QuerySet

from pipeline.bounds import SOUNDS_PRUNED_MAX
from sessions_app.projects.inputs import inputs_of
from sessions_app.projects.models import Change, LineSound, Project, ProjectLine, ProjectSpeaker

log = logging.getLogger(__name__)
_ROWS_AT_ONCE = 1000
_HEARD = ("target_text", "voice", "style", "speaker")
"""Fields of a line that decide how it sounds."""


def prune(project: Project) -> int:
    """Delete them, and give how many; at most ``SOUNDS_PRUNED_MAX`` at once, the next job has
    the rest. In a transaction that holds the project, so that nothing is undone meanwhile."""
    unused = LineSound.objects.filter(project=project, lines=None)
    if not unused.exists():
        return 0
    reachable = set(_digests(project))
    gone = [
        pk
        for pk, digest in unused.values_list("pk", "digest").iterator(_ROWS_AT_ONCE)
        if digest not in reachable
    ][:SOUNDS_PRUNED_MAX]
    for sound in LineSound.objects.filter(pk__in=gone):
        sound.delete()
    if gone:
        log.info("sounds pruned", extra={"project": str(project.pk), "count": len(gone)})
    return len(gone)


def _digests(project: Project) -> Iterator[str]:
    """What every line's inputs are, and would be as far as edits can be taken back."""
    speakers = _speakers(project)
    labels = {pk: label for label, (pk, _) in speakers.items()}
    before = _states_before(project)
    lines = project.lines.only("pk", "number", *_HEARD[:3], "project", "speaker")
    for line in lines.order_by().iterator(_ROWS_AT_ONCE):
        state: dict[str, Any] = {
            "target_text": line.target_text,
            "voice": line.voice,
            "style": line.style,
            "speaker": labels.get(line.speaker_id or 0),
        }
        for one in ({}, *before.get(line.pk, ())):
            state |= {name: value for name, value in one.items() if name in _HEARD}
            yield from _of_state(project, state, speakers)


def _of_state(
    project: Project,
    state: dict[str, Any],
    speakers: dict[str, tuple[int, list[ProjectSpeaker]]],
) -> Iterator[str]:
    line = ProjectLine(target_text=state["target_text"], voice=state["voice"], style=state["style"])
    voices: list[ProjectSpeaker | None] = [None]
    if state["speaker"] in speakers:
        voices = [*speakers[str(state["speaker"])][1]]
    for speaker in voices:
        line.speaker = speaker
        yield inputs_of(line, project)


def _speakers(project: Project) -> dict[str, tuple[int, list[ProjectSpeaker]]]:
    """Label → id, and the speaker in every voice that they have or may have again."""
    voices: defaultdict[int | None, set[str]] = defaultdict(set)
    for change in _takeable(project).filter(line=None):
        if "voice" in change.before:
            voices[change.speaker_id].add(change.before["voice"])
    found = {}
    for speaker in project.speakers.defer("shape"):
        variants = [speaker]
        for voice in voices[speaker.pk] - {speaker.voice}:
            other = copy.copy(speaker)
            other.voice = voice
            variants.append(other)
        found[speaker.label] = (speaker.pk, variants)
    return found


def _states_before(project: Project) -> dict[int, list[dict[str, Any]]]:
    """Line → what undoing gives back, in the order of that: the newest first."""
    found: defaultdict[int, list[dict[str, Any]]] = defaultdict(list)
    for change in _takeable(project).exclude(line=None).iterator(_ROWS_AT_ONCE):
        if change.line_id is not None:
            found[change.line_id].append(change.before)
    return found


def _takeable(project: Project) -> QuerySet[Change]:
    return Change.objects.filter(project=project, undoes=None, undone=None).order_by("-pk")
