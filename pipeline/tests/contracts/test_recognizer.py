"""What every recogniser keeps to, from the first piece to an engine closed in mid-word.

All tests of a subject share one connected engine and one event loop, as the streams of a
server do; those that close an engine have one of their own.
"""

from __future__ import annotations

import asyncio
import re
from collections.abc import AsyncIterator, Callable, Sequence
from dataclasses import dataclass
from itertools import islice, pairwise, takewhile
from operator import attrgetter
from pathlib import Path

import pytest
import pytest_asyncio

from pipeline.committing.committer import CommitRules
from pipeline.ports import EngineError, RecognitionOptions, Recognizer, RecognizerStream
from pipeline.providers.scripted.sounds import silence
from pipeline.tests.contracts.checking import (
    CONNECT_S,
    nothing_left,
    plain,
    refused_for_good,
    stopped,
    within,
)
from pipeline.tests.contracts.recognizers import SUBJECTS, Speech, Subject, said, speech
from pipeline.types import SAMPLE_RATE_HZ, Hypothesis, Pcm, SpeechPiece, Word

pytestmark = pytest.mark.asyncio(loop_scope="module")

ROUGHLY_S = 0.05
"""Word times are those of frames."""

Say = Callable[[int], Pcm]


@dataclass(frozen=True)
class Heard:
    """Hypotheses in order, each with the media time up to which audio had been given."""

    speech: Speech
    told: tuple[tuple[Hypothesis, float], ...]

    @property
    def hypotheses(self) -> list[Hypothesis]:
        return [hypothesis for hypothesis, _ in self.told]

    @property
    def finals(self) -> list[Hypothesis]:
        return [hypothesis for hypothesis in self.hypotheses if hypothesis.is_final]

    def of(self, utterance: int) -> list[Hypothesis]:
        return [one for one in self.hypotheses if one.utterance == utterance]

    @property
    def texts(self) -> list[list[str]]:
        return [[word.text for word in final.words] for final in self.finals]


@pytest.fixture(scope="module", params=SUBJECTS, ids=attrgetter("name"))
def subject(request: pytest.FixtureRequest) -> Subject:
    found: Subject = request.param
    return found


@pytest.fixture(scope="module")
def folder(subject: Subject, tmp_path_factory: pytest.TempPathFactory) -> Path:
    return tmp_path_factory.mktemp("recognizer")


@pytest_asyncio.fixture(scope="module", loop_scope="module")
async def engine(subject: Subject, folder: Path) -> AsyncIterator[Recognizer]:
    async with subject.connected(folder) as connected:
        yield connected


@pytest.fixture(scope="module")
def say(subject: Subject, speech_data: Path) -> Say:
    return lambda saying: said(subject.voicing, saying, speech_data)


@pytest_asyncio.fixture(scope="module", loop_scope="module")
async def heard(subject: Subject, engine: Recognizer, say: Say) -> Heard:
    """Three utterances, heard at several times their own pace."""
    async with asyncio.timeout(CONNECT_S):
        return await hear(engine, speech([say(0), say(1), say(2)]), options_of(subject))


def options_of(subject: Subject) -> RecognitionOptions:
    return RecognitionOptions(languages=(subject.language,))


async def hear(
    engine: Recognizer, spoken: Speech, options: RecognitionOptions, *, pace_s: float = 0.01
) -> Heard:
    stream = await engine.open(options)
    given_s = 0.0

    async def feed() -> None:
        nonlocal given_s
        for piece in spoken.pieces:
            given_s = max(given_s, piece.end / SAMPLE_RATE_HZ)
            await stream.push(piece)
            await asyncio.sleep(pace_s)
        await stream.finish()

    feeding = asyncio.create_task(feed())
    try:
        told = [(hypothesis, given_s) async for hypothesis in stream]
        await feeding
    finally:
        feeding.cancel()
        await stream.aclose()
    return Heard(spoken, tuple(told))


def of_pieces(pieces: Sequence[SpeechPiece]) -> Speech:
    return Speech(tuple(pieces))


# --- What is told -------------------------------------------------------------------------


@within(CONNECT_S)
async def test_the_port_has_its_attributes(engine: Recognizer) -> None:
    assert engine.name
    assert engine.languages
    assert all(len(code) == 2 and code.islower() for code in engine.languages)
    assert isinstance(engine.punctuates, bool)
    assert isinstance(engine.finds_any, bool)
    assert 1 <= engine.candidates_max <= max(4, len(engine.languages))


@within(CONNECT_S)
async def test_each_utterance_has_one_final_in_order(heard: Heard) -> None:
    assert [final.utterance for final in heard.finals] == list(heard.speech.utterances)
    assert sum(bool(final.words) for final in heard.finals) >= 2
    assert any(one.words and not one.is_final for one in heard.hypotheses)


