"""A session's transcript as files: SubRip, WebVTT, plain text and JSON. Pure."""

from __future__ import annotations

import json
from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Any

from pipeline.subtitles import Timed, srt, vtt

LANGUAGES = ("target", "source", "both")


@dataclass(frozen=True, slots=True)
class Said:
    """One line of the transcript; times in media seconds."""

    sequence: int
    speaker: str
    source_language: str
    target_language: str
    source_text: str
    target_text: str
    start_s: float
    end_s: float
    cue_start_s: float | None
    cue_duration_s: float | None
    skipped_reason: str


FIELDS = (
    "sequence",
    "speaker",
    "source_language",
    "target_language",
    "source_text",
    "target_text",
    "start_s",
    "end_s",
    "cue_start_s",
    "cue_duration_s",
    "skipped_reason",
)
"""The fields of a Line that Said takes, in its order."""


@dataclass(frozen=True, slots=True)
class Transcript:
    session_id: str
    title: str
    created_at: datetime
    names: Mapping[str, str]
    """Speaker → what people call them."""
    lines: Sequence[Said]

    def name(self, line: Said) -> str:
        return self.names.get(line.speaker, line.speaker)


@dataclass(frozen=True, slots=True)
class Format:
    suffix: str
    content_type: str
    write: Callable[[Transcript, str], str]
    """Takes one of LANGUAGES."""


def _timed(transcript: Transcript, language: str) -> Iterable[Timed]:
    """The dub's text when the dub is heard, the source's when that is said."""
    for line in transcript.lines:
        dubbed = language == "target" and line.cue_start_s is not None
        start_s = line.cue_start_s if dubbed and line.cue_start_s is not None else line.start_s
        length_s = line.cue_duration_s if dubbed and line.cue_duration_s else None
        end_s = start_s + length_s if length_s else max(line.end_s, start_s)
        texts = {"target": line.target_text, "source": line.source_text}
        wanted = ("source", "target") if language == "both" else (language,)
        # What was not translated is better read in its own language than not at all.
        text = " / ".join(filter(None, (texts[one] for one in wanted))) or line.source_text
        yield start_s, end_s, text, transcript.name(line)


def as_srt(transcript: Transcript, language: str) -> str:
    return srt((start, end, text) for start, end, text, _ in _timed(transcript, language))


def as_vtt(transcript: Transcript, language: str) -> str:
    return vtt(_timed(transcript, language))


def as_text(transcript: Transcript, language: str) -> str:
    """One line each: time, speaker, text; the translation below the source where both go."""
    written = [transcript.title, ""]
    for line in transcript.lines:
        seconds = int(line.start_s)
        time = f"{seconds // 3600}:{seconds // 60 % 60:02}:{seconds % 60:02}"
        name = transcript.name(line)
        head = f"[{time}] {name}: " if name else f"[{time}] "
        if language == "both":
            written.append(f"{head}{line.source_text}")
            if line.target_text:
                written.append(f"{' ' * len(head)}{line.target_text}")
        else:
            text = line.source_text if language == "source" else line.target_text
            written.append(f"{head}{text or line.source_text}")
    return "\n".join(written) + "\n"


def as_json(transcript: Transcript, language: str) -> str:
    def shown(line: Said) -> dict[str, Any]:
        texts = {"source_text": line.source_text, "target_text": line.target_text}
        if language != "both":
            texts = {f"{language}_text": texts[f"{language}_text"]}
        return {
            "sequence": line.sequence,
            "speaker": line.speaker or None,
            "name": transcript.name(line) or None,
            "source_language": line.source_language,
            "target_language": line.target_language,
            **texts,
            "start_s": line.start_s,
            "end_s": line.end_s,
            "cue_start_s": line.cue_start_s,
            "cue_duration_s": line.cue_duration_s,
            "skipped_reason": line.skipped_reason or None,
        }

    document = {
        "session": transcript.session_id,
        "title": transcript.title,
        "created_at": transcript.created_at.isoformat(),
        "lines": [shown(line) for line in transcript.lines],
    }
    return json.dumps(document, ensure_ascii=False, indent=1)


FORMATS = {
    "srt": Format("srt", "application/x-subrip; charset=utf-8", as_srt),
    "vtt": Format("vtt", "text/vtt; charset=utf-8", as_vtt),
    "txt": Format("txt", "text/plain; charset=utf-8", as_text),
    "json": Format("json", "application/json", as_json),
}
