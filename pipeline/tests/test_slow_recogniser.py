"""A recogniser that is slower than people speak, and one that only has to catch up.

Time is the test's own, so that nothing here depends on how busy the machine is.
"""

from __future__ import annotations

import asyncio
from collections import deque
from dataclasses import dataclass, field

import numpy as np
import pytest

from pipeline.bounds import RECOGNISER_BEHIND_S, SPHINX_BACKLOG_S
from pipeline.dubber import Dubber, Output
from pipeline.events import CommittedTranscript, Notice, Summary
from pipeline.hearing.inbox import Inbox
from pipeline.hearing.loop import Hearing
from pipeline.hearing.recognition import Recognition
from pipeline.hearing.tape import Tape
from pipeline.ports import EngineError, RecognitionOptions
from pipeline.providers.process_stream import ProcessStream
from pipeline.providers.scripted.hearing import ClockRecognizer, ScriptedDetector
from pipeline.providers.scripted.sounds import silence, tone
from pipeline.providers.speech_messages import Heard, Piece, Taken
from pipeline.tests.test_dubber import chunks, of, plan, scripted_engines
from pipeline.text.source_text import SourceText
from pipeline.types import SAMPLE_RATE_HZ, AudioChunk, Hypothesis, Pcm

CHUNK = 1024
CHUNK_S = CHUNK / SAMPLE_RATE_HZ
WORD_S = 0.4


class Time:
    """Seconds that pass when the test says so."""

    def __init__(self) -> None:
        self.now = 0.0
        self._passed = asyncio.Event()

    def __call__(self) -> float:
        return self.now

    async def advance(self, seconds: float) -> None:
        self.now += seconds
        self._passed.set()
        await settled()

    async def until(self, at: float) -> None:
        while self.now < at:
            self._passed.clear()
            await self._passed.wait()


async def settled() -> None:
    """Whatever can go on without time going on has done so."""
    for _ in range(30):
        await asyncio.sleep(0)


@dataclass
class SlowLane:
    """Fills ``Lane``: a process that searches ``speed`` seconds of audio in one."""

    time: Time
    engine: SlowRecognizer
    pid: int = 1
    _sent: deque[tuple[float, Piece]] = field(default_factory=deque)
    _came: asyncio.Event = field(default_factory=asyncio.Event)
    _said: deque[Heard | Taken] = field(default_factory=deque)
    _free_at: float = 0.0
    _begun: tuple[int, int] = (-1, 0)

    async def send(self, piece: Piece) -> None:
        self._sent.append((self.time.now, piece))
        self._came.set()

    async def receive(self) -> Heard | Taken:
        while not self._said:
            while not self._sent:
                self._came.clear()
                await self._came.wait()
            came_at, piece = self._sent[0]
            ends = (
                max(self._free_at, came_at)
                + len(piece.samples) / SAMPLE_RATE_HZ / self.engine.speed
            )
            dies_at = self.engine.dies_at if self.engine.opened == 1 else float("inf")
            await self.time.until(min(ends, dies_at))
            if ends > dies_at:
                raise EngineError("engine_stopped", "The script says that it dies.")
            self._sent.popleft()
            self._free_at = ends
            self._say(piece)
        return self._said.popleft()

    def _say(self, piece: Piece) -> None:
        if piece.utterance != self._begun[0]:
            self._begun = (piece.utterance, piece.start)
        start_s, end_s = self._begun[1] / SAMPLE_RATE_HZ, piece.end / SAMPLE_RATE_HZ
        words = self.engine.between(start_s, end_s)
        self._said += [Heard(Hypothesis(piece.utterance, words, end_s, piece.ends, "en")), Taken()]

    def kill(self) -> None:
        pass

    async def leave(self) -> None:
        pass


@dataclass
class SlowRecognizer(ClockRecognizer):
    """Hears the media clock in every speech, through the queue of real recognisers' processes."""

    time: Time = field(default_factory=Time)
    speed: float = 1.0
    word_s: float = WORD_S
    dies_at: float = float("inf")
    """When its first process does."""
    opening_takes_s: float = 0.0
    """Of every process but the first."""
    opened: int = 0

    # The port's stream too, but not a clock's.
    async def open(self, options: RecognitionOptions) -> ProcessStream:  # type: ignore[override]
        if self.opened:
            await self.time.until(self.time.now + self.opening_takes_s)
        self.opened += 1
        return ProcessStream(
            SlowLane(self.time, self), on_closed=lambda stream: None, ahead_s=SPHINX_BACKLOG_S
        )