@within(CONNECT_S)
async def test_nothing_is_told_of_an_utterance_after_its_final(heard: Heard) -> None:
    numbers = [one.utterance for one in heard.hypotheses]
    assert numbers == sorted(numbers)
    for utterance in heard.speech.utterances:
        own = heard.of(utterance)
        assert [one.is_final for one in own] == [False] * (len(own) - 1) + [True]


@within(CONNECT_S)
async def test_words_are_in_order_inside_the_audio_given(heard: Heard) -> None:
    for hypothesis, given_s in heard.told:
        start_s, end_s = heard.speech.span_s(hypothesis.utterance)
        times = [time for word in hypothesis.words for time in (word.start_s, word.end_s)]
        assert times == sorted(times)
        for word in hypothesis.words:
            assert word.text == word.text.strip() != ""
            assert word.end_s > word.start_s
            assert 0.0 <= word.confidence <= 1.0
            assert word.start_s >= start_s - ROUGHLY_S
            assert word.end_s <= min(end_s, given_s) + ROUGHLY_S


@within(CONNECT_S)
async def test_times_that_were_given_do_not_move(subject: Subject, heard: Heard) -> None:
    """The committer tells by a word's middle whether it has it already."""
    for utterance in heard.speech.utterances:
        told = heard.of(utterance)
        for number, (before, after) in enumerate(pairwise(told), 1):
            pairs = takewhile(is_same, zip(before.words, after.words, strict=False))
            if subject.times_settle:
                for one, same in islice(pairs, stood_still(told[:number])):
                    middle_s = (same.start_s + same.end_s) / 2
                    assert one.start_s < middle_s < one.end_s, one.text
            else:
                for one, same in pairs:
                    assert (one.start_s, one.end_s) == (same.start_s, same.end_s), one.text


def stood_still(told: Sequence[Hypothesis]) -> int:
    """How many leading words of the newest may be committed: they have stood for long enough."""
    rules, newest = CommitRules(), told[-1]
    before = [one for one in told if one.decoded_s <= newest.decoded_s - rules.stable_s]
    if not before:
        return 0
    count = len(newest.words) - rules.hold_back_words
    for one in told[len(before) - 1 :]:
        pairs = zip(one.words, newest.words, strict=False)
        count = min(count, len(list(takewhile(is_same, pairs))))
    return max(0, count)


def is_same(pair: tuple[Word, Word]) -> bool:
    """A final may put a mark or a capital to a word; it is the same one then."""
    one, other = (re.sub(r"\W", "", word.text).lower() for word in pair)
    return one == other


@within(CONNECT_S)
async def test_what_was_decoded_grows_and_is_inside_the_audio_given(heard: Heard) -> None:
    for utterance in heard.speech.utterances:
        decoded = [one.decoded_s for one in heard.of(utterance)]
        assert decoded == sorted(decoded)
    for hypothesis, given_s in heard.told:
        start_s, _ = heard.speech.span_s(hypothesis.utterance)
        assert start_s - ROUGHLY_S <= hypothesis.decoded_s <= given_s + ROUGHLY_S


@within(CONNECT_S)
async def test_a_language_that_was_named_is_not_told_as_another(
    subject: Subject, heard: Heard
) -> None:
    assert {one.language for one in heard.hypotheses} <= {"", subject.language}


@within(CONNECT_S)
async def test_utterances_without_speech_have_their_final_too(
    subject: Subject, engine: Recognizer, say: Say
) -> None:
    nothing = SpeechPiece(0, 160, silence(0.0), ends=True, speech_end=160)
    quiet = speech([silence(1.0)], first=1, from_s=2.0).pieces
    # Cut off without a pause, all in one piece, with its audio in the last.
    cut_off = SpeechPiece(2, 20 * SAMPLE_RATE_HZ, say(1)[:SAMPLE_RATE_HZ], ends=True)
    found = await hear(engine, of_pieces([nothing, *quiet, cut_off]), options_of(subject))
    assert [final.utterance for final in found.finals] == [0, 1, 2]
    assert found.finals[0].words == ()


@within(CONNECT_S)
async def test_a_stream_that_heard_nothing_ends(subject: Subject, engine: Recognizer) -> None:
    found = await hear(engine, of_pieces([]), options_of(subject))
    assert found.hypotheses == []


@within(CONNECT_S)
async def test_streams_at_once_do_not_mix(
    subject: Subject, engine: Recognizer, heard: Heard, say: Say
) -> None:
    first, other = speech([say(0)]), speech([say(1)], first=40, from_s=300.0)
    one, two = await asyncio.gather(
        *(hear(engine, spoken, options_of(subject)) for spoken in (first, other))
    )
    for found in (one, two):
        assert [final.utterance for final in found.finals] == list(found.speech.utterances)
        for final in found.finals:
            start_s, end_s = found.speech.span_s(final.utterance)
            assert all(start_s - 0.1 <= word.start_s <= end_s for word in final.words)
    if subject.repeats:
        assert one.texts == heard.texts[:1]


# --- Languages ----------------------------------------------------------------------------


