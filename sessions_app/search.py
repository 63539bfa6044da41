"""The words by which a session is found, and what is asked for in the same form. Pure.

Case and accents do not count, and a word is found by its beginning. Scripts without spaces
between words are found by their pairs of characters.
"""

from __future__ import annotations

import re
import unicodedata
from collections.abc import Iterable, Iterator

from pipeline.bounds import QUERY_MAX, QUERY_WORDS_MAX, SESSION_WORDS_MAX

WORD_MAX = 64
"""Characters of a word that count."""

_UNSPACED = "\u0e00-\u0eff\u1000-\u109f\u1780-\u17ff\u3040-\u30ff\u3400-\u9fff\uac00-\ud7af"
_TOKEN = re.compile(rf"[{_UNSPACED}]+|[^\W_{_UNSPACED}]+")


def words_of(texts: Iterable[str]) -> list[str]:
    """Each word of the texts once, in a fixed order; at most SESSION_WORDS_MAX."""
    found: dict[str, None] = {}
    for text in texts:
        for token in _tokens(text):
            found.update(dict.fromkeys(_pairs(token) if _is_unspaced(token) else [token]))
        if len(found) >= SESSION_WORDS_MAX:
            break
    return list(found)[:SESSION_WORDS_MAX]


def wanted(query: str) -> list[str]:
    """The beginnings of words that must all be there; empty where nothing is asked for."""
    parts: dict[str, None] = {}
    for token in _tokens(query[:QUERY_MAX]):
        unspaced = _is_unspaced(token) and len(token) > 1
        parts.update(dict.fromkeys(_pairs(token)[: len(token) - 1] if unspaced else [token]))
    return list(parts)[:QUERY_WORDS_MAX]


def as_tsquery(beginnings: Iterable[str]) -> str:
    """Text of a Postgres ``tsquery``; words hold neither quotes nor backslashes."""
    return " & ".join(f"'{word}':*" for word in beginnings)


def holds(text: str, beginnings: Iterable[str]) -> bool:
    """Whether every one of them begins a word of ``text``."""
    there = words_of([text])
    return all(any(word.startswith(one) for word in there) for one in beginnings)


def _tokens(text: str) -> Iterator[str]:
    folded = unicodedata.normalize("NFKD", text.casefold())
    plain = "".join(c for c in folded if not unicodedata.combining(c))
    # Korean syllables come apart in that form and must be put together again.
    for token in _TOKEN.findall(unicodedata.normalize("NFC", plain)):
        yield token[:WORD_MAX]


def _is_unspaced(token: str) -> bool:
    return re.match(f"[{_UNSPACED}]", token) is not None


def _pairs(token: str) -> list[str]:
    """Every character with the one after it; the last stands alone."""
    return [token[at : at + 2] for at in range(len(token))]
