"""Subtitles that somebody brings, as lines."""

from __future__ import annotations

from bisect import bisect_left, bisect_right
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
    """Each of the source's lines, which are in order, with the translation that is shown with it:
    the texts of the target's lines whose middles lie nearest to it, in order."""
    texts: list[list[str]] = [[] for _ in source]
    nearest = _Nearest(source)
    for one in target:
        texts[nearest.to((one.start_s + one.end_s) / 2)].append(one.text)
    return [(one, " ".join(said)) for one, said in zip(source, texts, strict=True)]


class _Nearest:
    """Which of many subtitles is shown at a moment, or nearest to it; of several the first.

    They are in order of their starts, so that each is found by halving: of twenty thousand with
    as many translations every pair would be looked at otherwise.
    """

    def __init__(self, subtitles: list[Subtitle]) -> None:
        self._starts = [one.start_s for one in subtitles]
        self._until: list[float] = []
        """The latest end of each and of all before it."""
        self._latest: list[int] = []
        """Whose that is."""
        for index, one in enumerate(subtitles):
            later = not self._until or one.end_s > self._until[-1]
            self._until.append(one.end_s if later else self._until[-1])
            self._latest.append(index if later else self._latest[-1])

    def to(self, at_s: float) -> int:
        begun = bisect_right(self._starts, at_s)
        if not begun:
            return 0
        shown = bisect_left(self._until, at_s, hi=begun)
        if shown < begun:
            return shown
        over = self._latest[begun - 1]
        if begun == len(self._starts):
            return over
        return over if at_s - self._until[begun - 1] <= self._starts[begun] - at_s else begun


def _malformed(field: str) -> ProjectError:
    return ProjectError(
        "subtitles_invalid",
        "These are no SRT or WebVTT subtitles: there is no line such as "
        "“00:00:01,000 --> 00:00:03,500” with a text below it.",
        field=field,
    )
