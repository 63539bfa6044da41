from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator
from dataclasses import dataclass
from typing import Any

import numpy as np
import pytest

from pipeline.ports import EngineError
from pipeline.providers.scripted.speaking import ScriptedSynthesizer
from pipeline.speaking.making import Clip, Translation, make_clip
from pipeline.types import NEUTRAL_STYLE, Clause, Line, Pcm, SpeakerMatch, Word


@dataclass
class Failing(ScriptedSynthesizer):
    """Breaks ``times`` times: at the request, at the first block or after it."""

    times: int = 1
    where: str = "request"
    recoverable: bool = True
    asked: int = 0

    def _break(self, where: str) -> None:
        if self.where == where and self.asked <= self.times:
            raise EngineError("engine_stopped", "the script says so", recoverable=self.recoverable)

    async def synthesize(self, request: Any) -> Any:
        self.asked += 1
        self._break("request")
        return Broken(self, await super().synthesize(request))


class Broken:
    def __init__(self, engine: Failing, speech: Any) -> None:
        self._engine, self._speech = engine, speech
        self.sample_rate_hz, self.expected_s = speech.sample_rate_hz, speech.expected_s
        self.rate = speech.rate

    async def __aiter__(self) -> AsyncIterator[Pcm]:
        self._engine._break("first")
        async for block in self._speech:
            yield block
            self._engine._break("later")

    async def aclose(self) -> None:
        await self._speech.aclose()


async def made(synthesizer: ScriptedSynthesizer) -> Clip:
    translation: asyncio.Future[Translation] = asyncio.get_running_loop().create_future()
    translation.set_result(Translation("hola a todos", 5.0))
    line = Line(
        sequence=0,
        clause=Clause(0, (Word("hello", 0.0, 1.0),), ends_utterance=True),
        source_language="en",
        target_language="es",
        source_text="hello",
        speaker=SpeakerMatch("S1", 0.9),
        voice=synthesizer.stock[0],
        style=NEUTRAL_STYLE,
    )
    return await make_clip(synthesizer, line, translation, 1.0, lambda: 1.0)


@pytest.mark.parametrize("where", ["request", "first"])
async def test_an_engine_that_fails_before_the_first_block_is_asked_again(where: str) -> None:
    synthesizer = Failing(where=where)
    clip = await made(synthesizer)
    assert clip.failure is None
    assert clip.first is not None
    assert synthesizer.asked == 2
    await clip.aclose()
    assert synthesizer.open_streams == 0


@pytest.mark.parametrize("where", ["request", "first"])
async def test_it_is_asked_only_once_more(where: str) -> None:
    synthesizer = Failing(where=where, times=9)
    clip = await made(synthesizer)
    assert clip.failure is not None
    assert clip.failure.code == "engine_stopped"
    assert clip.text == "hola a todos"
    assert synthesizer.asked == 2
    assert synthesizer.open_streams == 0


async def test_what_cannot_succeed_is_not_asked_again() -> None:
    synthesizer = Failing(recoverable=False)
    assert (await made(synthesizer)).failure is not None
    assert synthesizer.asked == 1


async def test_sound_that_breaks_off_later_is_not_begun_again() -> None:
    synthesizer = Failing(where="later")
    clip = await made(synthesizer)
    assert clip.blocks is not None
    with pytest.raises(EngineError):
        await anext(clip.blocks)
    assert synthesizer.asked == 1
    await clip.aclose()


@pytest.mark.parametrize("where", ["request", "first"])
async def test_an_engine_that_never_answers_costs_one_line(
    where: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("pipeline.speaking.making.FIRST_SOUND_S", 0.05)
    synthesizer = Deaf(where=where)
    clip = await made(synthesizer)
    assert clip.failure is not None
    assert clip.failure.code == "engine_timeout"
    assert clip.text == "hola a todos"
    assert synthesizer.asked == 1
    assert synthesizer.open_streams == 0


class Deaf(Failing):
    """Answers nothing where ``Failing`` breaks."""

    async def synthesize(self, request: Any) -> Any:
        self.asked += 1
        if self.where == "request":
            await asyncio.Event().wait()
        return Silent(self, await ScriptedSynthesizer.synthesize(self, request))


class Silent(Broken):
    async def __aiter__(self) -> AsyncIterator[Pcm]:
        await asyncio.Event().wait()
        yield np.zeros(0, np.int16)
