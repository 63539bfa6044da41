"""Written form for recogniser text: capitals and final marks.

Rules, not a model: they add what can be told from a clause's first words and
leave the rest. Pure functions.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Collection, Iterable

from pipeline.text.english_names import ENGLISH_NAMES

_FINAL_MARKS = ".?!…"
_CLOSERS = "\"'»”’)"
_SENTENCE_START = re.compile(
    r"(?:^|(?<=[.?!…]\s)(?<!\bMr\.\s)(?<!\bMrs\.\s)(?<!\bMs\.\s)(?<!\bDr\.\s))[\"'«“‘(¿¡]*(?=\w)"
)
WORD = re.compile(r"[^\W\d_]+(?:['’][^\W\d_]+)*")
_TITLES = frozenset(
    "mister missus miss mrs mr ms doctor professor captain saint aunt uncle".split()
)

# A question in English: an auxiliary before its subject, with or without a question word.
_AUXILIARY = (
    r"(?:is|are|am|was|were|do|does|did|can|could|will|would|shall|should|may|might|must|has|have|had"
    r"|isn't|aren't|wasn't|weren't|don't|doesn't|didn't|can't|couldn't|won't|wouldn't|shouldn't"
    r"|hasn't|haven't|hadn't)"
)
_SUBJECT = (
    r"(?:i|you|he|she|it|we|they|there|this|that|these|those|the|a|an|my|your|his|her|its|our|their"
    r"|anybody|anyone|anything|everybody|everyone|everything|somebody|someone|any|all)"
)
_LEAD = r"(?:(?:and|but|so|or|well|oh|now|then|okay|ok|yes|no|hey|please)\s+)*"
_ENGLISH_QUESTION = re.compile(
    rf"{_LEAD}(?:"
    rf"(?!do\s+(?:it|this|that|these|those|the|a|an|my|your|his|her|its|our|their|all|any)\b)"
    rf"(?!don't\s+(?!i\b|you\b|we\b|they\b))"
    rf"(?!have\s+(?!i\b|you\b|we\b|they\b|the\b|there\b|those\b|these\b|any))"
    rf"{_AUXILIARY}\s+(?:not\s+)?{_SUBJECT}\b"
    rf"|(?:what|who|whom|whose|why|how|where|when)\s+{_AUXILIARY}\b"
    rf"|which\s+(?:do|does|did|should|would)\b"
    rf"|(?:what|who|how|where|when|why)'s\b"
    rf"|(?:what|which|whose)\s+\w+\s+{_AUXILIARY}\b"
    rf"|how\s+(?:many|much|long|far|old|often|big|good|bad|fast)\b(?:\s+\w+){{0,2}}\s+{_AUXILIARY}\b"
    rf"|(?:what|how)\s+about\b"
    rf"|why\s+not\b"
    rf"|who\s+(?:knows|wants|said|told|gave|made|took|needs|else)\b"
    rf")",
    re.IGNORECASE,
)
# "had he married …, he might have …": an inverted condition, not a question.
_INVERTED_CONDITION = re.compile(
    rf"{_LEAD}(?:had|were|should)\s.*\b(?:would|could|might|should)\s+(?:not\s+)?(?:have|be)\b",
    re.IGNORECASE,
)
_TAG_QUESTION = re.compile(
    rf",?\s(?!do\b){_AUXILIARY}\s(?:i|you|he|she|it|we|they)$", re.IGNORECASE
)
_QUESTION_STARTS = {
    "es": r"(?:(?:y|pero|o)\s+)?(?:(?:a|de|en|con|por|para)\s+)?"
    r"(?:qué|quién(?:es)?|cómo|cuándo|a?dónde|cuánt[oa]s?|cuál(?:es)?)\b",
    "gl": r"(?:(?:e|pero)\s+)?(?:por\s+que|quen|cando|onde|canto|cal)\b",
    "ca": r"(?:(?:i|però)\s+)?(?:(?:a|de|amb|per)\s+)?(?:què|qui|com\s+és|quan\s+és|quant)\b",
    "fr": r"(?:(?:et|mais)\s+)?(?:est-ce\s+qu|qu['’]est-ce|pourquoi\b|comment\b|combien\b"
    r"|où\s+(?:est|sont|vas)\b|quel(?:le)?s?\s|qui\s+(?:est|êtes)\b"
    r"|\w+-(?:tu|vous|ils?|elles?|on|nous)\b)",
    "it": r"(?:(?:e|ma)\s+)?(?:(?:che\s+)?cosa|chi\s+(?:è|sei)|dov['’]è|dove|quant[oiae]|com['’]è"
    r"|come\s+(?:va|stai|sta))\b",
    "pt": r"(?:(?:e|mas)\s+)?(?:o\s+que\s+(?:é|vocês?|foi)|quem\s+(?:é|são|foi)|por\s+que"
    r"|onde\s+(?:está|é)|qual|quais|quant[oa]s)\b",
    "eo": r"(?:(?:kaj|sed)\s+)?(?:ĉu|kio|kiu|kie|kiam|kiel|kiom|kial)\b",
}


def looks_spoken(text: str) -> bool:
    """Whether ``text`` has no capital and no sentence mark: a recogniser's raw words."""
    return text == text.lower() and not any(mark in text for mark in ".?!…,;:")


