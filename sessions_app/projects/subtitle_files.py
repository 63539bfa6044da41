"""Subtitles that somebody brings, as lines."""

from __future__ import annotations

from dataclasses import dataclass

import pysubs2

from pipeline.bounds import PROJECT_LINES_MAX, PROJECT_TEXT_MAX, SUBTITLES_MAX_BYTES
from sessions_app.projects.errors import ProjectError

_SHORTEST_S = 0.05


@dataclass(frozen=True, slots=True)
class Subtitle:
    start_s: float
    end_s: float
    text: str


def read(text: str, *, field: str) -> list[Subtitle]:
    """SRT or WebVTT in order of time, without markup. Raises ProjectError, naming ``field``."""
    if len(text.encode("utf-8", "surrogatepass")) > SUBTITLES_MAX_BYTES:
        limit = SUBTITLES_MAX_BYTES // 1024**2
        raise ProjectError("subtitles_invalid", f"Subtitles have at most {limit} MiB.", field=field)
    form = "vtt" if text.lstrip("\ufeff \r\n").startswith("WEBVTT") else "srt"
    try:
        file = pysubs2.SSAFile.from_string(text.lstrip("\ufeff"), format_=form)
    except Exception as error:  # the library raises what its parsing meets
        raise _malformed(field) from error
    found = [
        Subtitle(event.start / 1000, event.end / 1000, " ".join(event.plaintext.split()))
        for event in file
        if event.plaintext.strip()
    ]
    if not found:
        raise _malformed(field)
    if len(found) > PROJECT_LINES_MAX:
        raise ProjectError(
            "subtitles_invalid", f"There are more than {PROJECT_LINES_MAX} subtitles.", field=field
        )
    for number, one in enumerate(found, start=1):
        if one.end_s - one.start_s < _SHORTEST_S:
            raise ProjectError(
                "subtitles_invalid",
                f"Subtitle {number} ends before it begins; correct its times.",
                field=field,
            )
        if len(one.text) > PROJECT_TEXT_MAX:
            raise ProjectError(
                "subtitles_invalid",
                f"Subtitle {number} has more than {PROJECT_TEXT_MAX} characters.",
                field=field,
            )
    return sorted(found, key=lambda one: one.start_s)


def paired(source: list[Subtitle], target: list[Subtitle]) -> list[tuple[Subtitle, str]]:
    """Each of the source's lines with the translation that is shown with it: the texts of the
    target's lines whose middles lie nearest to it, in order."""
    texts: list[list[str]] = [[] for _ in source]
    for one in target:
        middle = (one.start_s + one.end_s) / 2

        def away(index: int, at: float = middle) -> float:
            return max(source[index].start_s - at, at - source[index].end_s, 0.0)

        texts[min(range(len(source)), key=away)].append(one.text)
    return [(one, " ".join(said)) for one, said in zip(source, texts, strict=True)]


def _malformed(field: str) -> ProjectError:
    return ProjectError(
        "subtitles_invalid",
        "These are no SRT or WebVTT subtitles: there is no line such as "
        "“00:00:01,000 --> 00:00:03,500” with a text below it.",
        field=field,
    )
