"""Names in another direction of writing, inside sentences: Unicode's isolates (UAX #9)."""

from __future__ import annotations

from unicodedata import bidirectional

FIRST_STRONG_ISOLATE, POP_DIRECTIONAL_ISOLATE = "\u2068", "\u2069"
_RIGHT_TO_LEFT = frozenset({"R", "AL"})


def has_right_to_left(text: str) -> bool:
    """Whether a letter of it is Hebrew, Arabic or of another script written leftwards."""
    return any(bidirectional(letter) in _RIGHT_TO_LEFT for letter in text)


def isolated(text: str) -> str:
    """The text, so that it and the sentence around it keep their own directions.

    Without, brackets and numbers at its ends jump to the other side of it. Text that is written
    rightwards stays as it is, and so can be copied without marks that nobody sees.
    """
    if not has_right_to_left(text):
        return text
    return f"{FIRST_STRONG_ISOLATE}{text}{POP_DIRECTIONAL_ISOLATE}"
