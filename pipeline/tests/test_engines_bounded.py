"""Engines that never come to an end: what was without a bound, and is not any more."""

from __future__ import annotations

import asyncio
from dataclasses import dataclass
from typing import Any

import numpy as np
import pytest

from pipeline.bounds import GROUPS_MAX, LINES_MAX, PIECES_KEPT_MAX, PIECES_WAITING_MAX
from pipeline.dubber import Dubber
from pipeline.events import CueEnded, Failure, Skipped, Summary
from pipeline.hearing.recognition import Recognition
from pipeline.plan import DubbingPlan, Engines
from pipeline.ports import EngineError, RecognitionOptions
from pipeline.providers.offline.espeak_pool import EspeakPool
from pipeline.providers.offline.espeak_worker import SpeakJob
from pipeline.providers.scripted.hearing import (
    ScriptedDetector,
    ScriptedEncoder,
    ScriptedRecognizer,
)
from pipeline.providers.scripted.sounds import utterances
from pipeline.providers.scripted.speaking import (
    ScriptedCloner,
    ScriptedSynthesizer,
    ScriptedTranslator,
)
from pipeline.speaking.ledger import Entry
from pipeline.speaking.making import Translation
from pipeline.speaking.playing import Timing
from pipeline.speaking.scheduler import Scheduler
from pipeline.speaking.turns import Turns
from pipeline.types import NEUTRAL_STYLE, AudioChunk, Clause, Line, SpeakerMatch, SpeechPiece, Word


@dataclass
class Silent(ScriptedTranslator):
    """Never answers for the first line."""

    asked: int = 0

    async def translate(self, request: Any) -> str:
        self.asked += 1
        if self.asked == 1:
            await asyncio.Event().wait()
        return await super().translate(request)


class Stuck(ScriptedSynthesizer):
    """Its first clip stops after a block."""

    async def synthesize(self, request: Any) -> Any:
        speech: Any = await super().synthesize(request)
        if len(self.requests) == 1:
            return Half(speech)
        return speech


class Half:
    def __init__(self, speech: Any) -> None:
        self._speech = speech
        self.sample_rate_hz, self.expected_s = speech.sample_rate_hz, speech.expected_s
        self.rate, self.voice = speech.rate, speech.voice
        self.tempo_left = speech.tempo_left

    async def __aiter__(self) -> Any:
        async for block in self._speech:
            yield block
            await asyncio.Event().wait()

    async def aclose(self) -> None:
        await self._speech.aclose()


async def dubbed(translator: ScriptedTranslator, synthesizer: ScriptedSynthesizer) -> list[Any]:
    plan = DubbingPlan(
        session_id="test", source_language="en", target_language="es", preserve_voice=False
    )
    engines = Engines(
        detector=ScriptedDetector(),
        recognizer=ScriptedRecognizer(script=["this is the first", "this is the second"]),
        translator=translator,
        synthesizer=synthesizer,
        encoder=ScriptedEncoder(),
        cloner=ScriptedCloner(),
    )
    dubber = Dubber(plan, engines)
    await dubber.start()
    source = utterances((1.4, 140.0), (1.4, 140.0))
    for number, at in enumerate(range(0, len(source), 1024)):
        dubber.push(AudioChunk(number, at, source[at : at + 1024]))
    await dubber.finish()
    async with asyncio.timeout(30):
        told = [output async for output in dubber.events()]
    await dubber.aclose()
    return told


async def test_a_translator_that_never_answers_costs_one_line(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setattr("pipeline.speaking.making.TRANSLATION_S", 0.3)
    told = await dubbed(Silent(), ScriptedSynthesizer())
    assert [one.reason for one in told if isinstance(one, Skipped)] == ["engine_timeout"]
    assert [one.code for one in told if isinstance(one, Failure)] == ["engine_timeout"]
    assert isinstance(told[-1], Summary)
    assert (told[-1].lines, told[-1].skipped) == (2, 1)


async def test_sound_that_stops_in_a_line_ends_its_cue(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("pipeline.speaking.playing.NEXT_SOUND_S", 0.2)
    told = await dubbed(ScriptedTranslator(), Stuck())
    assert len([one for one in told if isinstance(one, CueEnded)]) == 2
    assert [one.code for one in told if isinstance(one, Failure)] == ["engine_timeout"]
    assert isinstance(told[-1], Summary)


async def test_speech_without_a_final_is_not_kept_for_ever() -> None:
    recognition = Recognition(
        ScriptedRecognizer(), RecognitionOptions(languages=("en",)), lambda: None
    )
    pcm = np.zeros(160, np.int16)
    for number in range(3 * PIECES_KEPT_MAX):
        recognition._fed = max(0, len(recognition._pieces) - PIECES_WAITING_MAX // 2)
        await recognition.push(SpeechPiece(0, number * 160, pcm, ends=False))
    assert len(recognition._pieces) == PIECES_KEPT_MAX
    assert recognition._pieces[-1].start == (3 * PIECES_KEPT_MAX - 1) * 160


async def test_a_job_in_line_for_a_voice_is_not_there_for_ever(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setattr("pipeline.providers.offline.espeak_pool.ESPEAK_WAIT_S", 0.05)
    pool = EspeakPool(size=1, waiting=8)
    pool._slots.get_nowait()
    with pytest.raises(EngineError) as refused:
        await pool.run(SpeakJob(text="a", voice="en", pitch=50, pitch_range=50, rate=1.0))
    assert refused.value.code == "engine_busy"
    assert pool._in_line == 0


async def test_lines_that_nobody_takes_do_not_pile_up_as_dropped_cues() -> None:
    scheduler = Scheduler()
    scheduler.occupy(start_s=0.0, duration_s=1000.0)
    turns = Turns(
        ScriptedSynthesizer(), scheduler, live=True, live_edge_s=lambda: 900.0, clock=lambda: 0.0
    )
    running = asyncio.create_task(turns.run())

    async def add(lines: int) -> None:
        for number in range(lines):
            await turns.add(late_line(number))

    adding = asyncio.create_task(add(3 * GROUPS_MAX))
    for _ in range(1000):
        await asyncio.sleep(0)
    assert len(turns._groups) == GROUPS_MAX
    assert turns.waiting == LINES_MAX
    assert not adding.done()
    for _ in range(3 * GROUPS_MAX):
        group = await asyncio.wait_for(turns.next(), 30)
        assert group is not None
        assert group.dropped
        turns.done()
    await adding
    turns.close()
    await asyncio.wait_for(running, 30)
    await turns.aclose()


def late_line(number: int) -> Entry:
    translation: asyncio.Future[Translation] = asyncio.get_running_loop().create_future()
    translation.set_result(Translation("hola", 5.0))
    line = Line(
        sequence=number,
        clause=Clause(number, (Word("hello", 0.0, 1.0),), ends_utterance=True),
        source_language="en",
        target_language="es",
        source_text="hello",
        speaker=SpeakerMatch("S1", 0.9),
        voice=ScriptedSynthesizer().stock[0],
        style=NEUTRAL_STYLE,
    )
    return Entry(line, translation, Timing(0.0, 0.0, 0.0), 1.0)
