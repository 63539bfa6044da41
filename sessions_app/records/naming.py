"""How sessions, languages and speakers are named and coloured for people."""

from __future__ import annotations

import re
from collections.abc import Mapping

from django.conf.locale import LANG_INFO

from sessions_app.models import DubbingSession

COLOURS = 8
UNKNOWN = "Unknown speaker"


def language_name(code: str) -> str:
    """In English; the code where there is no name."""
    if code in ("", "auto"):
        return "Any language"
    return str(LANG_INFO.get(code, {}).get("name", code))


def languages_of(session: DubbingSession) -> str:
    if not session.target_language:
        return "Not started"
    return f"{language_name(session.source_language)} → {language_name(session.target_language)}"


def speaker_name(speaker: str, names: Mapping[str, str]) -> str:
    """What people call them, else ``Speaker 1`` for ``S1``."""
    if not speaker:
        return UNKNOWN
    number = re.fullmatch(r"S(\d+)", speaker)
    return names.get(speaker) or (f"Speaker {number[1]}" if number else speaker)


def speaker_look(speaker: str) -> str:
    """A class of the style sheet; the live page gives the same speaker the same one."""
    number = re.search(r"(\d+)$", speaker)
    return f"speaker-{(int(number[1]) - 1) % COLOURS + 1}" if number else "speaker-0"


def duration(seconds: float) -> str:
    """``1 h 5 min``, ``12 min``, ``40 s``."""
    whole = round(seconds)
    if whole < 60:
        return f"{whole} s"
    minutes = round(whole / 60)
    hours, rest = divmod(minutes, 60)
    return f"{hours} h {rest} min" if hours else f"{minutes} min"
