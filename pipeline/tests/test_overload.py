"""A live run whose dub takes longer than its source: lag is bounded, every line accounted."""

from __future__ import annotations

import asyncio
from collections.abc import Callable
from typing import Any

import numpy as np

from pipeline.bounds import SPEAKING_MAX
from pipeline.dubber import Dubber, Output
from pipeline.events import CommittedTranscript, CueEnded, CueScheduled, Merged, Skipped, Summary
from pipeline.plan import DubbingPlan, Engines
from pipeline.providers.scripted.hearing import (
    ScriptedDetector,
    ScriptedEncoder,
    ScriptedRecognizer,
)
from pipeline.providers.scripted.sounds import silence, tone
from pipeline.providers.scripted.speaking import (
    ScriptedCloner,
    ScriptedSynthesizer,
    ScriptedTranslator,
)
from pipeline.reporting.record import LineRecord
from pipeline.speaking.scheduler import BacklogRules
from pipeline.types import SAMPLE_RATE_HZ, AudioChunk

PLAN = DubbingPlan(
    session_id="test", source_language="en", target_language="es", preserve_voice=False
)
SPEED = 8
RULES = BacklogRules()


class Slow(ScriptedSynthesizer):
    """The dub of the first ``lines`` lines lasts three times as long as its source."""

    lines = 10
    begun = 0
    most_at_once = 0

    async def synthesize(self, request: Any) -> Any:
        speech: Any = await super().synthesize(request)
        self.most_at_once = max(self.most_at_once, self.open_streams)
        number = int(request.text.split()[-1].strip("."))
        share = 3.0 if number < self.lines else 0.8
        speech.expected_s = share * request.fit_s
        speech._samples = round(speech.expected_s * SAMPLE_RATE_HZ)
        return speech


async def overload(
    lines: int, synthesizer: ScriptedSynthesizer, watch: Callable[[Dubber, Output], None]
) -> list[Output]:
    engines = Engines(
        detector=ScriptedDetector(),
        recognizer=ScriptedRecognizer(script=[f"this is line {n}" for n in range(lines)]),
        translator=ScriptedTranslator(),
        synthesizer=synthesizer,
        encoder=ScriptedEncoder(),
        cloner=ScriptedCloner(),
    )
    dubber = Dubber(PLAN, engines)
    await dubber.start()
    told: list[Output] = []

    async def listen() -> None:
        async for output in dubber.events():
            told.append(output)
            watch(dubber, output)

    listening = asyncio.create_task(listen())
    source = np.concatenate([silence(0.3), *[np.concatenate([tone(1.4), silence(0.6)])] * lines])
    for number, at in enumerate(range(0, len(source), 1024)):
        dubber.push(AudioChunk(number, at, source[at : at + 1024]))
        # Not by the clock: what a busy machine kept back would come all at once.
        await asyncio.sleep(1024 / SAMPLE_RATE_HZ / SPEED)
    await dubber.finish()
    async with asyncio.timeout(60):
        await listening
    await dubber.aclose()
    return told


def accounted(told: list[Output], lines: int) -> tuple[set[int], set[int], set[int]]:
    spoken = [cue.line for cue in told if isinstance(cue, CueScheduled)]
    merged = [one.line for one in told if isinstance(one, Merged)]
    skipped = [one.line for one in told if isinstance(one, Skipped)]
    assert sorted(spoken + merged + skipped) == list(range(lines))
    summary = told[-1]
    assert isinstance(summary, Summary)
    counts = (summary.lines, summary.merged, summary.skipped)
    assert counts == (lines, len(merged), len(skipped))
    reasons = {one.sequence: one.skipped_reason for one in told if isinstance(one, LineRecord)}
    assert reasons == (
        dict.fromkeys(spoken) | dict.fromkeys(merged, "merged") | dict.fromkeys(skipped, "backlog")
    )
    return set(spoken), set(merged), set(skipped)


async def test_lag_is_bounded_every_line_accounted_and_the_dub_recovers() -> None:
    backlogs: list[tuple[int, float]] = []
    durations: list[float] = [0.0]
    seen = 0

    def watch(dubber: Dubber, output: Output) -> None:
        nonlocal seen
        if isinstance(output, CommittedTranscript):
            seen = output.line
        elif isinstance(output, CueEnded):
            durations.append(output.duration_s)
        backlogs.append((seen, dubber._turns.load().scheduled_s))

    synthesizer = Slow()
    told = await overload(26, synthesizer, watch)
    spoken, merged, skipped = accounted(told, 26)
    assert merged
    assert skipped
    assert max(backlog for _, backlog in backlogs) <= RULES.backlog_max_s + max(durations) + 0.1
    # The overload ends with line 10; what it left is gone soon after and stays gone.
    assert max(skipped | merged) < 18
    assert set(range(18, 26)) <= spoken
    assert min(backlog for line, backlog in backlogs if line >= 24) < 0.5
    assert synthesizer.most_at_once <= SPEAKING_MAX


async def test_a_merged_line_keeps_its_text_and_is_said_with_the_one_before() -> None:
    synthesizer = Slow()
    told = await overload(12, synthesizer, lambda dubber, output: None)
    accounted(told, 12)
    requests = [request.text for request in synthesizer.requests]
    records = {one.sequence: one for one in told if isinstance(one, LineRecord)}
    for merged in (one for one in told if isinstance(one, Merged)):
        record = records[merged.line]
        assert record.target_text.lower() == f"es this is line {merged.line}."
        assert record.cue_start_s is None
        assert records[merged.into].cue_start_s is not None
        carrying = next(
            text for text in requests if text.startswith(records[merged.into].target_text)
        )
        assert record.target_text in carrying
    cues = [one for one in told if isinstance(one, CueScheduled)]
    assert [cue.cue for cue in cues] == list(range(len(cues)))
    order = [one.sequence for one in told if isinstance(one, LineRecord)]
    assert order == sorted(order)


async def test_without_overload_nothing_is_merged_or_skipped() -> None:
    synthesizer = Slow()
    synthesizer.lines = 0
    told = await overload(12, synthesizer, lambda dubber, output: None)
    spoken, _, _ = accounted(told, 12)
    assert spoken == set(range(12))
