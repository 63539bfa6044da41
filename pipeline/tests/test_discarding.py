"""A run that nobody wants any more: it stops at once, and says what is not heard."""

from __future__ import annotations

import asyncio
from typing import Any

from pipeline.dubber import Dubber, Engines, Output
from pipeline.events import (
    CommittedTranscript,
    CueAudio,
    CueEnded,
    CueScheduled,
    Skipped,
    Summary,
)
from pipeline.providers.scripted.sounds import utterances
from pipeline.providers.scripted.speaking import ScriptedSynthesizer, ScriptedTranslator
from pipeline.reporting.record import LineRecord
from pipeline.tests.test_dubber import FOUR, chunks, of, plan, scripted_engines

FOREVER_S = 3600.0


async def until_told(
    events: Any, told: list[Output], kind: type[Output], count: int = 1
) -> list[Output]:
    async with asyncio.timeout(60):
        while len(of(kind, told)) < count:
            told.append(await anext(events))
    return told


async def begun(engines: Engines) -> Dubber:
    dubber = Dubber(plan(live=True), engines)
    await dubber.start()
    for chunk in chunks(FOUR):
        dubber.push(chunk)
    return dubber


async def rest_of(dubber: Dubber, events: Any, told: list[Output]) -> list[Output]:
    """What is told from the moment at which it is discarded."""
    before = len(told)
    async with asyncio.timeout(60):
        await dubber.discard()
        told += [event async for event in events]
    return told[before:]


def accounted(told: list[Output]) -> None:
    """Every line that was told has an end, once, and the summary counts it."""
    lines = [one.line for one in of(CommittedTranscript, told)]
    records = [one.sequence for one in of(LineRecord, told)]
    assert sorted(records) == lines
    summary = told[-1]
    assert isinstance(summary, Summary)
    assert summary.lines == len(lines)
    skipped = {one.line: one.reason for one in of(Skipped, told)}
    assert summary.skipped == len(skipped)
    assert [one.cue for one in of(CueScheduled, told)] == [one.cue for one in of(CueEnded, told)]


async def test_what_an_engine_would_take_for_ever_for_is_not_waited_for() -> None:
    synthesizer = ScriptedSynthesizer(delay_s=FOREVER_S)
    dubber = await begun(scripted_engines(synthesizer=synthesizer))
    events, told = dubber.events(), list[Output]()
    await until_told(events, told, CommittedTranscript, 3)
    rest = await rest_of(dubber, events, told)
    assert of(CueScheduled, rest) == []
    assert {one.reason for one in of(Skipped, rest)} == {"discarded"}
    assert len(of(Skipped, rest)) >= 3
    assert {one.skipped_reason for one in of(LineRecord, rest)} == {"discarded"}
    accounted(told)
    # Nothing is under way any more that would cost.
    assert synthesizer.open_streams == 0


async def test_a_translation_under_way_is_given_up_and_its_line_keeps_its_text() -> None:
    translator = ScriptedTranslator(delay_s=FOREVER_S)
    dubber = await begun(scripted_engines(translator=translator))
    events, told = dubber.events(), list[Output]()
    await until_told(events, told, CommittedTranscript, 2)
    rest = await rest_of(dubber, events, told)
    sources = {one.line: one.text for one in of(CommittedTranscript, told)}
    assert {one.line: one.text for one in of(Skipped, rest)} == sources
    accounted(told)


async def test_a_cue_that_has_begun_is_ended_where_it_is() -> None:
    dubber = await begun(scripted_engines(synthesizer=ScriptedSynthesizer(char_s=2.0)))
    events, told = dubber.events(), list[Output]()
    await until_told(events, told, CueAudio, 3)
    assert of(CueEnded, told) == []
    rest = await rest_of(dubber, events, told)
    assert of(CueAudio, rest) == []
    [end] = of(CueEnded, rest)
    sounding = sum(len(one.pcm) // 2 / one.sample_rate for one in of(CueAudio, told))
    assert end.duration_s == round(sounding, 3)
    accounted(told)


async def test_lines_that_were_heard_stay_as_they_were() -> None:
    dubber = Dubber(plan(live=True), scripted_engines())
    await dubber.start()
    for chunk in chunks(utterances((1.5, 140))):
        dubber.push(chunk)
    events, told = dubber.events(), list[Output]()
    await until_told(events, told, LineRecord)
    await rest_of(dubber, events, told)
    assert [one.skipped_reason for one in of(LineRecord, told)] == [None]
    accounted(told)


async def test_a_run_that_heard_nothing_ends_with_a_summary_of_nothing() -> None:
    dubber = Dubber(plan(live=True), scripted_engines())
    await dubber.start()
    told = await rest_of(dubber, dubber.events(), [])
    assert [type(one) for one in told] == [Summary]
    accounted(told)
