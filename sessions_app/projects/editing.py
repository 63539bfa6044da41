"""Lines and speakers are changed, and changes taken back. The rows are locked by the caller."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

import msgspec
from django.db import transaction
from django.db.models import Max

from accounts.models import User
from accounts.rest.row_waits import bound_row_waits
from pipeline.bounds import COMMENTS_MAX, MEDIA_MAX_S, PROJECT_LINES_MAX, PROJECT_SPEAKERS_MAX
from pipeline.types import NEUTRAL_STYLE, Style
from sessions_app.projects.errors import ProjectError
from sessions_app.projects.inputs import digest
from sessions_app.projects.models import Change, Comment, Project, ProjectLine, ProjectSpeaker

LINE_FIELDS = ("start_s", "end_s", "speaker", "source_text", "target_text", "voice", "style")
SPEAKER_FIELDS = ("name", "voice")
_SHORTEST_S = 0.05
_WITH_SOURCE = ("target_text", "translated_from")
"""What goes back with the source text that it translates."""


def edit_line(line: ProjectLine, *, by: User, changes: Mapping[str, Any]) -> ProjectLine:
    """Change some of LINE_FIELDS; ``speaker`` is a label, a new one makes a new speaker.

    Raises ProjectError. What does not change anything makes no revision.
    """
    wanted = dict(changes)
    if "style" in wanted:
        wanted["style"] = checked_style(wanted["style"])
    start_s, end_s = wanted.get("start_s", line.start_s), wanted.get("end_s", line.end_s)
    if not 0 <= start_s < end_s - _SHORTEST_S or end_s > MEDIA_MAX_S:
        raise ProjectError("invalid", "A line ends after it begins.", field="end_s")
    names = [*wanted]
    if "target_text" in wanted:
        # Whoever writes a translation has seen what it translates.
        wanted["translated_from"] = digest(wanted.get("source_text", line.source_text))
        names = [*names, "translated_from"]
    elif "source_text" in wanted:
        names += _WITH_SOURCE
    return _change_line(line, by=by, wanted=wanted, names=names)


def edit_speaker(speaker: ProjectSpeaker, *, by: User, changes: Mapping[str, Any]) -> None:
    """Change some of SPEAKER_FIELDS; the row is locked."""
    before = {name: getattr(speaker, name) for name in changes}
    if before == dict(changes):
        return
    for name, value in changes.items():
        setattr(speaker, name, value)
    speaker.revision += 1
    speaker.save(update_fields=[*changes, "revision"])
    Change.objects.create(
        project=speaker.project,
        speaker=speaker,
        by=by,
        revision=speaker.revision,
        before=before,
        after=dict(changes),
    )


def add_line(project: Project, *, start_s: float, end_s: float, **fields: Any) -> ProjectLine:
    """A line where there was none; the project is locked. Raises ProjectError."""
    if not 0 <= start_s < end_s - _SHORTEST_S or end_s > MEDIA_MAX_S:
        raise ProjectError("invalid", "A line ends after it begins.", field="end_s")
    if project.lines.count() >= PROJECT_LINES_MAX:
        raise ProjectError("limit_reached", f"A project has at most {PROJECT_LINES_MAX} lines.")
    highest = project.lines.aggregate(highest=Max("number"))["highest"]
    source, target = fields.get("source_text", ""), fields.get("target_text", "")
    language = project.source_language
    if language == "auto":
        first = project.lines.order_by("number").first()
        language = first.language if first else ""
    return ProjectLine.objects.create(
        project=project,
        number=0 if highest is None else highest + 1,
        start_s=start_s,
        end_s=end_s,
        language=language,
        speaker=_speaker(project, fields.get("speaker", "")),
        source_text=source,
        target_text=target,
        translated_from=digest(source) if target and source else "",
    )


@transaction.atomic
def undo(
    project: Project, *, by: User, line: ProjectLine | None = None, by_them_alone: bool = False
) -> Change:
    """Take back the newest change that was not; of one line, or of all that is the project's.

    ``by_them_alone``: only what ``by`` changed. Raises ProjectError when nothing is left.
    """
    bound_row_waits()
    # Not its key: an edit that holds its line may write of this project.
    Project.objects.select_for_update(of=("self",), no_key=True).get(pk=project.pk)
    rows = project.changes.filter(undoes=None, undone=None)
    if line is not None:
        rows = rows.filter(line=line)
    if by_them_alone:
        rows = rows.filter(by=by)
    change = rows.order_by("-pk").first()
    if change is None:
        raise ProjectError("nothing_to_undo", "There is no change to take back.")
    newer = project.changes.filter(
        pk__gt=change.pk, line=change.line_id, speaker=change.speaker_id, undoes=None, undone=None
    )
    if newer.exists():
        raise ProjectError("nothing_to_undo", "Somebody else has changed it since.")
    row: Any
    if change.line_id is not None:
        row = ProjectLine.objects.select_for_update(of=("self",)).get(pk=change.line_id)
        row = _change_line(row, by=by, wanted=change.before, names=[*change.before], undoes=change)
    else:
        row = ProjectSpeaker.objects.select_for_update(of=("self",)).get(changes=change)
        now = {name: getattr(row, name) for name in change.before}
        for name, value in change.before.items():
            setattr(row, name, value)
        row.revision += 1
        row.save(update_fields=[*change.before, "revision"])
        Change.objects.create(
            project=project,
            speaker=row,
            by=by,
            revision=row.revision,
            before=now,
            after=change.before,
            undoes=change,
        )
    return change


def comment(line: ProjectLine, *, by: User, text: str) -> Comment:
    """Raises ProjectError."""
    if line.comments.count() >= COMMENTS_MAX:
        raise ProjectError("limit_reached", f"A line has at most {COMMENTS_MAX} comments.")
    return Comment.objects.create(line=line, by=by, text=text)


def _change_line(
    line: ProjectLine,
    *,
    by: User,
    wanted: Mapping[str, Any],
    names: list[str],
    undoes: Change | None = None,
) -> ProjectLine:
    before = {name: _value(line, name) for name in names}
    if undoes is None and all(before[name] == value for name, value in wanted.items()):
        return line
    for name, value in wanted.items():
        setattr(line, name, _speaker(line.project, value) if name == "speaker" else value)
    line.revision += 1
    line.problem = ""
    line.save(update_fields=[*wanted, "revision", "problem"])
    Change.objects.create(
        project=line.project,
        line=line,
        by=by,
        revision=line.revision,
        before=before,
        after={name: _value(line, name) for name in names},
        undoes=undoes,
    )
    return line


def _value(line: ProjectLine, name: str) -> Any:
    if name == "speaker":
        return line.speaker.label if line.speaker else None
    return getattr(line, name)


def _speaker(project: Project, label: str | None) -> ProjectSpeaker | None:
    if label is None:
        return None
    found = ProjectSpeaker.objects.filter(project=project, label=label).first()
    if found is not None:
        return found
    if not label:
        return None
    if project.speakers.count() >= PROJECT_SPEAKERS_MAX:
        raise ProjectError(
            "limit_reached",
            f"A project has at most {PROJECT_SPEAKERS_MAX} speakers.",
            field="speaker",
        )
    # A voice is cast with the next dub.
    return ProjectSpeaker.objects.get_or_create(project=project, label=label)[0]


def checked_style(given: Mapping[str, Any]) -> dict[str, float]:
    """What differs from the neutral manner. Raises ProjectError."""
    try:
        style = msgspec.convert(dict(given), Style)
    except msgspec.ValidationError as error:
        raise ProjectError("invalid", f"The style is none: {error}.", field="style") from None
    unknown = given.keys() - msgspec.to_builtins(NEUTRAL_STYLE).keys()
    if unknown:
        raise ProjectError(
            "invalid", f"A style has no {', '.join(sorted(unknown))}.", field="style"
        )
    limits = {
        "energy_db": (-6, 6), "pitch_semitones": (-4, 4), "pitch_range": (0.5, 1.6),
        "rate": (0.75, 1.25), "pauses": (-0.3, 0.3), "arousal": (-1, 1),
    }  # fmt: skip
    neutral = msgspec.to_builtins(NEUTRAL_STYLE)
    found = msgspec.to_builtins(style)
    for name, (least, most) in limits.items():
        if not least <= found[name] <= most:
            raise ProjectError("invalid", f"{name} is {least:g} to {most:g}.", field="style")
    return {name: value for name, value in found.items() if value != neutral[name]}