@within(CONNECT_S)
async def test_an_unknown_language_is_refused_in_plain_words(engine: Recognizer) -> None:
    codes = {"language_unsupported", "source_language_unsupported"}
    known = sorted(engine.languages)[0]
    asked = [("xx",), *([(known, "xx")] if engine.candidates_max > 1 else [])]
    for languages in asked:
        with pytest.raises(EngineError, match="xx") as refused:
            await engine.open(RecognitionOptions(languages=languages))
        refused_for_good(refused.value, codes)


@within(CONNECT_S)
async def test_candidates_are_told_apart_or_refused(
    subject: Subject, engine: Recognizer, say: Say
) -> None:
    others = sorted(engine.languages - {subject.language})
    if engine.candidates_max > 1:
        candidates = (others[0], subject.language)
        found = await hear(engine, speech([say(0)]), RecognitionOptions(languages=candidates))
        (final,) = found.finals
        assert final.words
        assert final.language in candidates
    if engine.candidates_max < len(engine.languages) or not others:
        too_many = (subject.language, *others, "en", "es")[: engine.candidates_max + 1]
        with pytest.raises(EngineError) as refused:
            await engine.open(RecognitionOptions(languages=too_many))
        refused_for_good(refused.value, {"language_unsupported", "source_language_unsupported"})


@within(CONNECT_S)
async def test_any_language_is_found_or_refused(
    subject: Subject, engine: Recognizer, say: Say
) -> None:
    options = RecognitionOptions(languages=())
    if engine.finds_any:
        found = await hear(engine, speech([say(0)]), options)
        assert found.finals[0].language in engine.languages
    else:
        with pytest.raises(EngineError) as refused:
            await engine.open(options)
        refused_for_good(refused.value, {"language_unsupported", "source_language_unsupported"})


# --- Ends ---------------------------------------------------------------------------------


@within(CONNECT_S)
async def test_a_stream_closed_in_mid_word_leaves_nothing(
    subject: Subject, engine: Recognizer, say: Say
) -> None:
    spoken = speech([say(n) for n in range(3)])
    options = options_of(subject)
    async with nothing_left():
        for pushed in (0, len(spoken.pieces) // 2):
            stream = await engine.open(options)
            for piece in spoken.pieces[:pushed]:
                await stream.push(piece)
            reading = asyncio.create_task(read(stream), name="reading")
            await asyncio.sleep(0.05)
            await stream.aclose()
            await stream.aclose()
            await stopped(reading)
            with pytest.raises(EngineError) as refused:
                await stream.push(spoken.pieces[pushed])
            plain(refused.value)
            await stopped(asyncio.create_task(read(stream)))


@within(CONNECT_S)
async def test_a_push_that_waits_is_released_by_the_close(
    subject: Subject, engine: Recognizer, say: Say
) -> None:
    second = say(0)[:SAMPLE_RATE_HZ]
    async with nothing_left():
        stream = await engine.open(options_of(subject))

        async def push_on() -> None:
            for n in range(300):
                await stream.push(SpeechPiece(0, n * len(second), second))

        pushing = asyncio.create_task(push_on(), name="pushing")
        await asyncio.sleep(0.3)
        await stream.aclose()
        await stopped(pushing)


async def read(stream: RecognizerStream) -> None:
    async for _ in stream:
        pass


@within(CONNECT_S)
async def test_an_engine_that_was_closed_refuses(subject: Subject, folder: Path, say: Say) -> None:
    spoken = speech([say(0)])
    async with nothing_left(), subject.connected(folder) as engine:
        await engine.connect()
        stream = await engine.open(options_of(subject))
        for piece in spoken.pieces[:5]:
            await stream.push(piece)
        reading = asyncio.create_task(read(stream), name="reading")
        await asyncio.sleep(0.02)
        await engine.aclose()
        await engine.aclose()
        await stopped(reading)
        with pytest.raises(EngineError) as refused:
            await stream.push(spoken.pieces[5])
        plain(refused.value)
        with pytest.raises(EngineError) as refused:
            await engine.open(options_of(subject))
        plain(refused.value)
        await stream.aclose()


@within(CONNECT_S)
async def test_a_cancelled_reader_or_opener_takes_nothing_with_it(
    subject: Subject, engine: Recognizer, say: Say
) -> None:
    async with nothing_left():
        opening = asyncio.create_task(engine.open(options_of(subject)))
        await asyncio.sleep(0)
        opening.cancel()
        (opened,) = await asyncio.gather(opening, return_exceptions=True)
        if not isinstance(opened, BaseException):
            await opened.aclose()
        stream = await engine.open(options_of(subject))
        reading = asyncio.create_task(read(stream))
        await asyncio.sleep(0.01)
        reading.cancel()
        await asyncio.gather(reading, return_exceptions=True)
        assert reading.cancelled()
        await stream.aclose()
    again = await hear(engine, speech([say(0)]), options_of(subject))
    assert len(again.finals) == 1
