"""The offline recogniser with its real processes, on real speech."""

from __future__ import annotations

import asyncio
import os
import signal
from collections.abc import AsyncIterator
from pathlib import Path

import numpy as np
import pytest
import pytest_asyncio
import soundfile

from pipeline.ports import EngineError, RecognitionOptions
from pipeline.providers.offline.recognizer import PocketSphinxRecognizer
from pipeline.providers.process_stream import ProcessStream
from pipeline.types import SAMPLE_RATE_HZ, Hypothesis, SpeechPiece

PIECE = 1600
GUARD_S = 120.0


@pytest_asyncio.fixture
async def recognizer() -> AsyncIterator[PocketSphinxRecognizer]:
    made = PocketSphinxRecognizer(streams_max=2)
    yield made
    await made.aclose()


def pieces(path: Path, utterance: int, start: int) -> list[SpeechPiece]:
    pcm, rate = soundfile.read(path, dtype="int16")
    assert rate == SAMPLE_RATE_HZ
    parts = [
        SpeechPiece(utterance, start + at, pcm[at : at + PIECE]) for at in range(0, len(pcm), PIECE)
    ]
    end = start + len(pcm)
    return [*parts, SpeechPiece(utterance, end, np.zeros(0, np.int16), True, end)]


async def opened(recognizer: PocketSphinxRecognizer) -> ProcessStream:
    stream = await recognizer.open(RecognitionOptions(languages=("en",)))
    assert isinstance(stream, ProcessStream)
    return stream


async def collect(stream: ProcessStream) -> list[Hypothesis]:
    async with asyncio.timeout(GUARD_S):
        return [hypothesis async for hypothesis in stream]


async def test_words_come_with_media_times_and_one_final_per_utterance(
    recognizer: PocketSphinxRecognizer, speech_data: Path
) -> None:
    stream = await opened(recognizer)
    offset = 100 * SAMPLE_RATE_HZ
    first = pieces(speech_data / "en/harvard_spk1_snt5.wav", 0, offset)
    second = pieces(speech_data / "en/leopard_en.wav", 1, first[-1].end + SAMPLE_RATE_HZ)

    async def speak() -> None:
        for piece in [*first, *second]:
            await stream.push(piece)
            await asyncio.sleep(0.02)
        await stream.finish()

    speaking = asyncio.create_task(speak())
    heard = await collect(stream)
    await speaking

    finals = [hypothesis for hypothesis in heard if hypothesis.is_final]
    assert [final.utterance for final in finals] == [0, 1]
    assert [word.text for word in finals[0].words][-3:] == ["of", "the", "week"]
    assert "middle classes" in " ".join(word.text for word in finals[1].words)
    for final, source in zip(finals, (first, second), strict=True):
        times = [time for word in final.words for time in (word.start_s, word.end_s)]
        assert times == sorted(times)
        assert times[0] >= source[0].start / SAMPLE_RATE_HZ
        assert times[-1] <= source[-1].end / SAMPLE_RATE_HZ + 0.05
        assert all(word.text == word.text.lower() and "(" not in word.text for word in final.words)
    assert any(not hypothesis.is_final and hypothesis.words for hypothesis in heard)
    positions = [(hypothesis.utterance, hypothesis.decoded_s) for hypothesis in heard]
    assert positions == sorted(positions)


async def test_noise_gives_a_final_and_the_stream_ends(
    recognizer: PocketSphinxRecognizer,
) -> None:
    stream = await opened(recognizer)
    noise = np.random.default_rng(1).normal(0, 3000, 2 * SAMPLE_RATE_HZ).astype(np.int16)
    await stream.push(SpeechPiece(0, 0, noise, True, len(noise)))
    await stream.finish()
    heard = await collect(stream)
    assert [hypothesis.is_final for hypothesis in heard].count(True) == 1


async def test_an_empty_utterance_gets_an_empty_final(
    recognizer: PocketSphinxRecognizer,
) -> None:
    stream = await opened(recognizer)
    await stream.push(SpeechPiece(0, 0, np.zeros(0, np.int16), True, 0))
    await stream.finish()
    (final,) = await collect(stream)
    assert final.is_final
    assert final.words == ()


async def test_a_killed_process_fails_its_stream_and_frees_its_place(
    recognizer: PocketSphinxRecognizer, speech_data: Path
) -> None:
    stream = await opened(recognizer)
    other = await opened(recognizer)
    os.kill(stream.pid, signal.SIGKILL)
    with pytest.raises(EngineError) as failure:
        await collect(stream)
    assert failure.value.code == "engine_stopped"
    with pytest.raises(EngineError, match="stopped"):
        await stream.push(SpeechPiece(0, 0, np.zeros(PIECE, np.int16)))

    replacement = await opened(recognizer)
    assert replacement.pid not in (stream.pid, other.pid)
    for piece in pieces(speech_data / "en/harvard_spk1_snt5.wav", 0, 0):
        await replacement.push(piece)
    await replacement.finish()
    assert (await collect(replacement))[-1].words


async def test_more_streams_than_allowed_are_refused(
    recognizer: PocketSphinxRecognizer,
) -> None:
    streams = [await opened(recognizer), await opened(recognizer)]
    with pytest.raises(EngineError, match="All 2") as refusal:
        await recognizer.open(RecognitionOptions(languages=("en",)))
    assert refusal.value.code == "recognizer_busy"
    await streams[0].aclose()
    await streams[0].aclose()
    await recognizer.open(RecognitionOptions(languages=("en",)))


async def test_other_languages_are_refused(recognizer: PocketSphinxRecognizer) -> None:
    with pytest.raises(EngineError, match="English") as refusal:
        await recognizer.open(RecognitionOptions(languages=("de",)))
    assert refusal.value.code == "language_unsupported"


async def test_whole_utterances_are_searched_once_and_one_process_does_for_all_streams(
    recognizer: PocketSphinxRecognizer, speech_data: Path
) -> None:
    whole = RecognitionOptions(languages=("en",), whole=True)
    pids, said = [], []
    for name in ("harvard_spk1_snt5", "leopard_en", "harvard_spk1_snt5"):
        stream = await recognizer.open(whole)
        assert isinstance(stream, ProcessStream)
        pids.append(stream.pid)
        for piece in pieces(speech_data / f"en/{name}.wav", 0, 0):
            await stream.push(piece)
        await stream.finish()
        heard = await collect(stream)
        await stream.aclose()
        assert [one.is_final for one in heard] == [True]
        said.append(heard[0].words)
    assert len(set(pids)) == 1
    assert "middle classes" in " ".join(word.text for word in said[1])
    # Nothing of what was heard before counts.
    assert said[0] == said[2]
    assert [word.text for word in said[0]][-3:] == ["of", "the", "week"]

    # One that is closed in the middle of something is not used again.
    stream = await recognizer.open(whole)
    for piece in pieces(speech_data / "en/leopard_en.wav", 0, 0):
        await stream.push(piece)
    await stream.aclose()
    stream = await recognizer.open(whole)
    assert isinstance(stream, ProcessStream)
    assert stream.pid not in pids
    await stream.aclose()


async def test_closing_leaves_no_process_behind() -> None:
    recognizer = PocketSphinxRecognizer(streams_max=2)
    stream = await opened(recognizer)
    await recognizer.connect()
    await recognizer.aclose()
    with pytest.raises(ProcessLookupError):
        os.kill(stream.pid, 0)
    with pytest.raises(EngineError, match="shut down"):
        await recognizer.open(RecognitionOptions(languages=("en",)))
    assert await collect(stream) == []
