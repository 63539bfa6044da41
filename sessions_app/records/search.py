"""The words by which a session is found, and what is asked for in the same form. Pure.

Case and accents do not count, and a word is found by its beginning. Scripts without spaces
between words are found by their pairs of characters.
"""

from __future__ import annotations

import re
import unicodedata
from collections.abc import Callable, Iterable

from pipeline.bounds import QUERY_WORDS_MAX, SEARCH_MAX_CHARACTERS, SESSION_WORDS_MAX

WORD_MAX = 64
"""Characters of a word that count."""

_UNSPACED = "\u0e00-\u0eff\u1000-\u109f\u1780-\u17ff\u3040-\u30ff\u3400-\u9fff\uac00-\ud7af"
_TOKEN = re.compile(rf"[{_UNSPACED}]+|[^\W_{_UNSPACED}]+")
_STARTS_UNSPACED = re.compile(f"[{_UNSPACED}]")
_MARKS = re.compile(
    "[\u0300-\u036f\u0483-\u0489\u0591-\u05c7\u0610-\u061a\u064b-\u065f\u0670\u06d6-\u06dc]"
)
"""Accents and vowel points, once letters have been taken apart."""


def words_of(texts: Iterable[str]) -> list[str]:
    """Each word of the texts once, in a fixed order; at most SESSION_WORDS_MAX."""
    # In one piece: a call for each of thousands of lines would take longer than the work.
    tokens = dict.fromkeys(_TOKEN.findall(_folded("\n".join(texts))))
    found: dict[str, None] = {}
    for token in tokens:
        if _STARTS_UNSPACED.match(token):
            found.update(dict.fromkeys(_pairs(token)))
        else:
            found[token[:WORD_MAX]] = None
        if len(found) >= SESSION_WORDS_MAX:
            break
    return list(found)[:SESSION_WORDS_MAX]


def wanted(query: str) -> list[str]:
    """The beginnings of words that must all be there; empty where nothing is asked for."""
    parts: dict[str, None] = {}
    for token in _TOKEN.findall(_folded(query[:SEARCH_MAX_CHARACTERS])):
        unspaced = len(token) > 1 and _STARTS_UNSPACED.match(token)
        parts.update(dict.fromkeys(_pairs(token)[:-1] if unspaced else [token[:WORD_MAX]]))
    return list(parts)[:QUERY_WORDS_MAX]


def as_tsquery(beginnings: Iterable[str]) -> str:
    """Text of a Postgres ``tsquery``; words hold neither quotes nor backslashes."""
    return " & ".join(f"'{word}':*" for word in beginnings)


def finder(beginnings: Iterable[str]) -> Callable[[str], bool]:
    """Tells of a text whether every one of them begins a word of it."""
    patterns = [
        re.compile(("" if _STARTS_UNSPACED.match(word) else r"(?<![^\W_])") + re.escape(word))
        for word in beginnings
    ]

    def holds(text: str) -> bool:
        folded = _folded(text)
        return all(pattern.search(folded) for pattern in patterns)

    return holds


def _folded(text: str) -> str:
    """Without case, accents and other differences of form."""
    folded = text.casefold()
    if folded.isascii():
        return folded
    plain = _MARKS.sub("", unicodedata.normalize("NFKD", folded))
    # Korean syllables come apart in that form and must be put together again.
    return unicodedata.normalize("NFC", plain)


def _pairs(token: str) -> list[str]:
    """Every character with the one after it; the last stands alone."""
    return [token[at : at + 2] for at in range(len(token))]
