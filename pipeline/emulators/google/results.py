"""What is heard, as the messages that ``StreamingRecognize`` answers with."""

from __future__ import annotations

import datetime
import math
import random
import re
from collections.abc import Sequence

from google.cloud.speech_v2.types import cloud_speech as speech

from pipeline.emulators.ears import Heard
from pipeline.emulators.google import models
from pipeline.emulators.google.speech_rules import Asked, SpeechRules
from pipeline.types import Word

NEWEST = 2
"""Words at the end of an interim that may still change."""
MALFORMED = frozenset({"no_alternatives", "words_out_of_order", "no_language"})
"""Scenarios of a ``Fault`` that spoil results."""
_MARKS = re.compile(r"[.,!?;:…]+$")


class Results:
    """Makes the responses of one stream. Times are seconds of the stream."""

    def __init__(self, asked: Asked, rules: SpeechRules, seed: int) -> None:
        self._asked = asked
        self._rules = rules
        self._random = random.Random(seed)
        self.spoilt_by = ""
        """A scenario out of ``MALFORMED``, or nothing."""

    def interim(self, heard: Heard, decoded_s: float) -> speech.StreamingRecognizeResponse:
        heard, code = self._understood(heard)
        words = self._unsteady(heard.words) if self._rules.unsteady else heard.words
        split = max(0, len(words) - NEWEST) if self._rules.split_interims else len(words)
        results: list[speech.StreamingRecognitionResult] = []
        for part, stability in ((words[:split], 0.9), (words[split:], 0.1)):
            if part:
                # The second result goes on where the first one stopped, space included.
                text = (" " if results else "") + " ".join(word.text for word in part)
                alternative = speech.SpeechRecognitionAlternative(transcript=text)
                if self._rules.words_in_interims and self._asked.word_times:
                    alternative.words = self._infos(part)
                results.append(self._result([alternative], code, decoded_s, stability=stability))
        return speech.StreamingRecognizeResponse(results=results)

    def final(self, heard: Heard, decoded_s: float) -> speech.StreamingRecognizeResponse:
        heard, code = self._understood(heard)
        words = heard.words
        if self._asked.punctuation and self._rules.punctuates and not heard.punctuated:
            words = _punctuated(words)
        alternative = speech.SpeechRecognitionAlternative(
            transcript=" ".join(word.text for word in words),
            confidence=sum(word.confidence for word in words) / len(words),
        )
        if self._asked.word_times:
            alternative.words = self._infos(words)
        result = self._result([alternative], code, decoded_s)
        result.is_final = True
        billed = speech.RecognitionResponseMetadata(
            total_billed_duration=datetime.timedelta(seconds=math.ceil(decoded_s))
        )
        return speech.StreamingRecognizeResponse(results=[result], metadata=billed)

    def event(self, kind: str, at_s: float) -> speech.StreamingRecognizeResponse:
        """``kind``: SPEECH_ACTIVITY_BEGIN or SPEECH_ACTIVITY_END."""
        return speech.StreamingRecognizeResponse(
            speech_event_type=getattr(speech.StreamingRecognizeResponse.SpeechEventType, kind),
            speech_event_offset=datetime.timedelta(seconds=at_s),
        )

    def _understood(self, heard: Heard) -> tuple[Heard, str]:
        """As understood in the languages asked for, and the code that is answered.

        A language that was not asked for sounds like nonsense in the first that was.
        """
        codes = self._asked.codes
        if not self._asked.punctuation and heard.punctuated:
            words = tuple(_with_text(word, _plain(word.text)) for word in heard.words)
            heard = Heard(words, heard.language)
        if not heard.language:
            return heard, codes[0] if codes else "en-US"
        if not codes:
            return heard, models.LOCALES.get(heard.language, heard.language)
        for code in codes:
            if models.base_of(code) == heard.language:
                return heard, code
        words = tuple(
            Word(_plain(word.text)[::-1], word.start_s, word.end_s, 0.3 * word.confidence)
            for word in heard.words
        )
        return Heard(words, heard.language), codes[0]

    def _unsteady(self, words: tuple[Word, ...]) -> tuple[Word, ...]:
        # An interim that is certain of everything is common, one that errs is not rare.
        if self._random.random() < 0.5:
            return words
        newest = self._random.randint(1, NEWEST)
        kept, changed = words[:-newest], words[-newest:]
        return kept + tuple(_with_text(word, word.text[:-1] or "a") for word in changed)

    def _infos(self, words: Sequence[Word]) -> list[speech.WordInfo]:
        infos = [
            speech.WordInfo(
                word=word.text,
                start_offset=_rounded(word.start_s),
                end_offset=_rounded(word.end_s),
                confidence=word.confidence,
            )
            for word in words
        ]
        if self.spoilt_by == "words_out_of_order":
            infos.reverse()
        return infos

    def _result(
        self,
        alternatives: list[speech.SpeechRecognitionAlternative],
        code: str,
        decoded_s: float,
        *,
        stability: float = 0.0,
    ) -> speech.StreamingRecognitionResult:
        return speech.StreamingRecognitionResult(
            alternatives=[] if self.spoilt_by == "no_alternatives" else alternatives,
            stability=stability,
            result_end_offset=_rounded(decoded_s),
            language_code="" if self.spoilt_by == "no_language" else code,
        )


def _rounded(seconds: float) -> datetime.timedelta:
    return datetime.timedelta(milliseconds=round(seconds * 1000))


def _with_text(word: Word, text: str) -> Word:
    return Word(text, word.start_s, word.end_s, word.confidence)


def _plain(text: str) -> str:
    return _MARKS.sub("", text).lower() or text


def _punctuated(words: tuple[Word, ...]) -> tuple[Word, ...]:
    first = words[0]
    capital = _with_text(first, first.text[:1].upper() + first.text[1:])
    words = (capital, *words[1:])
    return (*words[:-1], _with_text(words[-1], _MARKS.sub("", words[-1].text) + "."))
