from __future__ import annotations

import asyncio
import logging
from collections.abc import AsyncIterator
from typing import Any, TypeVar

import numpy as np
import pytest

from pipeline.bounds import EVENTS_MAX, LIVE_MAX_S
from pipeline.dubber import Dubber, DubbingPlan, Engines, Output
from pipeline.events import (
    CommittedTranscript,
    CueAudio,
    CueEnded,
    CueScheduled,
    Failure,
    Notice,
    Skipped,
    SpeakerHeard,
    Summary,
    Translated,
)
from pipeline.ports import EngineError, RecognitionOptions
from pipeline.providers.scripted.hearing import (
    ScriptedDetector,
    ScriptedEncoder,
    ScriptedRecognizer,
)
from pipeline.providers.scripted.sounds import silence, tone, utterances
from pipeline.providers.scripted.speaking import (
    ScriptedCloner,
    ScriptedSynthesizer,
    ScriptedTranslator,
)
from pipeline.reporting.record import LineRecord
from pipeline.types import SAMPLE_RATE_HZ, AudioChunk, Pcm

SCRIPT = ("we open the door", "nobody is inside", "the lamp still burns", "who lives here")
E_ = TypeVar("E_")


def scripted_engines(**replaced: Any) -> Engines:
    engines: dict[str, Any] = {
        "detector": ScriptedDetector(),
        "recognizer": ScriptedRecognizer(script=SCRIPT),
        "translator": ScriptedTranslator(),
        "synthesizer": ScriptedSynthesizer(),
        "encoder": ScriptedEncoder(),
        "cloner": ScriptedCloner(),
    }
    return Engines(**engines | replaced)


def plan(**changed: Any) -> DubbingPlan:
    settled: dict[str, Any] = {
        "session_id": "test",
        "source_language": "en",
        "target_language": "es",
        "live": False,
    }
    return DubbingPlan(**settled | changed)


