"""Text that the client has of the source: committed as written, when its sound has come."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from itertools import pairwise

import msgspec
import pytest
from hypothesis import given
from hypothesis import strategies as st

from pipeline.bounds import SOURCE_TEXT_MAX
from pipeline.dubber import Dubber, Engines, Output
from pipeline.events import CommittedTranscript, CueScheduled, Summary, Translated
from pipeline.handover.snapshot import RunSnapshot
from pipeline.hearing.unrecognised import Gate, NoRecognizer
from pipeline.providers.scripted.hearing import ClockRecognizer, TimedRecognizer
from pipeline.providers.scripted.sounds import silence, tone
from pipeline.providers.scripted.speaking import ScriptedTranslator
from pipeline.tests.test_dubber import chunks, of, plan, scripted_engines
from pipeline.text.source_text import (
    SourceText,
    SourceTextState,
    Subtitle,
    clauses_of,
)
from pipeline.types import SAMPLE_RATE_HZ, Pcm, SpeechPiece

CUES = (
    Subtitle(0.5, 2.0, "Die Tür steht offen.", "de"),
    Subtitle(2.2, 4.0, "niemand ist  da", "de"),
    Subtitle(5.0, 7.0, "Wer wohnt hier?", "de"),
)
TEXTS = [" ".join(cue.text.split()) for cue in CUES]


def german(text: SourceText) -> Engines:
    text.alone = True
    return scripted_engines(
        recognizer=NoRecognizer("de"),
        translator=ScriptedTranslator(pair_set=frozenset({("de", "es")})),
    )


@asynccontextmanager
async def running(
    text: SourceText, engines: Engines, *, source: str = "en", live: bool = False
) -> AsyncIterator[Dubber]:
    dubber = Dubber(plan(source_language=source, live=live), engines, text=text)
    await dubber.start()
    try:
        yield dubber
    finally:
        await dubber.aclose()


async def dubbed(text: SourceText, engines: Engines, pcm: Pcm, source: str) -> list[Output]:
    async with running(text, engines, source=source) as dubber:

        async def feed() -> None:
            for chunk in chunks(pcm):
                await dubber.feed(chunk)
            await dubber.finish()

        feeding = asyncio.create_task(feed())
        async with asyncio.timeout(30):
            told = [event async for event in dubber.events()]
        await feeding
    return told


# The whole run ------------------------------------------------------------------------


async def test_a_language_that_nothing_recognises_is_dubbed_from_its_text() -> None:
    text = SourceText()
    text.take(CUES, 0.0, 30.0)
    told = await dubbed(text, german(text), tone(8.0), "de")
    lines = of(CommittedTranscript, told)
    assert [line.text for line in lines] == TEXTS
    assert [(line.start_s, line.end_s) for line in lines] == [(c.start_s, c.end_s) for c in CUES]
    assert {line.language for line in lines} == {"de"}
    assert {line.speaker for line in lines} == {lines[0].speaker} != {None}
    translated = [one.text.lower() for one in of(Translated, told)]
    assert translated == [f"es {text}".lower() for text in TEXTS]
    for line, cue in zip(lines, of(CueScheduled, told), strict=True):
        assert line.heard_s >= line.end_s
        assert cue.start_s >= line.start_s
    assert isinstance(told[-1], Summary)


async def test_nothing_is_recognised_where_there_is_text_and_everything_elsewhere() -> None:
    """The scripted recogniser hears the media clock, so what was given to it shows."""
    text = SourceText()
    text.take([Subtitle(4.1, 5.9, "So it is written.", "en")], 4.0, 6.0)
    recognizer = ClockRecognizer()
    pcm = tone(10.0)
    told = await dubbed(text, scripted_engines(recognizer=recognizer), pcm, "en")
    said = [word.strip(".") for one in of(CommittedTranscript, told) for word in one.text.split()]
    numbers = [int(word.lower().removeprefix("word")) for word in said if "ord" in word.lower()[:4]]
    assert "So it is written." in [one.text for one in of(CommittedTranscript, told)]
    assert numbers == sorted(set(numbers))
    # Word n lasts from n to n + 1 times 0.4 s.
    assert not {11, 12, 13} & {*numbers}
    assert {3, 4, 5, 6, 7, 8} < {*numbers}
    assert {17, 18, 19, 20} < {*numbers}
    starts = [one.start_s for one in of(CommittedTranscript, told)]
    assert starts == sorted(starts)


async def test_text_that_comes_too_late_is_not_said_twice() -> None:
    text = SourceText()
    recognizer = TimedRecognizer([])
    async with running(text, scripted_engines(recognizer=recognizer), live=True) as dubber:
        for chunk in chunks(tone(3.0)):
            dubber.push(chunk)
        async with asyncio.timeout(30):
            while dubber.snapshot().media_s < 3.0:  # noqa: ASYNC110 - seen from outside
                await asyncio.sleep(0.01)
        text.take([Subtitle(0.5, 2.0, "Too late.", "en")], 0.0, 10.0)
        await dubber.finish()
        told = [event async for event in dubber.events()]
    assert of(CommittedTranscript, told) == []


async def test_a_live_caption_behind_its_sound_is_dubbed_where_nobody_recognises() -> None:
    text = SourceText()
    async with running(text, german(text), source="de", live=True) as dubber:
        for chunk in chunks(tone(3.0)):
            dubber.push(chunk)
        async with asyncio.timeout(30):
            while dubber.snapshot().media_s < 3.0:  # noqa: ASYNC110 - seen from outside
                await asyncio.sleep(0.01)
        text.take([Subtitle(0.5, 2.0, "Spät, aber doch.", "de")], 0.0, 3.0)
        await dubber.finish()
        told = [event async for event in dubber.events()]
    assert [one.text for one in of(CommittedTranscript, told)] == ["Spät, aber doch."]


async def test_the_translation_is_asked_for_before_the_clause_is_over() -> None:
    text = SourceText()
    text.take([Subtitle(0.5, 9.0, "Noch nicht gesagt.", "de")], 0.0, 30.0)
    engines = german(text)
    async with running(text, engines, source="de", live=True) as dubber:
        for chunk in chunks(tone(1.0)):
            dubber.push(chunk)
        translator = engines.translator
        assert isinstance(translator, ScriptedTranslator)
        async with asyncio.timeout(30):
            while not translator.requests:  # noqa: ASYNC110 - seen from outside
                await asyncio.sleep(0.01)
        assert [one.text for one in translator.requests] == ["Noch nicht gesagt."]


async def test_another_process_goes_on_with_the_text_that_was_not_said() -> None:
    text = SourceText()
    text.take(CUES, 0.0, 30.0)
    pcm = tone(8.0)
    first = [chunk for chunk in chunks(pcm) if chunk.end <= 3.0 * SAMPLE_RATE_HZ]
    told: list[Output] = []
    async with running(text, german(text), source="de", live=True) as dubber:
        for chunk in first:
            dubber.push(chunk)
        events = dubber.events()
        async with asyncio.timeout(20):
            while not of(CueScheduled, told):
                told.append(await anext(events))
            while dubber.snapshot().media_s < 2.9:  # noqa: ASYNC110 - seen from outside
                await asyncio.sleep(0.01)
        snapshot = dubber.snapshot()
    said = [one.text for one in of(CommittedTranscript, told)]
    assert said == TEXTS[:1]
    # What travels is text and numbers.
    snapshot = msgspec.msgpack.decode(msgspec.msgpack.encode(snapshot), type=RunSnapshot)
    assert snapshot.hear_from <= CUES[1].start_s * SAMPLE_RATE_HZ
    text = SourceText(snapshot.source_text)
    dubber = Dubber(
        plan(source_language="de", live=True), german(text), continues=snapshot, text=text
    )
    await dubber.start()
    try:
        for chunk in chunks(pcm):
            if chunk.end > snapshot.hear_from:
                dubber.push(chunk)
        await dubber.finish()
        async with asyncio.timeout(20):
            rest = [event async for event in dubber.events()]
    finally:
        await dubber.aclose()
    assert [one.text for one in of(CommittedTranscript, rest)] == TEXTS[1:]


# Clauses ------------------------------------------------------------------------------

WORDS = st.lists(st.text(alphabet="abcdeé,.!", min_size=1, max_size=12), min_size=1, max_size=40)


@given(WORDS, st.floats(0, 1e4), st.floats(0.1, 60))
def test_a_subtitle_is_split_without_losing_a_word(
    words: list[str], start_s: float, lasts_s: float
) -> None:
    subtitle = Subtitle(start_s, start_s + lasts_s, "  ".join(words), "en")
    clauses = clauses_of(subtitle)
    assert " ".join(clause.text for clause in clauses) == " ".join(words)
    assert clauses[0].start_s == start_s
    assert clauses[-1].end_s == pytest.approx(subtitle.end_s)
    for one, other in pairwise(clauses):
        assert one.start_s < one.end_s == other.start_s
    if lasts_s <= 3:
        assert len(clauses) == 1


def test_a_long_subtitle_is_cut_at_its_marks() -> None:
    text = "When the rain had stopped, we went on. Nobody said a word for a while."
    said = [clause.text for clause in clauses_of(Subtitle(0, 6, text, "en"))]
    assert said == [
        "When the rain had stopped,",
        "we went on. Nobody said a word for a while.",
    ]


def test_blank_text_is_no_clause() -> None:
    assert clauses_of(Subtitle(0, 6, " \n ", "en")) == []


# What waits ---------------------------------------------------------------------------


def due(text: SourceText) -> list[str]:
    said = []
    while clause := text.due():
        said.append(clause.text)
    return said


def test_a_clause_is_due_when_it_has_been_heard() -> None:
    text = SourceText()
    text.take(CUES, 0.0, 30.0)
    text.heard(1.9)
    assert due(text) == []
    text.heard(2.0)
    assert due(text) == TEXTS[:1]
    between = text.open_from_s
    text.heard(2.3)
    assert (between, text.open_from_s) == (None, 2.2)
    text.heard(7.5)
    assert due(text) == TEXTS[1:]


def test_text_waits_for_words_before_it_that_are_still_recognised_but_not_for_ever() -> None:
    now = [0.0]
    text = SourceText(clock=lambda: now[0])
    text.take(CUES[1:], 2.0, 30.0)
    text.settled(0.5)
    text.heard(4.0)
    assert due(text) == []
    text.settled(None)
    assert due(text) == TEXTS[1:2]
    text.settled(0.5)
    text.heard(99.9)
    assert due(text) == []
    now[0] = 2.9
    assert due(text) == []
    now[0] = 3.0
    assert due(text) == TEXTS[2:]


def test_what_is_told_again_replaces_what_waits() -> None:
    text = SourceText()
    text.take(CUES, 0.0, 30.0)
    text.heard(2.1)
    assert due(text) == TEXTS[:1]
    # The player stalled: everything comes a second later, and the last is another.
    moved = [Subtitle(3.2, 5.0, CUES[1].text, "de"), Subtitle(6.0, 8.0, "Niemand.", "de")]
    text.take(moved, 2.1, 30.0)
    text.heard(4.5)
    assert due(text) == []
    text.heard(8.0)
    assert due(text) == [TEXTS[1], "Niemand."]


def test_equal_times_take_all_of_it_back() -> None:
    text = SourceText()
    text.take(CUES, 0.0, 30.0)
    text.heard(1.0)
    assert text.covers(1.0)
    text.take([], 1.0, 1.0)
    text.heard(8.0)
    assert due(text) == []
    assert text.covers(0.5)
    assert not text.covers(1.0)


def test_captions_that_repeat_themselves_are_said_once() -> None:
    text = SourceText()
    text.take([*CUES, Subtitle(0.6, 2.1, CUES[0].text, "de")], 0.0, 30.0)
    text.heard(9.0)
    assert due(text) == TEXTS


@pytest.mark.parametrize(("heard_s", "said"), [(6.1, TEXTS), (5.9, TEXTS[:2])])
def test_at_the_end_text_counts_of_which_half_was_heard(heard_s: float, said: list[str]) -> None:
    text = SourceText()
    text.take(CUES, 0.0, 30.0)
    text.heard(heard_s)
    before = text.over
    text.close()
    assert due(text) == said
    assert (before, text.over) == (False, True)


def test_there_is_never_more_of_it_than_the_bound() -> None:
    text = SourceText()
    for second in range(0, 4 * SOURCE_TEXT_MAX, 2):
        text.take([Subtitle(second, second + 1, f"text {second}", "en")], second, second + 1)
    state = text.export()
    assert len(state.waiting) == SOURCE_TEXT_MAX
    assert len(state.spans) == 16
    again = SourceText(msgspec.json.decode(msgspec.json.encode(state), type=SourceTextState))
    assert again.export() == state


# The gate -----------------------------------------------------------------------------


def piece(start_s: float, end_s: float, *, utterance: int = 0, ends: bool = False) -> SpeechPiece:
    pcm = silence(end_s - start_s)
    return SpeechPiece(utterance, round(start_s * SAMPLE_RATE_HZ), pcm, ends)


def passed(text: SourceText, *pieces: SpeechPiece) -> list[tuple[float, float, bool]]:
    gate = Gate(text)
    return [
        (one.start / SAMPLE_RATE_HZ, one.end / SAMPLE_RATE_HZ, one.ends)
        for given in pieces
        for one in gate.pass_on(given)
    ]


def test_text_that_begins_within_an_utterance_ends_it_for_the_recogniser() -> None:
    text = SourceText()
    text.take([], 1.0, 4.0)
    spoken = [piece(0.0, 0.5), piece(0.5, 1.0), piece(1.0, 3.0), piece(3.0, 4.0, ends=True)]
    assert passed(text, *spoken, piece(5.0, 6.0, utterance=1, ends=True)) == [
        (0.0, 0.5, False),
        (0.5, 1.0, False),
        (1.0, 1.0, True),
        (5.0, 6.0, True),
    ]


def test_text_that_stops_leaves_the_rest_of_an_utterance_to_the_recogniser() -> None:
    text = SourceText()
    text.take([], 0.0, 1.0)
    spoken = [piece(0.0, 0.5), piece(0.5, 1.0), piece(1.0, 2.0), piece(2.0, 2.0, ends=True)]
    assert passed(text, *spoken) == [(1.0, 2.0, False), (2.0, 2.0, True)]


def test_an_utterance_with_text_in_its_middle_is_two_for_the_recogniser() -> None:
    text = SourceText()
    text.take([], 1.0, 2.0)
    gate = Gate(text)
    spoken = [piece(at, at + 1.0) for at in (0.0, 1.0, 2.0)]
    spoken += [piece(3.0, 3.0, ends=True), piece(4.0, 5.0, utterance=1, ends=True)]
    passed = [one for given in spoken for one in gate.pass_on(given)]
    assert [(one.utterance, one.ends) for one in passed] == [
        (0, False),
        (0, True),
        (1, False),
        (1, True),
        (2, True),
    ]
    assert gate.number(2) == 3


def test_an_utterance_that_text_has_wholly_is_none() -> None:
    text = SourceText()
    text.take([], 0.0, 3.0)
    assert passed(text, piece(0.0, 1.0), piece(1.0, 3.0), piece(3.0, 3.0, ends=True)) == []
