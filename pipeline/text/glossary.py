"""Terms that a translation must keep: hidden before the engine, put back after it.

Pure functions. A source term is replaced by a token that no engine translates;
when the translation comes back, the token becomes the required target term.
"""

from __future__ import annotations

import re
import string
from collections.abc import Mapping

from pipeline.bounds import TERMS_MAX

Placeholders = Mapping[str, str]
"""Token → the target term that takes its place."""

_LETTERS = string.ascii_lowercase


def word_token(index: int) -> str:
    """A made-up word, capital like a name: rule-based engines pass it through.

    Letters only, because tokenisers split words at digits; every token has the
    same length, so that none begins with another even where an engine glued an
    ending to it.
    """
    high, low = divmod(index, len(_LETTERS))
    return f"Zxq{_LETTERS[high % len(_LETTERS)]}{_LETTERS[low]}x"


def protect(text: str, glossary: Mapping[str, str]) -> tuple[str, dict[str, str]]:
    """Replace each source term in ``text`` by a token.

    Terms match whole words in any case and with any white space between their
    words; where terms overlap the longest wins. Returns the text and, for
    ``restore``, which target term each token stands for. At most ``TERMS_MAX``
    occurrences are replaced.
    """
    targets = {_key(source): target for source, target in glossary.items() if source.strip()}
    # Compiling all of a long glossary keeps the processor from everybody for a second.
    words = _key(text)
    present = [source for source in targets if source in words]
    if not present:
        return text, {}
    alternatives = "|".join(
        r"\s+".join(re.escape(word) for word in source.split())
        for source in sorted(present, key=lambda source: (-len(source), source))
    )
    # Not \b: a term may begin or end with something that is no letter ("C++").
    pattern = re.compile(rf"(?<!\w)(?:{alternatives})(?!\w)", re.IGNORECASE)
    placeholders: dict[str, str] = {}
    taken = text.lower()
    index = 0

    def hide(match: re.Match[str]) -> str:
        nonlocal index
        target = targets.get(_key(match[0]))
        while index < TERMS_MAX and word_token(index).lower() in taken:
            index += 1
        if target is None or index >= TERMS_MAX:
            return match[0]
        placeholder = word_token(index)
        index += 1
        placeholders[placeholder] = target
        return placeholder

    return pattern.sub(hide, text), placeholders


def restore(text: str, placeholders: Placeholders) -> str:
    """Put the target terms where the tokens are, whatever case the engine gave them."""
    if not placeholders:
        return text
    terms = {placeholder.lower(): term for placeholder, term in placeholders.items()}
    pattern = re.compile("|".join(re.escape(token) for token in terms), re.IGNORECASE)
    return pattern.sub(lambda match: terms[match[0].lower()], text)


def lost(text: str, placeholders: Placeholders) -> list[str]:
    """Tokens that a translation should contain and does not."""
    lowered = text.lower()
    return [placeholder for placeholder in placeholders if placeholder.lower() not in lowered]


def _key(term: str) -> str:
    return " ".join(term.split()).casefold()
