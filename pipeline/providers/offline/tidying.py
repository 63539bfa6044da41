"""Apertium's output as people write it: spaces, elisions, capitals, inverted marks. Pure."""

from __future__ import annotations

import re

from pipeline.text.english_names import ENGLISH_NAMES
from pipeline.text.text_form import WORD, sentence_starts


def tidy(text: str, language: str, capitals: int) -> str:
    """``text`` cleaned, in ``language``.

    ``capitals`` is how many words of the source are capital for their own sake
    (names): so many mid-sentence capitals are kept, the last ones first, because
    the engine's own stray ones gather at the start of the sentence.
    """
    text = re.sub(r"\s+", " ", text).strip()
    text = re.sub(r"\s+(?=[,.;:!?…)\]])", "", text)
    text = re.sub(r"(?<=[(¿¡\[])\s+", "", text)
    # Elided articles and pronouns belong to the next word: l' eau, dell' acqua, d' en.
    if language in ("fr", "ca", "it"):
        text = re.sub(r"(?<=\w)\s?(['’])\s+(?=\w)", r"\1", text)
    text = _lower_stray_capitals(text, language, capitals)
    return _inverted_marks(text) if language in ("es", "gl") else text.translate(_NO_INVERTED)


_NO_INVERTED = str.maketrans("", "", "¿¡")


def _lower_stray_capitals(text: str, language: str, capitals: int) -> str:
    starts = set(sentence_starts(text))
    stray = [
        match.start()
        for match in WORD.finditer(text)
        if match[0][0].isupper()
        and match[0][1:].islower()
        and match.start() not in starts
        and not (language == "en" and (match[0] == "I" or match[0].lower() in ENGLISH_NAMES))
    ]
    characters = list(text)
    for position in stray[: max(0, len(stray) - capitals)]:
        characters[position] = characters[position].lower()
    return "".join(characters)


def _inverted_marks(text: str) -> str:
    """Open every question and exclamation with its inverted mark (Spanish, Galician)."""

    def open_sentence(match: re.Match[str]) -> str:
        sentence, mark = match[1], match[2][0]
        inverted = {"?": "¿", "!": "¡"}.get(mark)
        if inverted is None or inverted in sentence:
            return match[0]
        # "… señora, ¿qué …": the question begins after the last comma before its word.
        asks = re.search(
            r"(?:^|,\s)(?=(?:(?:y|pero|a|de|en|con|por|para)\s)?"
            r"(?:qué|quién|cómo|cuándo|dónde|cuánt|cuál))",
            sentence,
            re.IGNORECASE,
        )
        lead = len(sentence) - len(sentence.lstrip())
        at = asks.end() if asks and mark == "?" else lead
        return sentence[:at] + inverted + sentence[at:] + match[2]

    return re.sub(r"([^.?!…]+)([.?!…]+)", open_sentence, text)
