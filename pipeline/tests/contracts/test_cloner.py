"""What every voice cloner keeps to."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator
from dataclasses import fields
from operator import attrgetter

import numpy as np
import pytest
import pytest_asyncio

from pipeline.ports import EngineError, SpeechRequest, Synthesizer
from pipeline.providers.offline.loudness import active_level_db
from pipeline.providers.scripted.sounds import silence
from pipeline.tests.contracts.checking import CONNECT_S, nothing_left, plain, within
from pipeline.tests.contracts.cloners import SUBJECTS, Ready, Subject, person
from pipeline.types import SAMPLE_RATE_HZ, Pcm, Voice

pytestmark = pytest.mark.asyncio(loop_scope="module")

TEXT = "Esta es una frase que se dice."


@pytest.fixture(scope="module", params=SUBJECTS, ids=attrgetter("name"))
def subject(request: pytest.FixtureRequest) -> Subject:
    found: Subject = request.param
    return found


@pytest_asyncio.fixture(scope="module", loop_scope="module")
async def ready(subject: Subject) -> AsyncIterator[Ready]:
    async with subject.connected() as ready:
        yield ready


@pytest_asyncio.fixture(scope="module", loop_scope="module")
async def sample(subject: Subject, ready: Ready) -> Pcm:
    async with asyncio.timeout(CONNECT_S):
        return await person(subject, ready.cloner.needs_s)


async def spoken(engine: Synthesizer, voice: Voice) -> Pcm:
    stream = await engine.synthesize(SpeechRequest(TEXT, "es", voice))
    try:
        return np.concatenate([block async for block in stream])
    finally:
        await stream.aclose()


def base_of(ready: Ready) -> Voice:
    return ready.synthesizer.voices("es")[0]


@within(30)
async def test_it_says_how_much_speech_it_wants(ready: Ready) -> None:
    assert 0.5 <= ready.cloner.needs_s <= ready.cloner.enough_s <= 60.0


@within(60)
async def test_a_clone_speaks_and_its_base_is_untouched(ready: Ready, sample: Pcm) -> None:
    base = base_of(ready)
    before = [getattr(base, field.name) for field in fields(base)]
    clone = await ready.cloner.clone(sample, base)
    assert clone.engine == base.engine == ready.synthesizer.name
    assert clone.profile is not None
    assert not clone.languages or "es" in clone.languages
    pcm = await spoken(ready.synthesizer, clone)
    assert len(pcm) > 0.5 * SAMPLE_RATE_HZ
    assert active_level_db(pcm) > -32.0
    assert [getattr(base, field.name) for field in fields(base)] == before
    assert base.profile is None
    assert len(await spoken(ready.synthesizer, base)) > 0.5 * SAMPLE_RATE_HZ
    await ready.cloner.forget(clone)


@within(60)
async def test_a_clone_can_be_made_again_from_more(
    ready: Ready, subject: Subject, sample: Pcm
) -> None:
    base = base_of(ready)
    first = await ready.cloner.clone(sample, base)
    more = await person(subject, min(ready.cloner.enough_s, ready.cloner.needs_s + 2.0))
    second = await ready.cloner.clone(more, base)
    await ready.cloner.forget(first)
    assert len(await spoken(ready.synthesizer, second)) > 0
    await ready.cloner.forget(second)


def _noise(seconds: float) -> Pcm:
    samples = np.random.default_rng(1).normal(0, 3_000, round(seconds * SAMPLE_RATE_HZ))
    return samples.astype(np.int16)


@within(30)
@pytest.mark.parametrize("kind", ["nothing", "too short", "silence", "noise"])
async def test_what_is_no_speech_is_refused(ready: Ready, sample: Pcm, kind: str) -> None:
    enough_s = ready.cloner.needs_s
    unusable = {
        "nothing": sample[:0],
        "too short": sample[: len(sample) // 6],
        "silence": silence(enough_s),
        "noise": _noise(enough_s),
    }
    with pytest.raises(EngineError) as refused:
        await ready.cloner.clone(unusable[kind], base_of(ready))
    assert refused.value.code == "speech_unusable"
    plain(refused.value)


@within(30)
async def test_forgetting_twice_or_what_was_not_cloned_is_nothing(
    ready: Ready, sample: Pcm
) -> None:
    clone = await ready.cloner.clone(sample, base_of(ready))
    await ready.cloner.forget(clone)
    await ready.cloner.forget(clone)
    await ready.cloner.forget(base_of(ready))
    assert len(await spoken(ready.synthesizer, base_of(ready))) > 0


@within(60)
async def test_a_cancelled_clone_leaves_the_cloner_usable(ready: Ready, sample: Pcm) -> None:
    async with nothing_left():
        cloning = asyncio.create_task(ready.cloner.clone(sample, base_of(ready)))
        await asyncio.sleep(0.005)
        cloning.cancel()
        await asyncio.gather(cloning, return_exceptions=True)
    clone = await ready.cloner.clone(sample, base_of(ready))
    await ready.cloner.forget(clone)


@within(60)
async def test_closing_is_idempotent(subject: Subject, sample: Pcm) -> None:
    async with nothing_left(), subject.connected() as ready:
        await ready.cloner.clone(sample, base_of(ready))
        await ready.cloner.aclose()
        await ready.cloner.aclose()