def restore(text: str, language: str, names: Iterable[str] = (), *, complete: bool = True) -> str:
    """``text`` with the capitals and the final mark that it lacks; idempotent.

    ``complete=False`` says that the sentence goes on in the next clause: no mark.
    ``names`` are written the way they are given here. Numbers in words stay words,
    and text that already is in written form comes back as it was.
    """
    text = " ".join(text.split())
    if not any(character.isalnum() for character in text):
        return text
    for name in names:
        text = re.sub(rf"(?<!\w){re.escape(name)}(?!\w)", _literally(name), text, flags=re.I)
    if language == "en":
        text = _restore_english_capitals(text)
    if complete and not has_final_mark(text):
        text = text.rstrip(",;: ") + ("?" if is_question(text, language) else ".")
    return capitalise_sentences(text)


def _literally(name: str) -> Callable[[re.Match[str]], str]:
    return lambda _: name


def has_final_mark(text: str) -> bool:
    return text.rstrip(_CLOSERS + " ").endswith(tuple(_FINAL_MARKS))


def without_final_mark(text: str) -> str:
    return text.rstrip(_FINAL_MARKS + " ")


def is_question(text: str, language: str) -> bool:
    """Whether a clause asks, judged by its first words (and an English tag)."""
    if language == "en":
        if _INVERTED_CONDITION.match(text):
            return False
        return bool(_ENGLISH_QUESTION.match(text) or _TAG_QUESTION.search(text))
    start = _QUESTION_STARTS.get(language)
    return start is not None and re.match(start, text, re.IGNORECASE) is not None


def _restore_english_capitals(text: str) -> str:
    after_title = False

    def recase(match: re.Match[str]) -> str:
        nonlocal after_title
        word = match[0]
        stem = word.removesuffix("'s")
        is_name = after_title or stem in ENGLISH_NAMES
        after_title = word.lower() in _TITLES
        if word == "i" or word.startswith(("i'", "i’")):
            return "I" + word[1:]
        if word.islower() and (is_name or (after_title and word not in ("miss", "saint"))):
            return word[0].upper() + word[1:]
        return word

    return WORD.sub(recase, text)


def capitalise_sentences(text: str) -> str:
    return _map_sentence_starts(text, str.upper)


def lower_sentence_starts(text: str, names: Collection[str] = frozenset()) -> str:
    """First words in lower case, unless they are always capital.

    Reordering would otherwise carry the capital into the middle of the translation.
    """
    kept = ENGLISH_NAMES | {name.lower() for name in names}

    def spared(word: str) -> bool:
        return (
            word == "I"
            or word.startswith(("I'", "I’"))
            or word[1:] != word[1:].lower()
            or word.lower().removesuffix("'s") in kept
        )

    return _map_sentence_starts(text, str.lower, spared)


def _map_sentence_starts(
    text: str, change: Callable[[str], str], spared: Callable[[str], bool] | None = None
) -> str:
    pieces: list[str] = []
    position = 0
    for start in sentence_starts(text):
        word = WORD.match(text, start)
        if word is None or (spared is not None and spared(word[0])):
            continue
        pieces += [text[position:start], change(text[start])]
        position = start + 1
    return "".join(pieces) + text[position:]


def sentence_starts(text: str) -> list[int]:
    """Where the first word of each sentence begins."""
    return [match.end() for match in _SENTENCE_START.finditer(text)]
