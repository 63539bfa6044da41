"""A run is cut somewhere and gone on with elsewhere: nothing lost, nothing twice."""

from __future__ import annotations

import asyncio
from collections.abc import Callable
from contextlib import aclosing
from dataclasses import dataclass, field, replace
from itertools import pairwise
from typing import Any

import msgspec
import numpy as np
import pytest

from pipeline.dubber import Dubber, Output
from pipeline.events import CommittedTranscript, CueAudio, CueEnded, CueScheduled, Skipped, Summary
from pipeline.handover.snapshot import Delivered, RunSnapshot
from pipeline.plan import DubbingPlan, Engines
from pipeline.providers.scripted.hearing import (
    ScriptedDetector,
    ScriptedEncoder,
    TimedRecognizer,
)
from pipeline.providers.scripted.sounds import silence, tone
from pipeline.providers.scripted.speaking import (
    ScriptedCloner,
    ScriptedSynthesizer,
    ScriptedTranslator,
)
from pipeline.reporting.record import LineRecord
from pipeline.tests.waiting import until as settled
from pipeline.types import SAMPLE_RATE_HZ, AudioChunk, Pcm, Word

CHUNK = 1600
SPOKEN_S = ((4.1, 140.0), (2.3, 220.0), (6.4, 140.0), (1.9, 220.0), (3.2, 140.0), (0.9, 220.0))
PAUSE_S = 0.6


def source() -> tuple[Pcm, list[Word]]:
    """Speech of two voices, and its words at their times."""
    parts, at_s = [silence(0.5)], 0.5
    words: list[Word] = []
    for seconds, hz in SPOKEN_S:
        parts += [tone(seconds, hz), silence(PAUSE_S)]
        count = round(seconds / 0.27)
        length_s = seconds / count
        for n in range(count):
            begin_s = at_s + n * length_s
            words.append(Word(f"w{len(words)}", begin_s, begin_s + length_s))
        at_s += seconds + PAUSE_S
    return np.concatenate(parts), words


