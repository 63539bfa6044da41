"""SubRip (SRT) and WebVTT text from timed lines. Pure."""

from __future__ import annotations

import textwrap
from collections.abc import Iterable

LINE_CHARACTERS = 42
CUE_LINES = 2
SHORTEST_S = 0.7
"""A cue stays at least so long where the next one leaves room."""
_GAP_S = 0.04


Timed = tuple[float, float, str, str]
"""Start and end in seconds, text, and who says it; empty where nobody knows."""


def srt(lines: Iterable[tuple[float, float, str]]) -> str:
    """``(start_s, end_s, text)`` lines as an SRT document.

    Cues come in order of time and never overlap: one that would is ended early.
    Text longer than two lines of 42 characters is spread over consecutive cues, in
    proportion to its characters; empty text makes no cue.
    """
    return "\n".join(
        f"{number}\n{timestamp(start)} --> {timestamp(end)}\n{text}\n"
        for number, (start, end, text, _) in enumerate(
            _cues((*line, "") for line in lines), start=1
        )
    )


def vtt(lines: Iterable[Timed]) -> str:
    """The same as a WebVTT document, each cue in the voice of who says it."""
    written = ["WEBVTT\n"]
    for start, end, text, who in _cues(lines):
        time = f"{timestamp(start)} --> {timestamp(end)}".replace(",", ".")
        voice = f"<v {_escaped(' '.join(who.split()))}>" if who.strip() else ""
        written.append(f"{time}\n{voice}{_escaped(text)}\n")
    return "\n".join(written)


def _escaped(text: str) -> str:
    return text.replace("&", "&amp;").replace("<", "&lt;").replace(">", "&gt;")


def _cues(lines: Iterable[Timed]) -> list[tuple[int, int, str, str]]:
    """Start and end in milliseconds, a page of text, and who says it."""
    cues: list[tuple[int, int, str, str]] = []
    ordered = sorted((line for line in lines if line[2].strip()), key=lambda line: line[:2])
    for index, (start_s, end_s, text, who) in enumerate(ordered):
        latest_s = ordered[index + 1][0] - _GAP_S if index + 1 < len(ordered) else float("inf")
        start_ms = max(round(1000 * start_s), cues[-1][1] if cues else 0)
        wanted_s = max(end_s, start_ms / 1000 + SHORTEST_S)
        end_ms = max(round(1000 * min(wanted_s, latest_s)), start_ms + 1)
        cues += [(*cue, who) for cue in _spread(start_ms, end_ms, _pages(text))]
    return cues


def timestamp(milliseconds: int) -> str:
    """``HH:MM:SS,mmm``."""
    seconds, milliseconds = divmod(milliseconds, 1000)
    minutes, seconds = divmod(seconds, 60)
    hours, minutes = divmod(minutes, 60)
    return f"{hours:02}:{minutes:02}:{seconds:02},{milliseconds:03}"


def _pages(text: str) -> list[str]:
    # "-->" is the format's own; an empty line inside would end the cue.
    words = text.replace("-->", "→").split()
    wrapped = textwrap.wrap(" ".join(words), LINE_CHARACTERS, break_on_hyphens=False)
    return [
        "\n".join(_balanced(wrapped[start : start + CUE_LINES]))
        for start in range(0, len(wrapped), CUE_LINES)
    ]


def _balanced(lines: list[str]) -> list[str]:
    """Two lines of about the same length are read faster than a long and a short one."""
    if len(lines) < CUE_LINES:
        return lines
    words = " ".join(lines).split()
    splits = [(" ".join(words[:at]), " ".join(words[at:])) for at in range(1, len(words))]
    fitting = [list(pair) for pair in splits if max(map(len, pair)) <= LINE_CHARACTERS]
    return min(fitting, key=lambda pair: abs(len(pair[0]) - len(pair[1])), default=lines)


def _spread(start_ms: int, end_ms: int, pages: list[str]) -> list[tuple[int, int, str]]:
    total = sum(map(len, pages))
    cues: list[tuple[int, int, str]] = []
    done = 0
    position = start_ms
    for page in pages:
        done += len(page)
        end = max(position + 1, start_ms + (end_ms - start_ms) * done // total)
        cues.append((position, end, page))
        position = end
    return cues
