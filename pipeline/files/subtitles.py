"""Subtitles from timed lines: SubRip (SRT) and WebVTT. Pure."""

from __future__ import annotations

import textwrap
from collections.abc import Iterable

LINE_CHARACTERS = 42
CUE_LINES = 2
SHORTEST_S = 0.7
"""A cue stays at least so long where the next one leaves room."""
_GAP_S = 0.04
_WRAPPER = textwrap.TextWrapper(LINE_CHARACTERS, break_on_hyphens=False)
"""Making one takes as long as wrapping a line."""


def srt(lines: Iterable[tuple[float, float, str]], *, keep_breaks: bool = False) -> str:
    """``(start_s, end_s, text)`` lines as an SRT document.

    Cues come in order of time and never overlap: one that would is ended early.
    Text longer than two lines of 42 characters is spread over consecutive cues, in
    proportion to its characters; empty text makes no cue. With ``keep_breaks`` a text keeps
    its own lines, as one in two languages must: it is wrapped, but not spread.
    """
    cues = _cues(((start_s, end_s, text, "") for start_s, end_s, text in lines), keep_breaks)
    return "\n".join(
        f"{number}\n{timestamp(start)} --> {timestamp(end)}\n{text}\n"
        for number, (start, end, text, _) in enumerate(cues, start=1)
    )


def vtt(lines: Iterable[tuple[float, float, str, str]], *, keep_breaks: bool = False) -> str:
    """``(start_s, end_s, text, speaker)`` lines as a WebVTT document, with voice tags.

    Laid out as ``srt`` does; an empty speaker gets no tag.
    """
    return "WEBVTT\n" + "".join(
        f"\n{timestamp(start, '.')} --> {timestamp(end, '.')}\n{_voice(speaker)}{_escaped(text)}\n"
        for start, end, text, speaker in _cues(lines, keep_breaks)
    )


def _cues(
    lines: Iterable[tuple[float, float, str, str]], keep_breaks: bool
) -> list[tuple[int, int, str, str]]:
    """(start_ms, end_ms, text, speaker) in order, without overlap."""
    cues: list[tuple[int, int, str, str]] = []
    ordered = sorted((line for line in lines if line[2].strip()), key=lambda line: line[:2])
    for index, (start_s, end_s, text, speaker) in enumerate(ordered):
        latest_s = ordered[index + 1][0] - _GAP_S if index + 1 < len(ordered) else float("inf")
        start_ms = max(round(1000 * start_s), cues[-1][1] if cues else 0)
        wanted_s = max(end_s, start_ms / 1000 + SHORTEST_S)
        end_ms = max(round(1000 * min(wanted_s, latest_s)), start_ms + 1)
        pages = _kept(text) if keep_breaks else _pages(text)
        cues += [(*cue, speaker) for cue in _spread(start_ms, end_ms, pages)]
    return cues


def _voice(speaker: str) -> str:
    # A line end or ">" would end the tag.
    name = " ".join(speaker.replace(">", " ").split())
    return f"<v {_escaped(name)}>" if name else ""


def _escaped(text: str) -> str:
    return text.replace("&", "&amp;").replace("<", "&lt;").replace(">", "&gt;")


def timestamp(milliseconds: int, point: str = ",") -> str:
    """``HH:MM:SS,mmm``; WebVTT's ``point`` is a full stop."""
    seconds, milliseconds = divmod(milliseconds, 1000)
    minutes, seconds = divmod(seconds, 60)
    hours, minutes = divmod(minutes, 60)
    return f"{hours:02}:{minutes:02}:{seconds:02}{point}{milliseconds:03}"


def _kept(text: str) -> list[str]:
    lines = [_plain(line) for line in text.splitlines()]
    return ["\n".join(row for line in lines for row in textwrap.wrap(line, LINE_CHARACTERS))]


def _pages(text: str) -> list[str]:
    plain = _plain(text)
    if len(plain) <= LINE_CHARACTERS:
        return [plain]
    wrapped = _WRAPPER.wrap(plain)
    return [
        "\n".join(_balanced(wrapped[start : start + CUE_LINES]))
        for start in range(0, len(wrapped), CUE_LINES)
    ]


def _plain(text: str) -> str:
    # "-->" is the format's own; an empty line inside would end the cue.
    return " ".join(text.replace("-->", "→").split())


def _balanced(lines: list[str]) -> list[str]:
    """Two lines of about the same length are read faster than a long and a short one."""
    if len(lines) < CUE_LINES:
        return lines
    whole = " ".join(" ".join(lines).split())
    first, best = -1, LINE_CHARACTERS + 1
    at = whole.find(" ")
    while at >= 0:
        before, after = at, len(whole) - at - 1
        if max(before, after) <= LINE_CHARACTERS and abs(before - after) < best:
            first, best = at, abs(before - after)
        at = whole.find(" ", at + 1)
    return lines if first < 0 else [whole[:first], whole[first + 1 :]]


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
