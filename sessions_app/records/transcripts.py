"""A session's lines as files that people take away: text, SubRip, WebVTT, JSON."""

from __future__ import annotations

import json
from typing import Any, Literal

from pipeline.bounds import TRANSCRIPT_LINES_MAX
from pipeline.files.subtitles import srt, vtt
from sessions_app.models import DubbingSession
from sessions_app.records.naming import speaker_name

Form = Literal["txt", "srt", "vtt", "json"]
MEDIA_TYPES = {
    "txt": "text/plain",
    "srt": "application/x-subrip",
    "vtt": "text/vtt",
    "json": "application/json",
}
_FIELDS = (
    "sequence",
    "speaker",
    "source_text",
    "target_text",
    "start_s",
    "end_s",
    "cue_start_s",
    "cue_duration_s",
)
TEXTS = ("source", "target", "both")
TIMES = ("source", "dub")


def transcript(session: DubbingSession, *, form: str, text: str, times: str) -> str:
    """Everything that was said in the session, in order.

    ``text``: what was heard, its translation, or the one above the other. ``times``: those
    of the source, or of the dub; a line that has no dub keeps those of the source.
    """
    # Without the rest of each row, which is most of it.
    rows = session.lines.order_by("sequence").values_list(*_FIELDS, named=True)
    lines: list[Any] = list(rows[:TRANSCRIPT_LINES_MAX])
    if form == "json":
        return _json(session, lines, text)
    if form == "txt":
        return "".join(_paragraph(line, name_of(session, line), text, times) for line in lines)
    cues = [(*_span(line, times), _texts(line, text)) for line in lines]
    both = text == "both"
    if form == "srt":
        return srt(((start, end, "\n".join(said)) for start, end, said in cues), keep_breaks=both)
    return vtt(
        (
            (start, end, "\n".join(said), name_of(session, line))
            for (start, end, said), line in zip(cues, lines, strict=True)
        ),
        keep_breaks=both,
    )


def _texts(line: Any, text: str) -> list[str]:
    # What was spoken in the target language already has one text.
    wanted = {
        "source": [line.source_text],
        "target": [line.target_text or line.source_text],
        "both": [line.source_text, line.target_text],
    }[text]
    return list(dict.fromkeys(" ".join(one.split()) for one in wanted if one.strip()))


def _span(line: Any, times: str) -> tuple[float, float]:
    if times == "dub" and line.cue_start_s is not None and line.cue_duration_s is not None:
        return line.cue_start_s, line.cue_start_s + line.cue_duration_s
    return line.start_s, line.end_s


def name_of(session: DubbingSession, line: Any) -> str:
    """What people call who says it; empty where that could not be told."""
    return speaker_name(line.speaker, session.speaker_names) if line.speaker else ""


def _paragraph(line: Any, who: str, text: str, times: str) -> str:
    seconds = int(_span(line, times)[0])
    clock = f"{seconds // 3600:02}:{seconds // 60 % 60:02}:{seconds % 60:02}"
    name = f"{who}: " if who else ""
    indent = " " * (len(clock) + 3)
    return f"[{clock}] {name}" + f"\n{indent}".join(_texts(line, text)) + "\n"


def _json(session: DubbingSession, lines: list[Any], text: str) -> str:
    body: dict[str, Any] = {
        "session": str(session.pk),
        "title": session.title,
        "source_language": session.source_language,
        "target_language": session.target_language,
        "lines": [
            {
                "sequence": line.sequence,
                "speaker": line.speaker or None,
                "name": name_of(session, line) or None,
                "start_s": line.start_s,
                "end_s": line.end_s,
                "cue_start_s": line.cue_start_s,
                "cue_duration_s": line.cue_duration_s,
                **({"source_text": line.source_text} if text != "target" else {}),
                **({"target_text": line.target_text} if text != "source" else {}),
            }
            for line in lines
        ],
    }
    return json.dumps(body, ensure_ascii=False, indent=1) + "\n"
