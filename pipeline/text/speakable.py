"""Text as a voice engine may be given it."""

from __future__ import annotations

import unicodedata

from pipeline.bounds import CHARACTERS_SPOKEN_MAX
from pipeline.ports import EngineError


def speakable(text: str) -> str:
    """``text`` without characters that a voice engine could stumble over.

    Raises EngineError ``nothing_to_speak`` when nothing pronounceable is left and
    ``text_too_long``.
    """
    # Controls, surrogates, private use and unassigned code points; all white space is a space.
    kept = (
        " " if character.isspace() else character
        for character in unicodedata.normalize("NFC", text)
        if character.isspace() or not unicodedata.category(character).startswith("C")
    )
    clean = " ".join("".join(kept).split())
    if len(clean) > CHARACTERS_SPOKEN_MAX:
        raise EngineError(
            "text_too_long",
            f"A clause may have at most {CHARACTERS_SPOKEN_MAX} characters; split it.",
            recoverable=False,
        )
    if not any(character.isalnum() for character in clean):
        raise EngineError(
            "nothing_to_speak",
            "There is nothing in this text that can be spoken.",
            recoverable=False,
        )
    return clean