PCM, WORDS = source()
CHUNKS = [
    AudioChunk(1000 + at // CHUNK, at, PCM[at : at + CHUNK]) for at in range(0, len(PCM), CHUNK)
]


def engines(**replaced: Any) -> Engines:
    made: dict[str, Any] = {
        "detector": ScriptedDetector(),
        "recognizer": TimedRecognizer(WORDS),
        "translator": ScriptedTranslator(),
        "synthesizer": ScriptedSynthesizer(),
        "encoder": ScriptedEncoder(),
        "cloner": ScriptedCloner(),
    }
    return Engines(**made | replaced)


PLAN = DubbingPlan(session_id="test", source_language="en", target_language="es", live=False)


@dataclass
class Client:
    """What a listener has: texts by line, sound by cue."""

    told: list[Output] = field(default_factory=list)
    lines: dict[int, str] = field(default_factory=dict)
    cues: dict[int, CueScheduled] = field(default_factory=dict)
    sound: dict[int, bytes] = field(default_factory=dict)
    ended: dict[int, CueEnded] = field(default_factory=dict)
    complete: set[int] = field(default_factory=set)
    summary: Summary | None = None

    def take(self, output: Output) -> None:
        self.told.append(output)
        match output:
            case CommittedTranscript():
                assert output.line not in self.lines
                self.lines[output.line] = output.text
            case CueScheduled():
                assert output.cue not in self.complete
                assert not self.sound.get(output.cue)
                self.cues[output.cue], self.sound[output.cue] = output, b""
            case CueAudio():
                cue = self.cues[output.cue]
                at_s = cue.start_s + len(self.sound[output.cue]) / 2 / cue.sample_rate
                assert output.start_s == pytest.approx(at_s, abs=0.002)
                self.sound[output.cue] += output.pcm
                if output.last:
                    self.complete.add(output.cue)
            case CueEnded():
                self.ended[output.cue] = output
            case Summary():
                self.summary = output
            case _:
                pass

    def lose(self, blocks: int) -> None:
        """The last ``blocks`` blocks of sound never arrived."""
        for audio in reversed([one for one in self.told if isinstance(one, CueAudio)]):
            if not blocks:
                break
            blocks -= 1
            self.complete.discard(audio.cue)
            self.ended.pop(audio.cue, None)
            self.sound[audio.cue] = self.sound[audio.cue].removesuffix(audio.pcm)

    def heard(self) -> Delivered:
        cue = next(number for number in range(10_000) if number not in self.complete)
        return Delivered(cue=cue, samples=len(self.sound.get(cue, b"")) // 2)

    def check(self) -> None:
        """Everything arrived, once and in order."""
        numbers = sorted(self.lines)
        assert numbers == list(range(len(numbers)))
        said = " ".join(self.lines[number] for number in numbers).split()
        assert said == [word.text for word in WORDS]
        assert sorted(self.cues) == sorted(self.complete) == list(range(len(self.cues)))
        assert [self.cues[number].line for number in sorted(self.cues)] == numbers
        for number, cue in self.cues.items():
            samples = len(self.sound[number]) // 2
            assert samples / cue.sample_rate == pytest.approx(cue.duration_s, abs=0.001)
        for before, after in pairwise(self.cues[number] for number in sorted(self.cues)):
            assert after.start_s >= before.start_s + before.duration_s - 0.002
        assert self.summary is not None
        assert (self.summary.lines, self.summary.skipped) == (len(numbers), 0)


def through_json(snapshot: RunSnapshot) -> RunSnapshot:
    return msgspec.json.decode(msgspec.json.encode(snapshot), type=RunSnapshot)


async def run(
    dubber: Dubber,
    client: Client,
    chunks: list[AudioChunk],
    *,
    until: Callable[[], bool] = lambda: False,
) -> None:
    """Feed ``chunks`` until the run ends or ``until`` says so; then it is cut."""
    await dubber.start()

    async def feed() -> None:
        for chunk in chunks:
            await dubber.feed(chunk)
            await asyncio.sleep(0.0005)
        await dubber.finish()

    feeding = asyncio.create_task(feed())
    try:
        async with asyncio.timeout(30):
            async for output in dubber.events():
                client.take(output)
                if until():
                    break
    finally:
        feeding.cancel()
        await asyncio.gather(feeding, return_exceptions=True)


def rest(snapshot: RunSnapshot) -> list[AudioChunk]:
    return [chunk for chunk in CHUNKS if chunk.sequence >= snapshot.hear_from_chunk]


def total() -> int:
    """Outputs of a whole run, for the places to cut at."""
    client = Client()

    async def whole() -> None:
        dubber = Dubber(PLAN, engines())
        await run(dubber, client, CHUNKS)
        await dubber.aclose()

    asyncio.run(whole())
    client.check()
    return len(client.told)


TOTAL = total()
CUTS = range(1, TOTAL, 19)


@pytest.mark.parametrize("cut", CUTS)
async def test_a_run_cut_anywhere_goes_on_without_loss_or_repetition(cut: int) -> None:
    client = Client()
    first = Dubber(PLAN, engines())
    await run(first, client, CHUNKS, until=lambda: len(client.told) >= cut)
    snapshot = through_json(first.snapshot())
    await first.aclose()
    client.lose(cut % 4)
    second = Dubber(PLAN, engines(), continues=snapshot, heard=client.heard())
    await run(second, client, rest(snapshot))
    await second.aclose()
    client.check()


@pytest.mark.parametrize("cut", CUTS[::2])
async def test_the_snapshot_of_the_last_progress_is_enough(cut: int) -> None:
    """The process is gone between two checkpoints; the client knows more than the last one."""
    client = Client()
    kept: list[bytes] = []
    first = Dubber(
        PLAN, engines(), on_progress=lambda: kept.append(msgspec.json.encode(first.snapshot()))
    )
    await run(first, client, CHUNKS, until=lambda: len(client.told) >= cut and bool(kept))
    await first.aclose()
    snapshot = msgspec.json.decode(kept[-1], type=RunSnapshot)
    # What was told of lines that the snapshot has as untold is told again, and may be.
    for line in [line for line in client.lines if line >= snapshot.next_line]:
        del client.lines[line]
    for pending in snapshot.pending:
        if not pending.told:
            client.lines.pop(pending.line, None)
    second = Dubber(PLAN, engines(), continues=snapshot, heard=client.heard())
    await run(second, client, rest(snapshot))
    await second.aclose()
    client.check()


async def test_a_run_can_be_cut_again_and_again() -> None:
    client = Client()
    snapshot: RunSnapshot | None = None
    for _ in range(12):
        heard = client.heard() if snapshot else None
        dubber = Dubber(PLAN, engines(), continues=snapshot, heard=heard)
        mark = len(client.told) + TOTAL // 9

        def reached(mark: int = mark) -> bool:
            return len(client.told) >= mark

        await run(dubber, client, rest(snapshot) if snapshot else CHUNKS, until=reached)
        snapshot = through_json(dubber.snapshot())
        await dubber.aclose()
        if client.summary:
            break
    client.check()


async def test_speakers_and_voices_are_known_again() -> None:
    client = Client()
    first = Dubber(PLAN, engines())
    await run(first, client, CHUNKS, until=lambda: len(client.complete) == 4)
    snapshot = through_json(first.snapshot())
    await first.aclose()
    second = Dubber(PLAN, engines(), continues=snapshot, heard=client.heard())
    await run(second, client, rest(snapshot))
    await second.aclose()
    assert client.summary is not None
    assert client.summary.speakers == 2
    records = {one.sequence: one for one in client.told if isinstance(one, LineRecord)}
    by_speaker: dict[str | None, set[str]] = {}
    for record in records.values():
        by_speaker.setdefault(record.speaker, set()).add(record.voice)
    assert all(len(voices) == 1 for voices in by_speaker.values())


async def test_a_line_that_cannot_be_spoken_again_is_ended_and_shown() -> None:
    client = Client()
    first = Dubber(PLAN, engines())
    await run(first, client, CHUNKS, until=lambda: bool(client.sound.get(1)))
    snapshot = through_json(first.snapshot())
    await first.aclose()
    text = "es " + client.lines[1]
    broken = engines(synthesizer=ScriptedSynthesizer(fail_on=[text]))
    second = Dubber(PLAN, broken, continues=snapshot, heard=client.heard())
    await run(second, client, rest(snapshot))
    await second.aclose()
    (skipped,) = [one for one in client.told if isinstance(one, Skipped)]
    assert (skipped.line, skipped.text) == (1, text)
    assert client.ended[1].duration_s == pytest.approx(len(client.sound[1]) / 2 / SAMPLE_RATE_HZ)
    assert sorted(client.complete | {1}) == list(range(len(client.cues)))


async def test_a_clip_that_has_become_shorter_is_only_ended() -> None:
    client = Client()
    first = Dubber(PLAN, engines())
    await run(first, client, CHUNKS, until=lambda: len(client.sound.get(1, b"")) > 32_000)
    snapshot = through_json(first.snapshot())
    await first.aclose()
    had = len(client.sound[1])
    hasty = engines(synthesizer=ScriptedSynthesizer(char_s=0.001))
    second = Dubber(PLAN, hasty, continues=snapshot, heard=client.heard())
    await run(second, client, rest(snapshot))
    await second.aclose()
    assert len(client.sound[1]) == had
    assert 1 in client.complete
    assert client.ended[1].duration_s == pytest.approx(had / 2 / SAMPLE_RATE_HZ, abs=0.001)


@pytest.mark.parametrize("after", range(20, len(CHUNKS), 16))
async def test_winding_down_gives_out_what_is_committed_and_loses_nothing(after: int) -> None:
    client = Client()
    first = Dubber(PLAN, engines())
    await first.start()

    async def listen() -> None:
        async for output in first.events():
            client.take(output)

    listening = asyncio.create_task(listen())
    for chunk in CHUNKS[:after]:
        await first.feed(chunk)
        await asyncio.sleep(0.0005)
    snapshot = await first.wind_down(timeout_s=20)
    async with asyncio.timeout(20):
        await listening
    assert client.summary is None
    assert not snapshot.pending
    assert set(client.lines) == {cue.line for cue in client.cues.values()}
    first.push(CHUNKS[after])
    snapshot = through_json(snapshot)
    second = Dubber(PLAN, engines(), continues=snapshot, heard=client.heard())
    await run(second, client, rest(snapshot))
    await second.aclose()
    client.check()


async def test_winding_down_waits_no_longer_than_it_may() -> None:
    client = Client()
    first = Dubber(PLAN, engines(synthesizer=ScriptedSynthesizer(delay_s=30)))
    begun = asyncio.Event()

    def note() -> bool:
        if client.lines:
            begun.set()
        return False

    listening = asyncio.create_task(run(first, client, CHUNKS, until=note))
    await begun.wait()
    # Less than the synthesiser's thirty seconds.
    async with asyncio.timeout(20):
        snapshot = await first.wind_down(timeout_s=0.2)
        await listening
    assert client.summary is None
    assert [line.line for line in snapshot.pending] == sorted(client.lines)
    assert [line.source_text for line in snapshot.pending] == list(client.lines.values())
    second = Dubber(PLAN, engines(), continues=through_json(snapshot), heard=client.heard())
    await run(second, client, rest(snapshot))
    await second.aclose()
    client.check()


async def test_a_snapshot_has_neither_sound_nor_voices_and_stays_small() -> None:
    client = Client()
    dubber = Dubber(PLAN, engines())
    await run(dubber, client, CHUNKS, until=lambda: len(client.complete) == 5)
    assert len(msgspec.json.encode(dubber.snapshot())) < 16_000
    await dubber.aclose()


async def test_a_run_that_has_heard_nothing_can_be_gone_on_with() -> None:
    first = Dubber(PLAN, engines())
    await first.start()
    snapshot = through_json(first.snapshot())
    await first.aclose()
    assert (snapshot.hear_from, snapshot.hear_from_chunk) == (0, -1)
    client = Client()
    second = Dubber(PLAN, engines(), continues=snapshot)
    await run(second, client, rest(snapshot))
    await second.aclose()
    client.check()


async def stalled(plan: DubbingPlan, lines: int) -> RunSnapshot:
    """The snapshot of a run that has committed and translated some lines and spoken none."""
    first = Dubber(plan, engines(synthesizer=ScriptedSynthesizer(delay_s=30)))
    client = Client()
    await run(first, client, CHUNKS, until=lambda: len(client.lines) == lines)
    await settled(lambda: all(one.target_text for one in first.snapshot().pending))
    snapshot = through_json(first.snapshot())
    await first.aclose()
    assert len(snapshot.pending) >= lines
    return snapshot


async def test_lines_that_were_said_as_one_are_said_again_as_one() -> None:
    snapshot = await stalled(PLAN, 2)
    cue: dict[str, Any] = {
        "cue": 0,
        "cue_start_s": 3.0,
        "cue_duration_s": 9.0,
        "sample_rate": SAMPLE_RATE_HZ,
    }
    first, second, *others = snapshot.pending
    joined = f"{first.target_text} {second.target_text}"
    pending = (
        msgspec.structs.replace(first, **cue),
        msgspec.structs.replace(second, **cue, into=first.line),
        *others,
    )
    snapshot = through_json(msgspec.structs.replace(snapshot, pending=pending, next_cue=1))
    synthesizer = ScriptedSynthesizer()
    dubber = Dubber(
        PLAN,
        engines(synthesizer=synthesizer),
        continues=snapshot,
        heard=Delivered(cue=0, samples=16_000),
    )
    await dubber.start()
    await dubber.finish()
    told = [output async for output in dubber.events()]
    await dubber.aclose()
    assert synthesizer.requests[0].text == joined
    assert [one.cue for one in told if isinstance(one, CueScheduled)] == [
        number + 1 for number in range(len(others))
    ]
    audio = [one for one in told if isinstance(one, CueAudio) and one.cue == 0]
    assert audio[0].start_s == pytest.approx(4.0)
    ended = next(one for one in told if isinstance(one, CueEnded))
    had_s = 1.0 + sum(len(one.pcm) for one in audio) / 2 / SAMPLE_RATE_HZ
    assert ended.duration_s == pytest.approx(had_s, abs=0.001)
    records = [one for one in told if isinstance(one, LineRecord)]
    assert [one.skipped_reason for one in records] == [None, "merged", *[None] * len(others)]
    assert [one.target_text for one in records[:2]] == [first.target_text, second.target_text]
    summary = told[-1]
    assert isinstance(summary, Summary)
    assert (summary.lines, summary.merged) == (len(records), 1)


async def test_a_live_run_says_what_is_pending_before_any_audio_comes() -> None:
    live = replace(PLAN, live=True)
    snapshot = await stalled(live, 1)
    dubber = Dubber(live, engines(), continues=snapshot)
    await dubber.start()
    async with asyncio.timeout(20), aclosing(dubber.events()) as events:
        cue = await anext(output async for output in events if isinstance(output, CueScheduled))
    again = through_json(dubber.snapshot())
    await dubber.aclose()
    assert cue.line == 0
    assert cue.start_s >= snapshot.media_s
    assert (again.hear_from, again.hear_from_chunk) == (
        snapshot.hear_from,
        snapshot.hear_from_chunk,
    )
