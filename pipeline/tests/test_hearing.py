"""What the first loop tells of quiet and of ends."""

from __future__ import annotations

import asyncio

import numpy as np
import pytest

from pipeline.hearing.inbox import Inbox
from pipeline.hearing.loop import Hearing
from pipeline.hearing.recognition import Recognition
from pipeline.hearing.tape import Tape
from pipeline.ports import RecognitionOptions
from pipeline.providers.scripted.hearing import ScriptedDetector, ScriptedRecognizer
from pipeline.providers.scripted.sounds import silence, tone, utterances
from pipeline.tests.test_dubber import chunks
from pipeline.text.source_text import SourceText
from pipeline.types import SAMPLE_RATE_HZ, Pcm

FRAME_S = 512 / SAMPLE_RATE_HZ


async def quiet_told_of(pcm: Pcm, *, chunk: int) -> list[bool]:
    """Whether the first utterance was quiet, each time quiet was told."""
    told: list[bool] = []
    recognition = Recognition(
        ScriptedRecognizer(), RecognitionOptions(languages=("en",)), lambda: None
    )
    await recognition.open()
    hearing = Hearing(
        ScriptedDetector(),
        recognition,
        Tape(),
        lambda: 0.0,
        text=SourceText(),
        on_jump=lambda: None,
        on_heard=lambda pcm: None,
        on_quiet=lambda: told.append(hearing.is_quiet(0)),
    )
    inbox = Inbox()
    for one in chunks(pcm, size=chunk):
        inbox.push(one)
    inbox.close()
    # Somebody reads: hearing waits for a recogniser that is far behind.
    reading = asyncio.create_task(_read(recognition))
    await hearing.run(inbox)
    await reading
    return told


async def _read(recognition: Recognition) -> None:
    async for _ in recognition.hypotheses():
        pass


@pytest.mark.parametrize("shift", range(4))
@pytest.mark.parametrize("chunk", [512, 1024, 2048])
async def test_the_end_of_a_long_utterance_is_told_however_chunks_are_cut(
    shift: int, chunk: int
) -> None:
    long = utterances((200 * FRAME_S, 140))
    told = await quiet_told_of(
        # After 6.4 s of speech three frames of silence end it, which may come all at once.
        long[round(0.3 * SAMPLE_RATE_HZ) - shift * 512 :],
        chunk=chunk,
    )
    assert told == [True]


async def test_quiet_within_an_utterance_is_told_once_each_time() -> None:
    speech, breath = tone(20 * FRAME_S, 140), silence(3 * FRAME_S)
    # A short utterance waits longer than this breath.
    pcm = np.concatenate([speech, breath, speech, silence(1.0)])
    assert await quiet_told_of(pcm, chunk=512) == [True, True]
    assert await quiet_told_of(silence(2.0), chunk=512) == []
