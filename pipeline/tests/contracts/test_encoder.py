"""What every speaker encoder keeps to."""

from __future__ import annotations

import asyncio
from operator import attrgetter
from pathlib import Path

import numpy as np
import pytest
import soundfile

from pipeline.ports import SpeakerEncoder
from pipeline.tests.contracts.checking import within
from pipeline.tests.contracts.encoders import SUBJECTS, PersonSpeech, Subject, tones
from pipeline.types import SAMPLE_RATE_HZ, Pcm

_PEOPLE = ("367-130732", "2033-164914")
"""Whose recordings are read, of LibriSpeech."""


@pytest.fixture(scope="module", params=SUBJECTS, ids=attrgetter("name"))
def subject(request: pytest.FixtureRequest) -> Subject:
    found: Subject = request.param
    return found


@pytest.fixture(scope="module")
def encoder(subject: Subject, tmp_path_factory: pytest.TempPathFactory) -> SpeakerEncoder:
    return subject.made(tmp_path_factory.mktemp("encoder"))


@pytest.fixture(scope="module")
def spoken(subject: Subject, speech_data: Path) -> PersonSpeech:
    if not subject.really:
        return tones

    def recorded(person: int, saying: int) -> Pcm:
        file = speech_data / "librispeech" / f"{_PEOPLE[person]}-{saying + 2:04d}.flac"
        pcm, rate = soundfile.read(file, dtype="int16")
        assert rate == SAMPLE_RATE_HZ
        return np.asarray(pcm[SAMPLE_RATE_HZ : 4 * SAMPLE_RATE_HZ])

    return recorded


@within(20)
async def test_a_voiceprint_is_a_unit_vector_and_repeatable(
    encoder: SpeakerEncoder, spoken: PersonSpeech
) -> None:
    first, second = [await encoder.embed(spoken(0, 0)) for _ in range(2)]
    assert first.shape == (256,)
    assert first.dtype == np.float32
    assert np.linalg.norm(first) == pytest.approx(1.0, abs=1e-4)
    np.testing.assert_allclose(first, second, atol=1e-6)


@within(20)
async def test_people_are_told_apart(encoder: SpeakerEncoder, spoken: PersonSpeech) -> None:
    prints = [[await encoder.embed(spoken(who, n)) for n in range(2)] for who in range(2)]
    alike = min(float(one @ other) for one, other in prints)
    strange = max(float(one @ other) for one in prints[0] for other in prints[1])
    assert alike > strange + 0.05


@within(20)
async def test_too_little_speech_is_refused(encoder: SpeakerEncoder, spoken: PersonSpeech) -> None:
    for seconds in (0.0, 0.39):
        with pytest.raises(ValueError, match="at least"):
            await encoder.embed(spoken(0, 0)[: round(seconds * SAMPLE_RATE_HZ)])
    shortest = await encoder.embed(spoken(0, 0)[: round(0.4 * SAMPLE_RATE_HZ)])
    assert np.isfinite(shortest).all()


@within(20)
async def test_many_at_once_get_their_own(encoder: SpeakerEncoder, spoken: PersonSpeech) -> None:
    sayings = [spoken(who, n) for who in range(2) for n in range(2)]
    alone = [await encoder.embed(pcm) for pcm in sayings]
    together = await asyncio.gather(*(encoder.embed(pcm) for pcm in sayings * 2))
    np.testing.assert_allclose(together, alone * 2, atol=1e-5)
