"""What is said in one stretch of a file: lines with their times, sound and voiceprints.

Nothing here depends on other stretches, so that many workers hear one file at once.
"""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator, Sequence
from dataclasses import dataclass, replace

import msgspec
import numpy as np

from pipeline.hearing.recognition import Recognition
from pipeline.hearing.segmenter import Segmenter, SegmenterConfig
from pipeline.plan import AUTO, Engines
from pipeline.ports import EngineError, RecognitionOptions
from pipeline.sound.prosody import Prosody, measure
from pipeline.sound.sound_quality import SoundQuality, measure_quality
from pipeline.text.text_form import has_final_mark, restore
from pipeline.types import SAMPLE_RATE_HZ, AudioChunk, Hypothesis, Pcm, SpeechPiece, Word, joined

MARGIN_S = 0.06
"""Word times are rough: so much more audio on both sides is measured."""
QUIET_WITHIN_S = 2.0
"""The noise of a place is looked for in so much audio before a line."""
LONG_LINE_S = 10.0
"""A longer line is split at its best pause: nobody edits, or follows, a longer one."""
LINE_MIN_S = 1.0
"""A sentence that is shorter stays with the next one."""
_SENTENCES = SegmenterConfig(patience=((0.0, 0.7), (2.0, 0.5), (5.0, 0.35), (9.0, 0.2)))
"""Nobody waits for a file's lines: they may be whole sentences."""
_FRAME = _SENTENCES.frame_samples
_BLOCK = 5 * _FRAME


class HeardLine(msgspec.Struct, frozen=True, kw_only=True):
    """Times are seconds on the media clock."""

    start_s: float
    end_s: float
    text: str
    language: str
    prosody: Prosody
    level_dbfs: float
    snr_db: float
    voiceprint: bytes = b""
    """256 little-endian float32; empty where it was too short to tell."""


@dataclass(frozen=True, slots=True)
class GivenLine:
    """A line whose words are known already, as from subtitles."""

    start_s: float
    end_s: float
    text: str


async def hear(
    pcm: Pcm,
    start: int,
    engines: Engines,
    options: RecognitionOptions,
    *,
    language: str,
    probabilities: Sequence[float] = (),
) -> list[HeardLine]:
    """The lines of ``pcm`` (16 kHz), which begins at sample ``start`` of the media.

    ``language``: what is spoken, or AUTO where the recogniser finds it out among
    ``options.languages``. ``probabilities`` of speech in its frames, where they are known
    already. Raises EngineError when the recogniser cannot be kept alive.
    """
    options = replace(options, whole=True)
    recognition = Recognition(engines.recognizer, options, lambda: None)
    await recognition.open()
    feeding = asyncio.create_task(_feed(recognition, pcm, start, engines, probabilities))
    lines: list[HeardLine] = []
    try:
        async for hypothesis in _finals(recognition):
            spoken = hypothesis.language if language == AUTO else language
            spoken = spoken or (*options.languages, "")[0]
            for words in split(hypothesis.words):
                text = joined(words)
                if not engines.recognizer.punctuates:
                    text = restore(text, spoken)
                lines.append(
                    await measured(
                        GivenLine(words[0].start_s, words[-1].end_s, text),
                        pcm,
                        start,
                        engines,
                        language=spoken,
                        words=len(words),
                    )
                )
        await feeding
    finally:
        feeding.cancel()
        await asyncio.gather(feeding, return_exceptions=True)
        await recognition.aclose()
    return lines


async def measured(
    line: GivenLine, pcm: Pcm, start: int, engines: Engines, *, language: str, words: int = 0
) -> HeardLine:
    """``line`` with how it sounds in ``pcm``, which begins at sample ``start``."""

    def cut(from_s: float, to_s: float) -> Pcm:
        first, last = (round(one * SAMPLE_RATE_HZ) - start for one in (from_s, to_s))
        return pcm[max(0, first) : max(0, last)]

    sound = cut(line.start_s - MARGIN_S, line.end_s + MARGIN_S)
    before = cut(line.start_s - QUIET_WITHIN_S, line.start_s)
    count = words or max(1, len(line.text.split()))

    def look() -> tuple[Prosody, SoundQuality]:
        return measure(sound, count), measure_quality(sound, before)

    prosody, quality = await asyncio.to_thread(look)
    try:
        voiceprint = (await engines.encoder.embed(sound, brief=True)).astype("<f4").tobytes()
    except (ValueError, EngineError):
        voiceprint = b""  # too short: the last known speaker is assumed
    return HeardLine(
        start_s=line.start_s,
        end_s=line.end_s,
        text=line.text,
        language=language,
        prosody=prosody,
        level_dbfs=quality.level_dbfs,
        snr_db=quality.snr_db,
        voiceprint=voiceprint,
    )


def split(words: Sequence[Word]) -> list[tuple[Word, ...]]:
    """The lines that the words of one utterance make: sentences, and no line much longer than
    ``LONG_LINE_S``. Pure."""
    sentences: list[list[Word]] = [[]]
    for word in words:
        sentences[-1].append(word)
        long_enough = word.end_s - sentences[-1][0].start_s >= LINE_MIN_S
        if long_enough and has_final_mark(word.text):
            sentences.append([])
    rest = sentences.pop()
    if sentences and rest and _length_s(rest) < LINE_MIN_S:
        sentences[-1] += rest
    else:
        sentences.append(rest)
    return [part for sentence in sentences if sentence for part in _halved(tuple(sentence))]


def _halved(words: tuple[Word, ...]) -> list[tuple[Word, ...]]:
    if _length_s(words) <= LONG_LINE_S or len(words) < 2:
        return [words]
    middle_s = (words[0].start_s + words[-1].end_s) / 2
    reach_s = _length_s(words) / 2

    def worth(at: int) -> float:
        """A long pause near the middle, after a mark if there is one."""
        before, after = words[at - 1], words[at]
        central = 1 - abs(after.start_s - middle_s) / reach_s
        mark = 0.5 if before.text[-1:] in ",;:–—" else 0.0
        return min(1.0, after.start_s - before.end_s) + mark + 0.5 * central

    at = max(range(1, len(words)), key=worth)
    return [*_halved(words[:at]), *_halved(words[at:])]


def _length_s(words: Sequence[Word]) -> float:
    return words[-1].end_s - words[0].start_s


async def _finals(recognition: Recognition) -> AsyncIterator[Hypothesis]:
    async for hypothesis in recognition.hypotheses():
        if hypothesis.is_final and hypothesis.words:
            yield hypothesis


async def _feed(
    recognition: Recognition,
    pcm: Pcm,
    start: int,
    engines: Engines,
    known: Sequence[float],
) -> None:
    detector = engines.detector.open()
    segmenter = Segmenter(_SENTENCES)
    try:
        for begin in range(0, len(pcm), _BLOCK):
            block = pcm[begin : begin + _BLOCK]
            chunk = AudioChunk(0, start + begin, block)
            if known:
                first = begin // _FRAME
                found = known[first : first + len(block) // _FRAME]
            else:
                found = await detector.push(block)
            await _push(recognition, segmenter.push(chunk, found))
        await _push(recognition, segmenter.flush())
    finally:
        recognition.finish()


async def _push(recognition: Recognition, pieces: Sequence[SpeechPiece]) -> None:
    for piece in pieces:
        await recognition.push(piece)


def voiceprint_of(line: HeardLine) -> np.ndarray[tuple[int], np.dtype[np.float32]] | None:
    return np.frombuffer(line.voiceprint, "<f4").astype(np.float32) if line.voiceprint else None
