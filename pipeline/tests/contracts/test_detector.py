"""What every voice activity detector keeps to."""

from __future__ import annotations

import asyncio
from operator import attrgetter
from pathlib import Path

import numpy as np
import pytest
import soundfile

from pipeline.ports import SpeechDetector, SpeechDetectorStream
from pipeline.providers.scripted.sounds import silence
from pipeline.tests.contracts.checking import within
from pipeline.tests.contracts.detectors import SUBJECTS, Subject
from pipeline.types import SAMPLE_RATE_HZ, Pcm


@pytest.fixture(params=SUBJECTS, ids=attrgetter("name"))
def detector(request: pytest.FixtureRequest) -> SpeechDetector:
    subject: Subject = request.param
    return subject.made()


@pytest.fixture
def sentence(speech_data: Path) -> Pcm:
    pcm, rate = soundfile.read(speech_data / "en/harvard_spk1_snt5.wav", dtype="int16")
    assert rate == SAMPLE_RATE_HZ
    return np.asarray(pcm)


async def told(stream: SpeechDetectorStream, pcm: Pcm, step: int) -> list[float]:
    found: list[float] = []
    for at in range(0, len(pcm), step):
        found += await stream.push(pcm[at : at + step])
    return found


@within(20)
async def test_every_completed_frame_has_a_probability(
    detector: SpeechDetector, sentence: Pcm
) -> None:
    stream = detector.open()
    frame = stream.frame_samples
    assert frame > 0
    assert list(await stream.push(sentence[: frame - 1])) == []
    assert len(await stream.push(sentence[frame - 1 : frame])) == 1
    assert len(await stream.push(sentence[frame : 4 * frame + 7])) == 3
    assert list(await stream.push(sentence[:0])) == []
    found = await told(detector.open(), sentence, 1_000)
    assert len(found) == len(sentence) // frame
    assert all(0.0 <= probability <= 1.0 for probability in found)


@within(20)
async def test_how_audio_is_cut_changes_nothing(detector: SpeechDetector, sentence: Pcm) -> None:
    whole = await told(detector.open(), sentence, len(sentence))
    for step in (160, 1_024, 3_333):
        assert await told(detector.open(), sentence, step) == pytest.approx(whole, abs=1e-4)


@within(20)
async def test_speech_is_told_from_silence(detector: SpeechDetector, sentence: Pcm) -> None:
    loud = np.abs(sentence.astype(int)) > np.abs(sentence.astype(int)).max() / 4
    begin, end = (int(place) for place in np.flatnonzero(loud)[[0, -1]])
    spoken = await told(detector.open(), sentence[begin:end], 1_024)
    assert np.mean(np.array(spoken) > 0.5) > 0.6
    assert max(await told(detector.open(), silence(2.0), 1_024)) < 0.3


@within(20)
async def test_streams_at_once_do_not_mix(detector: SpeechDetector, sentence: Pcm) -> None:
    other = np.concatenate([silence(0.7), sentence[::-1]])
    alone = [await told(detector.open(), pcm, 1_024) for pcm in (sentence, other)]
    together = await asyncio.gather(
        *(told(detector.open(), pcm, 1_024) for pcm in (sentence, other))
    )
    for one, same in zip(alone, together, strict=True):
        assert same == pytest.approx(one, abs=1e-4)