def chunks(pcm: Pcm, *, size: int = 1024, start: int = 0) -> list[AudioChunk]:
    return [
        AudioChunk(at // size, start + at, pcm[at : at + size]) for at in range(0, len(pcm), size)
    ]


async def dub(
    pcm: Pcm, engines: Engines | None = None, settled: DubbingPlan | None = None
) -> list[Output]:
    """Dub a whole recording as a file; everything that the run tells."""
    dubber = Dubber(settled or plan(), engines or scripted_engines())
    await dubber.start()

    async def feed() -> None:
        for chunk in chunks(pcm):
            await dubber.feed(chunk)
        await dubber.finish()

    feeding = asyncio.create_task(feed())
    try:
        async with asyncio.timeout(30):
            told = [event async for event in dubber.events()]
        await feeding
    finally:
        feeding.cancel()
        await dubber.aclose()
    return told


def of(kind: type[E_], told: list[Output]) -> list[E_]:
    return [event for event in told if isinstance(event, kind)]


def slow_talkers() -> Engines:
    return scripted_engines(recognizer=ScriptedRecognizer(script=SCRIPT, word_s=10.0))


FOUR = utterances((1.5, 140), (1.6, 220), (1.4, 140), (1.5, 220))


async def test_every_utterance_is_heard_translated_and_spoken_in_order() -> None:
    told = await dub(FOUR)
    assert [line.text.lower().rstrip(".?") for line in of(CommittedTranscript, told)] == list(
        SCRIPT
    )
    assert [line.line for line in of(Translated, told)] == [0, 1, 2, 3]
    assert all(line.text.lower().startswith("es ") for line in of(Translated, told))
    cues = of(CueScheduled, told)
    assert [cue.line for cue in cues] == [0, 1, 2, 3]
    ends = {cue.cue: cue.duration_s for cue in of(CueEnded, told)}
    for cue in cues:
        blocks = [audio for audio in of(CueAudio, told) if audio.cue == cue.cue]
        samples = sum(len(block.pcm) // 2 for block in blocks)
        assert samples / cue.sample_rate == pytest.approx(ends[cue.cue], abs=0.001)
        assert [block.last for block in blocks] == [False] * (len(blocks) - 1) + [True]
        assert np.abs(np.frombuffer(blocks[0].pcm, "<i2")).max() > 1000
    assert isinstance(told[-1], Summary)
    assert (told[-1].lines, told[-1].skipped, told[-1].errors) == (4, 0, 0)


async def test_a_cues_event_comes_before_its_sound_and_the_end_after() -> None:
    told = await dub(FOUR)
    for number in range(4):
        order = [
            type(event).__name__
            for event in told
            if isinstance(event, CueScheduled | CueAudio | CueEnded) and event.cue == number
        ]
        assert order[0] == "CueScheduled"
        assert order[-1] == "CueEnded"
        assert set(order[1:-1]) == {"CueAudio"}


async def test_cues_never_overlap_and_never_precede_their_source() -> None:
    told = await dub(FOUR, scripted_engines(synthesizer=ScriptedSynthesizer(char_s=0.2)))
    records = of(LineRecord, told)
    assert [record.sequence for record in records] == [0, 1, 2, 3]
    end_s = 0.0
    for record in records:
        assert record.cue_start_s is not None
        assert record.cue_duration_s is not None
        assert record.cue_start_s >= max(end_s, record.start_s) - 1e-6
        end_s = record.cue_start_s + record.cue_duration_s


async def test_a_transcript_says_how_far_the_source_was_heard_when_it_was_decided() -> None:
    """The recogniser is slow: what comes in while it works does not count."""
    recognizer = ScriptedRecognizer(script=SCRIPT, final_delay_s=0.5, word_s=10.0)
    dubber = Dubber(plan(live=True), scripted_engines(recognizer=recognizer))
    await dubber.start()
    pcm = utterances((1.5, 140), pause_s=4.0)
    for chunk in chunks(pcm):
        dubber.push(chunk)
        await asyncio.sleep(len(chunk.pcm) / SAMPLE_RATE_HZ / 8)
    await dubber.finish()
    (line,) = of(CommittedTranscript, [event async for event in dubber.events()])
    await dubber.aclose()
    assert 1.8 + 0.1 <= line.heard_s <= 1.8 + 0.4


async def test_a_clause_cut_out_of_running_speech_says_what_was_heard_by_then() -> None:
    recognizer = ScriptedRecognizer(script=["and then we went on and on " * 8])
    dubber = Dubber(plan(live=True), scripted_engines(recognizer=recognizer))
    await dubber.start()
    for chunk in chunks(utterances((8.0, 140))):
        dubber.push(chunk)
        await asyncio.sleep(len(chunk.pcm) / SAMPLE_RATE_HZ / 8)
    await dubber.finish()
    lines = of(CommittedTranscript, [event async for event in dubber.events()])
    await dubber.aclose()
    assert len(lines) >= 3
    assert all(line.end_s <= line.heard_s <= line.end_s + 1.5 for line in lines[:-1])


async def test_two_voices_are_told_apart_and_cast_differently() -> None:
    told = await dub(utterances((2.5, 140), (2.5, 300), (2.5, 140), (2.5, 300)), slow_talkers())
    speakers = [line.speaker for line in of(CommittedTranscript, told)]
    assert speakers[0] == speakers[2] != speakers[1] == speakers[3]
    voices = {heard.speaker: heard.voice for heard in of(SpeakerHeard, told)}
    assert len(set(voices.values())) == 2


async def test_the_voice_is_shaped_after_enough_of_the_speakers_own_speech() -> None:
    long = utterances(*[(2.5, 140)] * 4)
    shaped = [heard.shaped for heard in of(SpeakerHeard, await dub(long, slow_talkers()))]
    assert shaped[0] is False
    assert shaped[-1] is True


async def test_stock_voices_stay_when_voices_are_not_to_be_preserved() -> None:
    told = await dub(utterances(*[(2.5, 140)] * 4), settled=plan(preserve_voice=False))
    assert not any(heard.shaped for heard in of(SpeakerHeard, told))


async def test_a_failed_translation_skips_that_line_alone_and_keeps_its_text() -> None:
    translator = ScriptedTranslator(fail_on=["Nobody is inside."])
    told = await dub(FOUR, scripted_engines(translator=translator))
    (skipped,) = of(Skipped, told)
    assert (skipped.line, skipped.reason, skipped.text) == (
        1,
        "translation_failed",
        "Nobody is inside.",
    )
    assert [failure.code for failure in of(Failure, told)] == ["translation_failed"]
    assert [cue.line for cue in of(CueScheduled, told)] == [0, 2, 3]
    assert len(of(LineRecord, told)) == 4


async def test_a_failed_synthesis_shows_the_translation_instead() -> None:
    # However a final differs from the guess whose translation was begun.
    texts = [f"{to} {the} lamp still burns." for to in ("es", "Es") for the in ("the", "The")]
    synthesizer = ScriptedSynthesizer(fail_on=texts)
    told = await dub(FOUR, scripted_engines(synthesizer=synthesizer))
    (skipped,) = of(Skipped, told)
    assert skipped.line == 2
    assert skipped.text in texts
    assert synthesizer.open_streams == 0


async def test_a_slow_line_delays_what_follows_but_not_the_order() -> None:
    class Uneven(ScriptedTranslator):
        async def translate(self, request: Any) -> str:
            await asyncio.sleep(0.3 if request.text.startswith("We") else 0)
            return await super().translate(request)

    told = await dub(FOUR, scripted_engines(translator=Uneven()))
    assert [cue.line for cue in of(CueScheduled, told)] == [0, 1, 2, 3]


async def test_a_recogniser_that_breaks_is_restarted_and_its_utterance_repeated() -> None:
    recognizer = ScriptedRecognizer(script=SCRIPT, fail_at={1, 2})
    told = await dub(FOUR, scripted_engines(recognizer=recognizer))
    assert len(of(CueScheduled, told)) == 4
    assert recognizer.opened == recognizer.closed == 3
    assert {notice.code for notice in of(Notice, told)} == {"recognizer_restarted"}


async def test_a_recogniser_that_keeps_breaking_ends_the_run_with_its_reason() -> None:
    class Broken(ScriptedRecognizer):
        async def open(self, options: RecognitionOptions) -> Any:
            stream = await super().open(options)
            self.fail_at = {0}
            return stream

    told = await dub(FOUR, scripted_engines(recognizer=Broken(script=SCRIPT)))
    assert of(Failure, told)[-1].code == "engine_stopped"
    assert isinstance(told[-1], Summary)


@pytest.mark.parametrize(
    ("changed", "code", "offered"),
    [
        ({"source_language": "de"}, "source_language_unsupported", "en"),
        ({"target_language": "ja"}, "pair_unsupported", "es, fr"),
    ],
)
def test_a_language_that_is_lacking_is_refused_with_what_there_is(
    changed: dict[str, str], code: str, offered: str
) -> None:
    with pytest.raises(EngineError) as refused:
        Dubber(plan(**changed), scripted_engines())
    assert refused.value.code == code
    assert offered in str(refused.value)


async def test_a_full_inbox_drops_the_oldest_audio_and_says_so() -> None:
    class Deaf(ScriptedDetector):
        def open(self) -> Any:
            class Stuck:
                frame_samples = 512

                async def push(self, pcm: Pcm) -> Any:
                    await asyncio.Event().wait()

            return Stuck()

    dubber = Dubber(plan(live=True), scripted_engines(detector=Deaf()))
    await dubber.start()
    for chunk in chunks(silence(LIVE_MAX_S + 3)):
        dubber.push(chunk)
    notice = await anext(dubber.events())
    await dubber.aclose()
    assert isinstance(notice, Notice)
    assert notice.code == "audio_dropped"


async def test_missing_audio_becomes_silence_and_repeated_audio_is_left_out() -> None:
    dubber = Dubber(plan(), scripted_engines())
    await dubber.start()
    first, second = utterances((1.5, 140)), utterances((1.5, 220))
    gap = round(0.7 * SAMPLE_RATE_HZ)
    for chunk in chunks(first):
        await dubber.feed(chunk)
    await dubber.feed(AudioChunk(0, 0, first[:4000]))
    for chunk in chunks(second, start=len(first) + gap):
        await dubber.feed(chunk)
    await dubber.finish()
    told = [event async for event in dubber.events()]
    await dubber.aclose()
    lines = of(CommittedTranscript, told)
    assert len(lines) == 2
    onset_s = (len(first) + gap) / SAMPLE_RATE_HZ + 0.3
    assert lines[1].start_s == pytest.approx(onset_s, abs=0.35)


async def test_overload_drops_lines_by_the_rules_and_accounts_for_each() -> None:
    """The dub of every line is made to last six times as long as its source."""

    class Endless(ScriptedSynthesizer):
        async def synthesize(self, request: Any) -> Any:
            speech = await super().synthesize(request)
            speech._samples = 9 * SAMPLE_RATE_HZ
            speech.expected_s = 9.0
            return speech

    dubber = Dubber(plan(live=True), scripted_engines(synthesizer=Endless()))
    await dubber.start()
    spoken = utterances(*[(1.4, 140)] * 6, pause_s=0.6)
    told: list[Output] = []

    async def listen() -> None:
        told.extend([event async for event in dubber.events()])

    listening = asyncio.create_task(listen())
    for chunk in chunks(spoken):
        dubber.push(chunk)
        await asyncio.sleep(len(chunk.pcm) / SAMPLE_RATE_HZ / 4)
    await dubber.finish()
    async with asyncio.timeout(20):
        await listening
    await dubber.aclose()
    heard = {cue.line for cue in of(CueScheduled, told)}
    skipped = {skip.line for skip in of(Skipped, told)}
    assert heard
    assert skipped
    assert heard | skipped == set(range(6))
    assert not heard & skipped
    assert {skip.reason for skip in of(Skipped, told)} == {"backlog"}
    summary = of(Summary, told)[0]
    assert (summary.lines, summary.skipped) == (6, len(skipped))


async def test_closing_in_the_middle_frees_every_stream_and_task() -> None:
    recognizer, synthesizer = ScriptedRecognizer(script=SCRIPT), ScriptedSynthesizer()
    dubber = Dubber(plan(), scripted_engines(recognizer=recognizer, synthesizer=synthesizer))
    before = asyncio.all_tasks()
    await dubber.start()
    for chunk in chunks(FOUR[: 6 * SAMPLE_RATE_HZ]):
        await dubber.feed(chunk)
    events: AsyncIterator[Output] = dubber.events()
    while not isinstance(await anext(events), CueScheduled):
        pass
    await dubber.aclose()
    await dubber.aclose()
    assert recognizer.opened == recognizer.closed == 1
    assert synthesizer.open_streams == 0
    assert asyncio.all_tasks() == before


async def test_a_listener_that_reads_nothing_does_not_grow_memory() -> None:
    dubber = Dubber(plan(live=True), scripted_engines())
    await dubber.start()
    for _ in range(40):
        for chunk in chunks(np.concatenate([tone(1.2), silence(0.6)])):
            dubber.push(chunk)
        await asyncio.sleep(0.01)
    await asyncio.sleep(0.3)
    assert len(dubber._outbox) <= EVENTS_MAX
    await dubber.aclose()


async def test_debug_logging_says_once_a_second_how_the_run_does_and_no_word(
    caplog: pytest.LogCaptureFixture,
) -> None:
    await dub(FOUR)
    assert not [record for record in caplog.records if record.name == "pipeline.reporting.gauge"]
    caplog.set_level(logging.DEBUG, "pipeline")
    await dub(FOUR)
    lines = [
        record.__dict__ for record in caplog.records if record.name == "pipeline.reporting.gauge"
    ]
    assert len(lines) == pytest.approx(len(FOUR) / SAMPLE_RATE_HZ, abs=1)
    assert max(line["level_dbfs"] for line in lines) == pytest.approx(-15.3, abs=1)
    assert all(line["inbox_s"] >= 0 and line["backlog_s"] >= 0 for line in lines)
    assert "door" not in caplog.text.lower()
