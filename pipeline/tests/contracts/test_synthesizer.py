"""What every synthesiser keeps to, from its voices to a clip that nobody wants any more."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncGenerator, AsyncIterator
from dataclasses import replace
from operator import attrgetter
from typing import Any

import numpy as np
import pytest
import pytest_asyncio
import soxr

from pipeline.bounds import CHARACTERS_SPOKEN_MAX
from pipeline.ports import EngineError, SpeechRequest, SpeechStream, Synthesizer
from pipeline.providers.offline.loudness import active_level_db
from pipeline.sound.prosody import measure
from pipeline.tests.contracts.checking import (
    CONNECT_S,
    nothing_left,
    refused_for_good,
    within,
)
from pipeline.tests.contracts.synthesizers import SUBJECTS, Ready, Subject
from pipeline.tests.waiting import until
from pipeline.types import SAMPLE_RATE_HZ, Pcm, Voice

pytestmark = pytest.mark.asyncio(loop_scope="module")

TEXT = "El comité publicará su informe final sobre la reforma el próximo martes."
SHORT = "Esta es una frase."
FREED_S = 2.0
"""Nobody may wait for a place that is not used any more."""


@pytest.fixture(scope="module", params=SUBJECTS, ids=attrgetter("name"))
def subject(request: pytest.FixtureRequest) -> Subject:
    found: Subject = request.param
    return found


@pytest_asyncio.fixture(scope="module", loop_scope="module")
async def ready(subject: Subject) -> AsyncIterator[Ready]:
    async with subject.connected() as ready:
        async with asyncio.timeout(CONNECT_S):
            await ready.engine.prepare(subject.language)
            # The first clip teaches an engine how fast it speaks.
            await said(ready.engine, asked(ready.engine))
        yield ready


@pytest.fixture(scope="module")
def engine(ready: Ready) -> Synthesizer:
    return ready.engine


def asked(engine: Synthesizer, text: str = TEXT, **more: Any) -> SpeechRequest:
    request = SpeechRequest(text, "es", engine.voices("es")[0])
    return replace(request, **more)


async def said(engine: Synthesizer, request: SpeechRequest) -> Pcm:
    return await all_of(await engine.synthesize(request))


async def all_of(stream: SpeechStream) -> Pcm:
    try:
        return np.concatenate([block async for block in stream])
    finally:
        await stream.aclose()


async def lasts_s(engine: Synthesizer, request: SpeechRequest) -> float:
    stream = await engine.synthesize(request)
    return len(await all_of(stream)) / stream.sample_rate_hz


# --- Voices -------------------------------------------------------------------------------


@within(30)
async def test_languages_and_voices_are_listed(engine: Synthesizer, subject: Subject) -> None:
    assert engine.name
    assert subject.language in engine.languages()
    assert all(len(code) == 2 and code.islower() for code in engine.languages())
    for language in sorted(engine.languages()):
        voices = engine.voices(language)
        assert voices, language
        assert len({voice.id for voice in voices}) == len(voices)
        for voice in voices:
            assert voice.engine == engine.name
            assert voice.name
            assert not voice.languages or language in voice.languages
    assert engine.voices("xx") == ()
    assert engine.voices(subject.language) == engine.voices(subject.language)


@within(40)
async def test_voices_of_other_registers_sound_so(engine: Synthesizer, subject: Subject) -> None:
    voices = engine.voices(subject.language)
    low = next(voice for voice in voices if voice.register == "low")
    high = next(voice for voice in voices if voice.register == "high")
    pitches = []
    for voice in (low, high):
        stream = await engine.synthesize(asked(engine, voice=voice))
        pcm = await all_of(stream)
        pcm = soxr.resample(pcm, stream.sample_rate_hz, SAMPLE_RATE_HZ)
        pitches.append(measure(pcm, 0).pitch_hz)
        if voice.pitch_hz:
            assert pitches[-1] == pytest.approx(voice.pitch_hz, rel=0.15)
    assert pitches[1] > 1.2 * pitches[0] > 0


@within(30)
async def test_connecting_preparing_and_warming_again_changes_nothing(
    engine: Synthesizer, subject: Subject
) -> None:
    before = engine.voices(subject.language)
    for _ in range(2):
        await engine.connect()
        await engine.prepare(subject.language)
        await engine.warm(before[0], subject.language)
    assert engine.voices(subject.language) == before


# --- Sound --------------------------------------------------------------------------------


@within(30)
async def test_a_clip_is_audible_and_as_long_as_expected(engine: Synthesizer) -> None:
    request = asked(engine)
    stream = await engine.synthesize(request)
    assert stream.voice == request.voice
    assert 8_000 <= stream.sample_rate_hz <= 48_000
    assert 0.5 < stream.rate < 2.0
    expected_s, blocks = 0.0, []
    async for block in stream:
        assert block.dtype == np.int16
        assert block.ndim == 1
        assert len(block) > 0
        expected_s = expected_s or stream.expected_s
        blocks.append(block)
    await stream.aclose()
    pcm = np.concatenate(blocks)
    length_s = len(pcm) / stream.sample_rate_hz
    assert 1.5 < length_s < 12.0
    assert expected_s == pytest.approx(length_s, rel=0.4)
    assert stream.expected_s == pytest.approx(length_s, rel=0.4)
    assert active_level_db(pcm) > -32.0
    assert np.abs(pcm.astype(int)).max() < 32_767


@within(30)
async def test_a_longer_text_lasts_longer(engine: Synthesizer) -> None:
    assert await lasts_s(engine, asked(engine)) > 1.5 * await lasts_s(engine, asked(engine, SHORT))


@within(40)
async def test_a_clip_is_fitted_within_what_the_engine_can(engine: Synthesizer) -> None:
    natural_s = await lasts_s(engine, asked(engine))
    stream = await engine.synthesize(asked(engine, fit_s=0.87 * natural_s))
    fitted_s = len(await all_of(stream)) / stream.sample_rate_hz
    assert stream.rate > 1.0
    assert fitted_s == pytest.approx(0.87 * natural_s, rel=0.08)
    # However short the slot is, nobody is made to gabble.
    hurried_s = await lasts_s(engine, asked(engine, fit_s=0.2 * natural_s))
    assert 0.6 * natural_s < hurried_s < fitted_s
    drawn_s = await lasts_s(engine, asked(engine, fit_s=5 * natural_s))
    assert 0.9 * natural_s < drawn_s < 1.5 * natural_s


@within(40)
async def test_tempo_changes_the_length(engine: Synthesizer) -> None:
    natural_s = await lasts_s(engine, asked(engine))
    quick_s = await lasts_s(engine, asked(engine, tempo=1.15))
    slow_s = await lasts_s(engine, asked(engine, tempo=0.87))
    assert quick_s == pytest.approx(natural_s / 1.15, rel=0.08)
    assert slow_s == pytest.approx(natural_s / 0.87, rel=0.08)


@within(60)
async def test_many_at_once_get_their_own(engine: Synthesizer) -> None:
    texts = [" ".join(["palabra"] * (2 * number)) + "." for number in range(1, 9)]
    lengths_s = await asyncio.gather(*(lasts_s(engine, asked(engine, text)) for text in texts))
    assert list(lengths_s) == sorted(lengths_s)
    alone_s = [await lasts_s(engine, asked(engine, texts[number])) for number in (0, 7)]
    assert [lengths_s[0], lengths_s[7]] == pytest.approx(alone_s, rel=0.1)


# --- Refusals -----------------------------------------------------------------------------


@within(30)
@pytest.mark.parametrize("text", ["", "   ", "…", "!?"])
async def test_text_with_nothing_to_say_is_refused(engine: Synthesizer, text: str) -> None:
    with pytest.raises(EngineError) as refused:
        await said(engine, asked(engine, text))
    refused_for_good(refused.value, {"nothing_to_speak"})


@within(30)
async def test_a_text_that_is_too_long_is_refused(engine: Synthesizer) -> None:
    with pytest.raises(EngineError) as refused:
        await said(engine, asked(engine, "a" * (CHARACTERS_SPOKEN_MAX + 1)))
    refused_for_good(refused.value, {"text_too_long"})


@within(30)
async def test_strangers_languages_and_voices_are_refused(engine: Synthesizer) -> None:
    with pytest.raises(EngineError) as refused:
        await said(engine, asked(engine, language="xx"))
    refused_for_good(refused.value, {"language_unsupported"})
    stranger = Voice("nobody:es:1", "nobody", "Nobody's", ())
    with pytest.raises(EngineError) as refused:
        await said(engine, asked(engine, voice=stranger))
    refused_for_good(refused.value, {"voice_unknown"})


# --- Ends ---------------------------------------------------------------------------------


@within(60)
async def test_closing_a_clip_at_any_time_frees_what_it_took(ready: Ready) -> None:
    engine = ready.engine
    async with nothing_left():
        # More than any vendor's plan has places.
        for read in (0, 1, 999) * 5:
            stream = await engine.synthesize(asked(engine))
            blocks = aiter(stream)
            for _ in range(read):
                if await anext(blocks, None) is None:
                    break
            await stream.aclose()
            await stream.aclose()
            assert await anext(blocks, None) is None, "told after its close"
            if isinstance(blocks, AsyncGenerator):
                await blocks.aclose()
        await until(lambda: ready.taken() == 0, FREED_S)
    assert await lasts_s(engine, asked(engine)) > 1.0


@within(60)
async def test_whoever_gives_up_waiting_leaves_nothing(ready: Ready) -> None:
    engine = ready.engine
    async with nothing_left():
        for after_s in (0.0, 0.002, 0.01, 0.03) * 3:
            waiting = asyncio.create_task(first_block(engine))
            await asyncio.sleep(after_s)
            waiting.cancel()
            (result,) = await asyncio.gather(waiting, return_exceptions=True)
            assert isinstance(result, asyncio.CancelledError | np.ndarray), repr(result)
        await until(lambda: ready.taken() == 0, FREED_S)
    assert await lasts_s(engine, asked(engine)) > 1.0


async def first_block(engine: Synthesizer) -> Pcm | None:
    stream = await engine.synthesize(asked(engine))
    blocks = aiter(stream)
    try:
        return await anext(blocks, None)
    finally:
        await stream.aclose()
        if isinstance(blocks, AsyncGenerator):
            await blocks.aclose()


@within(60)
async def test_an_engine_closes_with_a_clip_in_the_making(subject: Subject) -> None:
    async with nothing_left(), subject.connected() as ready:
        engine = ready.engine
        stream = await engine.synthesize(asked(engine))
        making = asyncio.create_task(all_of(stream))
        await asyncio.sleep(0.005)
        await engine.aclose()
        await engine.aclose()
        (made,) = await asyncio.gather(making, return_exceptions=True)
        assert isinstance(made, np.ndarray | EngineError | ValueError), repr(made)
