"""Google's responses as readings on the media clock. Pure.

Raises EngineError("vendor_malformed") for what is not as documented.
"""

from __future__ import annotations

import re
from collections.abc import Iterator

from google.cloud.speech_v2.types import cloud_speech as speech

from pipeline.ports import EngineError
from pipeline.providers.google.languages import iso_of
from pipeline.providers.google.placing import Reading, ReadWord
from pipeline.providers.google.timeline import Timeline

STEADY = 0.5
"""Stability from which the vendor's interims hardly change."""
_TOKEN = re.compile(
    # Scripts without spaces between words go character by character, marks with their word.
    r"[\u3040-\u30ff\u3400-\u4dbf\u4e00-\u9fff\uf900-\ufaff][\u3001\u3002\uff0c\uff01\uff1f]?"
    r"|[^\s\u3040-\u30ff\u3400-\u4dbf\u4e00-\u9fff\uf900-\ufaff]+"
)


def words_of(text: str) -> list[str]:
    return _TOKEN.findall(text)


def language_of(response: speech.StreamingRecognizeResponse) -> str:
    """ISO 639-1 code of what the newest result is in; "" where it says none."""
    codes = [iso_of(result.language_code) for result in response.results if result.language_code]
    return codes[-1] if codes else ""


def reading_of(
    response: speech.StreamingRecognizeResponse, timeline: Timeline
) -> Iterator[Reading]:
    """Finals, each for itself, then what is not final as one reading: the vendor tells the
    settled part of an interim and its newest words as two results."""
    moving: list[ReadWord] = []
    moving_end_s: float | None = None
    for result in response.results:
        end_offset_s = result.result_end_offset.total_seconds()
        if not result.alternatives:
            raise EngineError(
                "vendor_malformed", "Google Speech-to-Text gave a result without any text."
            )
        alternative = result.alternatives[0]
        # 0 stands for "not told".
        steady = result.is_final or not 0.0 < result.stability < STEADY
        words = _words(alternative, timeline, steady=steady)
        if result.is_final:
            yield _reading(words, end_offset_s, timeline, is_final=True)
        else:
            moving += words
            moving_end_s = end_offset_s
    if moving_end_s is not None:
        yield _reading(moving, moving_end_s, timeline, is_final=False)


def _reading(
    words: list[ReadWord], end_offset_s: float, timeline: Timeline, *, is_final: bool
) -> Reading:
    # Some releases leave the offset out: then all that was sent is as good a guess as any.
    end_offset_s = min(end_offset_s, timeline.sent_s) or timeline.sent_s
    return Reading(
        words=tuple(words),
        end_s=timeline.end_of(end_offset_s),
        fresh_s=timeline.fresh_s(end_offset_s),
        is_final=is_final,
    )


def _words(
    alternative: speech.SpeechRecognitionAlternative, timeline: Timeline, *, steady: bool
) -> list[ReadWord]:
    timed: list[ReadWord] = []
    for info in alternative.words:
        # Japanese words come with their reading behind a bar.
        texts = words_of(info.word.split("|")[0])
        start_s = timeline.start_of(info.start_offset.total_seconds())
        end_s = max(start_s, timeline.end_of(info.end_offset.total_seconds()))
        if timed and start_s < (timed[-1].start_s or 0.0):
            raise EngineError(
                "vendor_malformed", "Google Speech-to-Text gave words in the wrong order."
            )
        for n, text in enumerate(texts):
            share_s = (end_s - start_s) / len(texts)
            timed.append(
                ReadWord(
                    text, start_s + n * share_s, start_s + (n + 1) * share_s,
                    info.confidence or alternative.confidence or 1.0,
                    steady,
                )
            )  # fmt: skip
    if timed:
        return timed
    confidence = alternative.confidence or 1.0
    return [
        ReadWord(text, confidence=confidence, steady=steady)
        for text in words_of(alternative.transcript)
    ]