@dataclass
class Heeded:
    """One run's ears, and what came of what they heard."""

    time: Time
    recognizer: SlowRecognizer
    waited_s: list[tuple[float, float]] = field(default_factory=list)
    """Of each final: when, and how old the end of its audio was."""
    words: list[str] = field(default_factory=list)
    lost: list[tuple[float, float]] = field(default_factory=list)
    """When, and seconds of speech."""

    async def hear(self, source: Pcm, *, away: tuple[float, float] = (0.0, 0.0)) -> None:
        """``source`` at the pace of speech; what is said while the client is ``away``, from and
        to media seconds, comes at once when it is back."""
        recognition = Recognition(
            self.recognizer, RecognitionOptions(languages=("en",)), lambda: None
        )
        await recognition.open()
        inbox = Inbox()
        hearing = Hearing(
            ScriptedDetector(),
            recognition,
            Tape(),
            self.time,
            text=SourceText(),
            on_jump=lambda: None,
            on_heard=lambda pcm: None,
            on_lost=lambda seconds: self.lost.append((self.time.now, seconds)),
        )
        running = asyncio.create_task(hearing.run(inbox))
        reading = asyncio.create_task(self._read(recognition, hearing))
        held: list[AudioChunk] = []
        for number, at in enumerate(range(0, len(source), CHUNK)):
            held.append(AudioChunk(number, at, source[at : at + CHUNK]))
            if not away[0] <= self.time.now < away[1]:
                for chunk in held:
                    assert inbox.push(chunk) == 0.0
                    await settled()
                held = []
            await self.time.advance(CHUNK_S)
        inbox.close()
        while not reading.done():
            await self.time.advance(CHUNK_S)
        await asyncio.gather(running, reading)

    async def _read(self, recognition: Recognition, hearing: Hearing) -> None:
        async for hypothesis in recognition.hypotheses():
            if hypothesis.is_final:
                self.words += [word.text for word in hypothesis.words]
                self.waited_s.append((self.time.now, self.time.now - hypothesis.decoded_s))
                hearing.settle(hypothesis.utterance)


def speech(seconds: float, *, pause_s: float = 0.3) -> Pcm:
    """Utterances of up to three seconds with short pauses."""
    lengths = (2.4, 3.0, 1.8)
    parts = [silence(0.3)]
    while sum(map(len, parts)) < seconds * SAMPLE_RATE_HZ:
        parts += [tone(lengths[len(parts) // 2 % 3]), silence(pause_s)]
    return np.concatenate(parts)


def heeded(speed: float) -> Heeded:
    time = Time()
    return Heeded(time, SlowRecognizer(time=time, speed=speed))


def words_of(source: Pcm) -> list[str]:
    """What the recogniser hears in it at leisure."""
    heard = ClockRecognizer(word_s=WORD_S).between(0.0, len(source) / SAMPLE_RATE_HZ)
    return [word.text for word in heard]


def numbers_of(words: list[str]) -> list[int]:
    return [int(word.removeprefix("word")) for word in words]


@pytest.mark.parametrize(("speed", "lag_s"), [(0.3, 12.0), (0.5, 9.0), (0.9, 7.0)])
async def test_behind_one_that_is_too_slow_lag_is_bounded(speed: float, lag_s: float) -> None:
    ears = heeded(speed)
    source = speech(120.0)
    await ears.hear(source)
    # What waits when the source ends is heard to its end: nobody says anything meanwhile.
    live = [waited_s for at, waited_s in ears.waited_s if at < len(source) / SAMPLE_RATE_HZ]
    assert max(live) < lag_s
    # It always had something to do, so that what it can hear is heard, once and at its time.
    heard = numbers_of(ears.words)
    assert heard == sorted(set(heard))
    assert len(heard) > 0.9 * speed * len(words_of(source))
    lost_s = sum(seconds for _, seconds in ears.lost)
    assert len(heard) * WORD_S + lost_s == pytest.approx(len(source) / SAMPLE_RATE_HZ, rel=0.1)


@pytest.mark.parametrize("speed", [1.05, 2.0])
async def test_after_a_break_of_fifteen_seconds_nothing_is_lost(speed: float) -> None:
    ears = heeded(speed)
    source = speech(60.0)
    await ears.hear(source, away=(10.0, 25.0))
    assert ears.words == words_of(source)
    assert not ears.lost


async def test_while_it_is_being_replaced_nothing_is_lost() -> None:
    ears = heeded(1.5)
    ears.recognizer.dies_at, ears.recognizer.opening_takes_s = 12.0, 15.0
    source = speech(60.0)
    await ears.hear(source)
    assert ears.recognizer.opened == 2
    assert ears.words == words_of(source)
    assert not ears.lost


async def test_a_run_tells_that_speech_was_let_go_and_accounts_for_every_line() -> None:
    time = Time()
    recognizer = SlowRecognizer(time=time, speed=0.5)
    dubber = Dubber(plan(live=True), scripted_engines(recognizer=recognizer), clock=time)
    await dubber.start()
    told: list[Output] = []

    async def listen() -> None:
        async for output in dubber.events():
            told.append(output)

    listening = asyncio.create_task(listen())
    for chunk in chunks(speech(40.0)):
        dubber.push(chunk)
        await time.advance(CHUNK_S)
    await dubber.finish()
    async with asyncio.timeout(60):
        while not listening.done():
            await time.advance(CHUNK_S)
            await asyncio.sleep(0.001)
        await listening
    await dubber.aclose()
    assert {notice.code for notice in of(Notice, told)} == {"audio_dropped"}
    assert dubber._tally.export().lost_s > RECOGNISER_BEHIND_S
    lines = of(CommittedTranscript, told)
    heard = numbers_of([word for line in lines for word in line.text.lower().split()])
    assert heard == sorted(set(heard))
    (summary,) = of(Summary, told)
    assert summary.lines == len(lines) > 5
