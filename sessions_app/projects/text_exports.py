"""A project's lines as files of text."""

from __future__ import annotations

import csv
import io
import json
import re
from typing import Any

import pysubs2

from pipeline.files.subtitles import srt, vtt
from sessions_app.projects.models import Project, ProjectLine
from sessions_app.projects.placed import placed_lines

DISCLOSURE = "Dubbed with synthetic voices made by AI"
TEXTS = ("source", "target", "both")
_FORMULA = ("=", "+", "-", "@", "\t", "\r", "\n", "＝", "＋", "－", "＠")
"""What begins one, also in the full width of East Asian scripts."""
_WITHIN = re.compile(r"([;\t\r\n]\s*)(?=[=+\-@＝＋－＠])")
"""The same behind what parts cells in other countries, whatever is in quotes."""
_COLUMNS = ("number", "start_s", "end_s", "speaker", "source_text", "target_text")


def written(project: Project, *, form: str, text: str) -> str:
    """``form``: srt, vtt, ass, json or csv. ``text``: source, target, or both."""
    lines = list(project.lines.select_related("speaker", "sound").defer("speaker__shape"))
    if form == "json":
        return _json(project, lines)
    if form == "csv":
        return _csv(lines)
    heard = {line.pk: (one.start_s, one.end_s) for one, line in placed_lines(project)}
    cues = [
        (
            *_span(line, heard if text == "target" else {}),
            _texts(line, text),
            name_of(line),
        )
        for line in lines
    ]
    both = text == "both"
    if form == "srt":
        return srt(((start, end, said) for start, end, said, _ in cues), keep_breaks=both)
    if form == "vtt":
        return vtt(cues, keep_breaks=both)
    return _ass(project, cues)


def _span(line: ProjectLine, heard: dict[int, tuple[float, float]]) -> tuple[float, float]:
    return heard.get(line.pk, (line.start_s, line.end_s))


def name_of(line: ProjectLine) -> str:
    """What people call who says it; "" where that could not be told."""
    return (line.speaker.name or line.speaker.label) if line.speaker else ""


def _texts(line: ProjectLine, text: str) -> str:
    wanted = {
        "source": [line.source_text],
        "target": [line.sound.text if line.sound else line.target_text],
        "both": [line.source_text, line.target_text],
    }[text]
    return "\n".join(dict.fromkeys(" ".join(one.split()) for one in wanted if one.strip()))


def _ass(project: Project, cues: list[tuple[float, float, str, str]]) -> str:
    file = pysubs2.SSAFile()
    # A line end would end the field, and begin a line of the file's own.
    title = " ".join(project.title.split()) or "Dubbed"
    file.info.update({"Title": title, "Comment": DISCLOSURE})
    for start_s, end_s, text, name in cues:
        if not text:
            continue
        event = pysubs2.SSAEvent(
            start=round(start_s * 1000),
            end=round(end_s * 1000),
            name=" ".join(name.replace(",", " ").split()),
        )
        # Braces and backslashes are the format's own commands.
        plain = text.replace("\\", "/").replace("{", "(").replace("}", ")")
        event.plaintext = plain
        file.append(event)
    return file.to_string("ass")


def _csv(lines: list[ProjectLine]) -> str:
    """What a spreadsheet would take for a formula gets an apostrophe in front."""
    out = io.StringIO()
    table = csv.writer(out)
    table.writerow(_COLUMNS)
    for line in lines:
        texts = (name_of(line), line.source_text, line.target_text)
        cells = [_cell(one) for one in texts]
        table.writerow([line.number, line.start_s, line.end_s, *cells])
    return out.getvalue()


def _cell(text: str) -> str:
    harmless = _WITHIN.sub(r"\1'", text)
    return f"'{harmless}" if harmless.startswith(_FORMULA) else harmless


def _json(project: Project, lines: list[ProjectLine]) -> str:
    body: dict[str, Any] = {
        "project": str(project.pk),
        "title": project.title,
        "disclosure": DISCLOSURE,
        "source_language": project.source_language,
        "target_language": project.target_language,
        "lines": [
            {
                "number": line.number,
                "start_s": line.start_s,
                "end_s": line.end_s,
                "speaker": name_of(line) or None,
                "language": line.language,
                "source_text": line.source_text,
                "target_text": line.target_text,
                "spoken_text": line.sound.text if line.sound else None,
                "speed": line.sound.speed if line.sound else None,
                "marks": line.sound.marks if line.sound else [],
            }
            for line in lines
        ],
    }
    return json.dumps(body, ensure_ascii=False, indent=1) + "\n"
