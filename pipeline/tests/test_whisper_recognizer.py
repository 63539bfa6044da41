"""The Whisper recogniser with its real processes, on a model with made-up weights."""

from __future__ import annotations

import asyncio
import os
import shutil
import signal
import socket
import subprocess
import sys
from collections.abc import AsyncIterator, Iterator
from itertools import pairwise
from pathlib import Path

import numpy as np
import pytest
import pytest_asyncio

import pipeline
from pipeline.hearing.recognition import Recognition
from pipeline.ports import EngineError, RecognitionOptions
from pipeline.providers.catalogue import PROVIDERS
from pipeline.providers.process_stream import ProcessStream
from pipeline.providers.scripted.sounds import silence, tone
from pipeline.providers.settings import EngineSettings
from pipeline.providers.whisper import engines, model_files
from pipeline.providers.whisper.recognizer import WhisperRecognizer
from pipeline.tests.waiting import until
from pipeline.tests.whisper_model import FAVOURITE, SECOND, make_whisper_model
from pipeline.types import SAMPLE_RATE_HZ, Hypothesis, Pcm, SpeechPiece

PIECE = 1600
GUARD_S = 60.0


@pytest.fixture(scope="module")
def model(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return make_whisper_model(tmp_path_factory.mktemp("whisper") / "tiny")


@pytest_asyncio.fixture
async def recognizer(model: Path) -> AsyncIterator[WhisperRecognizer]:
    made = WhisperRecognizer(str(model), streams_max=3)
    yield made
    await made.aclose()


def speech(seconds: float, *, seed: int = 0) -> Pcm:
    """Noise with the rhythm of syllables over a tone."""
    random = np.random.default_rng(seed)
    time_s = np.arange(round(seconds * SAMPLE_RATE_HZ)) / SAMPLE_RATE_HZ
    loudness = 0.6 + 0.4 * np.sin(2 * np.pi * 4 * time_s + seed)
    noise = random.normal(0, 1500, len(time_s))
    return (
        ((tone(seconds, 120 + 20 * seed) + noise) * loudness).clip(-32768, 32767).astype(np.int16)
    )


def pieces(pcm: Pcm, utterance: int, start: int) -> list[SpeechPiece]:
    parts = [
        SpeechPiece(utterance, start + at, pcm[at : at + PIECE]) for at in range(0, len(pcm), PIECE)
    ]
    end = start + len(pcm)
    return [*parts, SpeechPiece(utterance, end, np.zeros(0, np.int16), True, end)]


def utterances(count: int, seconds: float, *, first_s: float = 100.0) -> list[SpeechPiece]:
    spoken: list[SpeechPiece] = []
    at = round(first_s * SAMPLE_RATE_HZ)
    for number in range(count):
        spoken += pieces(speech(seconds, seed=number), number, at)
        at = spoken[-1].end + SAMPLE_RATE_HZ // 2
    return spoken


async def opened(recognizer: WhisperRecognizer, *languages: str) -> ProcessStream:
    stream = await recognizer.open(RecognitionOptions(languages=languages))
    assert isinstance(stream, ProcessStream)
    return stream


async def heard(
    stream: ProcessStream, spoken: list[SpeechPiece], *, pace_s: float = 0.0
) -> list[Hypothesis]:
    async def speak() -> None:
        for piece in spoken:
            await stream.push(piece)
            await asyncio.sleep(pace_s)
        await stream.finish()

    speaking = asyncio.create_task(speak())
    try:
        async with asyncio.timeout(GUARD_S):
            return [hypothesis async for hypothesis in stream]
    finally:
        speaking.cancel()
        await asyncio.gather(speaking, return_exceptions=True)


def finals(told: list[Hypothesis]) -> list[Hypothesis]:
    return [hypothesis for hypothesis in told if hypothesis.is_final]


def gone(pid: int) -> bool:
    try:
        os.kill(pid, 0)
    except ProcessLookupError:
        return True
    return False


async def test_every_utterance_has_one_final_and_its_words_never_move(
    recognizer: WhisperRecognizer,
) -> None:
    spoken = utterances(3, 2.4)
    told = await heard(await opened(recognizer, "en"), spoken, pace_s=0.02)
    assert [final.utterance for final in finals(told)] == [0, 1, 2]
    # What was said before becomes a prompt, after which this model may have nothing to say.
    assert sum(bool(final.words) for final in finals(told)) >= 2
    assert any(not hypothesis.is_final and hypothesis.words for hypothesis in told)
    positions = [(hypothesis.utterance, hypothesis.decoded_s) for hypothesis in told]
    assert positions == sorted(positions)
    assert {hypothesis.language for hypothesis in told} == {"en"}
    for number in range(3):
        source = [piece for piece in spoken if piece.utterance == number]
        moving = [hypothesis for hypothesis in told if hypothesis.utterance == number]
        for hypothesis in moving:
            times = [time for word in hypothesis.words for time in (word.start_s, word.end_s)]
            assert times == sorted(times)
            assert all(word.end_s > word.start_s for word in hypothesis.words)
            assert all(time >= source[0].start / SAMPLE_RATE_HZ for time in times)
            assert all(time <= source[-1].end / SAMPLE_RATE_HZ + 0.2 for time in times)
        for before, after in pairwise(moving):
            for old, new in zip(before.words, after.words, strict=False):
                if old.text != new.text:
                    break
                assert (old.start_s, old.end_s) == (new.start_s, new.end_s)


async def test_the_language_is_found_among_the_candidates(recognizer: WhisperRecognizer) -> None:
    any_language = await heard(await opened(recognizer), utterances(1, 2.0), pace_s=0.01)
    assert {hypothesis.language for hypothesis in any_language} == {FAVOURITE}
    few = await heard(await opened(recognizer, "de", SECOND), utterances(1, 2.0), pace_s=0.01)
    assert {hypothesis.language for hypothesis in few} == {SECOND}
    assert recognizer.finds_any
    assert recognizer.candidates_max > 50
    assert recognizer.punctuates


async def test_silence_gives_an_empty_final(recognizer: WhisperRecognizer) -> None:
    stream = await opened(recognizer, "en", "es")
    nothing = SpeechPiece(1, 5 * SAMPLE_RATE_HZ, np.zeros(0, np.int16), True, 5 * SAMPLE_RATE_HZ)
    told = await heard(stream, [*pieces(silence(2.0), 0, 0), nothing])
    assert [(final.utterance, final.words) for final in finals(told)] == [(0, ()), (1, ())]


async def test_streams_share_a_process_and_leave_it_one_by_one(
    recognizer: WhisperRecognizer,
) -> None:
    one, other = await opened(recognizer, "en"), await opened(recognizer, "de")
    assert one.pid == other.pid
    first, second = await asyncio.gather(
        heard(one, utterances(2, 1.5)), heard(other, utterances(2, 1.0))
    )
    assert [final.utterance for final in finals(first)] == [0, 1]
    assert [final.utterance for final in finals(second)] == [0, 1]
    assert {hypothesis.language for hypothesis in second} == {"de"}
    await one.aclose()
    await one.aclose()
    third = await opened(recognizer, "en")
    assert third.pid == other.pid
    assert finals(await heard(third, utterances(1, 1.0)))


async def test_more_streams_than_allowed_are_refused(recognizer: WhisperRecognizer) -> None:
    streams = [await opened(recognizer, "en") for _ in range(3)]
    with pytest.raises(EngineError, match="All 3") as refusal:
        await opened(recognizer, "en")
    assert (refusal.value.code, refusal.value.recoverable) == ("recognizer_busy", True)
    await recognizer.connect()
    await streams[0].aclose()
    await opened(recognizer, "en")


async def test_a_full_process_is_helped_by_another_as_far_as_is_allowed(
    model: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("pipeline.providers.whisper.process.STREAMS_MAX", 1)
    recognizer = WhisperRecognizer(str(model), streams_max=9, processes_max=2)
    streams = await asyncio.gather(opened(recognizer, "en"), opened(recognizer, "en"))
    assert streams[0].pid != streams[1].pid
    with pytest.raises(EngineError, match="All 2"):
        await opened(recognizer, "en")
    await recognizer.aclose()
    assert all(gone(stream.pid) for stream in streams)


async def test_a_killed_process_fails_its_streams_and_recognition_goes_on(
    recognizer: WhisperRecognizer,
) -> None:
    other = await opened(recognizer, "en")
    restarted: list[int] = []
    recognition = Recognition(
        recognizer, RecognitionOptions(languages=("en",)), lambda: restarted.append(1)
    )
    await recognition.open()
    spoken = utterances(3, 1.5)
    middle = len(spoken) // 2
    for piece in spoken[:middle]:
        await recognition.push(piece)
    told: list[Hypothesis] = []
    async with asyncio.timeout(GUARD_S):
        async for hypothesis in recognition.hypotheses():
            told.append(hypothesis)
            if hypothesis.is_final and hypothesis.utterance == 0:
                os.kill(other.pid, signal.SIGKILL)
                for piece in spoken[middle:]:
                    await recognition.push(piece)
                recognition.finish()
    assert [final.utterance for final in finals(told)] == [0, 1, 2]
    assert restarted == [1]
    with pytest.raises(EngineError) as failure:
        await heard(other, [])
    assert (failure.value.code, failure.value.recoverable) == ("engine_stopped", True)


async def test_a_process_that_hangs_is_killed(
    recognizer: WhisperRecognizer, monkeypatch: pytest.MonkeyPatch
) -> None:
    stream = await opened(recognizer, "en")
    with monkeypatch.context() as patched:
        patched.setattr("pipeline.providers.process_stream.STALL_S", 0.4)
        os.kill(stream.pid, signal.SIGSTOP)
        await stream.push(SpeechPiece(0, 0, speech(1.0)))
        with pytest.raises(EngineError, match="hangs"):
            await heard(stream, [])
    # It has gone when its transport has been told.
    await asyncio.wait_for(recognizer._processes[0]._running, GUARD_S)
    assert gone(stream.pid)
    assert finals(await heard(await opened(recognizer, "en"), utterances(1, 1.0)))


async def test_audio_waits_when_the_process_is_far_behind(
    recognizer: WhisperRecognizer, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("pipeline.providers.process_stream.BACKLOG_MAX_S", 3.0)
    stream = await opened(recognizer, "en")
    os.kill(stream.pid, signal.SIGSTOP)
    hearing = asyncio.create_task(heard(stream, utterances(4, 2.0)))
    await until(lambda: stream.waiting_s > 2.5)
    assert stream.waiting_s <= 3.0
    os.kill(stream.pid, signal.SIGCONT)
    assert [final.utterance for final in finals(await hearing)] == [0, 1, 2, 3]


async def test_audio_in_a_rush_is_decoded_less_often(recognizer: WhisperRecognizer) -> None:
    told = await heard(await opened(recognizer, "en"), utterances(1, 15.0))
    assert len(finals(told)) == 1
    assert len(told) < 15


async def test_a_process_whose_pipe_closes_leaves(recognizer: WhisperRecognizer) -> None:
    stream = await opened(recognizer, "en")
    worker = recognizer._processes[0]._worker
    assert worker is not None
    assert worker._process.stdin is not None
    worker._process.stdin.close()
    await asyncio.wait_for(worker._process.wait(), 10)
    with pytest.raises(EngineError, match="stopped"):
        await heard(stream, utterances(1, 1.0))


async def test_closing_leaves_no_process_behind(model: Path) -> None:
    recognizer = WhisperRecognizer(str(model), streams_max=2)
    stream = await opened(recognizer, "en")
    await recognizer.aclose()
    await recognizer.aclose()
    assert gone(stream.pid)
    with pytest.raises(EngineError, match="shut down"):
        await opened(recognizer, "en")
    assert [hypothesis async for hypothesis in stream] == []
    hasty = WhisperRecognizer(str(model), streams_max=2)
    opening = asyncio.create_task(hasty.connect())
    await asyncio.sleep(0)
    await hasty.aclose()
    with pytest.raises(EngineError, match="stopped"):
        await opening


async def test_languages_that_whisper_does_not_know_are_refused(
    recognizer: WhisperRecognizer,
) -> None:
    with pytest.raises(EngineError, match="xx") as refusal:
        await opened(recognizer, "xx")
    assert (refusal.value.code, refusal.value.recoverable) == ("language_unsupported", False)


# --- What the operator has to provide ---------------------------------------------------


def settings(model: str) -> EngineSettings:
    return EngineSettings(models=Path("/nowhere"), whisper_model=model)


@pytest.mark.parametrize(
    ("named", "code", "says"),
    [
        ("", "model_missing", "WHISPER_MODEL"),
        ("/nowhere/whisper", "model_missing", "/nowhere/whisper"),
    ],
)
def test_a_model_that_is_not_there_is_told_at_once(named: str, code: str, says: str) -> None:
    with pytest.raises(EngineError, match=says) as refusal:
        engines.recognizer(settings(named))
    assert (refusal.value.code, refusal.value.recoverable) == (code, False)


def test_a_folder_without_a_model_is_told(tmp_path: Path) -> None:
    (tmp_path / "model.bin").touch()
    with pytest.raises(EngineError, match=r"config\.json, tokenizer\.json") as refusal:
        engines.recognizer(settings(str(tmp_path)))
    assert refusal.value.code == "model_unusable"


def test_a_missing_package_is_told_with_the_way_to_get_it(
    model: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(model_files, "find_spec", lambda name: None)
    with pytest.raises(EngineError, match=r"pip install -r requirements/whisper\.txt") as refusal:
        engines.recognizer(settings(str(model)))
    assert (refusal.value.code, refusal.value.recoverable) == ("engine_missing", False)


async def test_a_broken_model_is_told(model: Path, tmp_path: Path) -> None:
    broken = shutil.copytree(model, tmp_path / "broken")
    (broken / "model.bin").write_bytes(b"no weights")
    recognizer = WhisperRecognizer(str(broken), streams_max=1)
    for _ in range(2):
        with pytest.raises(EngineError, match="cannot be loaded") as refusal:
            await recognizer.connect()
        assert (refusal.value.code, refusal.value.recoverable) == ("model_unusable", False)
    await recognizer.aclose()


@pytest.fixture
def network(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> Iterator[socket.socket]:
    """An empty cache of models, and a socket to which all requests would go."""
    with socket.create_server(("127.0.0.1", 0)) as listening:
        listening.settimeout(0.1)
        address = f"http://127.0.0.1:{listening.getsockname()[1]}"
        for name in ("HF_ENDPOINT", "HTTP_PROXY", "HTTPS_PROXY", "http_proxy", "https_proxy"):
            monkeypatch.setenv(name, address)
        monkeypatch.setenv("HF_HOME", str(tmp_path / "cache"))
        monkeypatch.delenv("HF_HUB_CACHE", raising=False)
        yield listening


async def test_a_name_is_looked_up_on_this_machine_only(
    model: Path, network: socket.socket, tmp_path: Path
) -> None:
    for name in ("somebody/some-model", "no-such-size"):
        missing = WhisperRecognizer(name, streams_max=1)
        with pytest.raises(EngineError, match=name) as refusal:
            await missing.open(RecognitionOptions(languages=("en",)))
        assert (refusal.value.code, refusal.value.recoverable) == ("model_missing", False)
        await missing.aclose()
    cached = tmp_path / "cache" / "hub" / "models--Systran--faster-whisper-small"
    (cached / "refs").mkdir(parents=True)
    (cached / "refs" / "main").write_text("0" * 40)
    shutil.copytree(model, cached / "snapshots" / ("0" * 40))
    there = WhisperRecognizer("small", streams_max=1)
    await there.connect()
    await there.aclose()
    with pytest.raises(TimeoutError):
        network.accept()


NOTHING_LOADED = """
import sys
from pathlib import Path
from pipeline.providers.catalogue import PROVIDERS
from pipeline.providers.settings import EngineSettings
from importlib import import_module
module = import_module(PROVIDERS["whisper"].module)
module.recognizer(EngineSettings(models=Path(), whisper_model=sys.argv[1]))
loaded = {"faster_whisper", "ctranslate2", "tokenizers", "huggingface_hub", "av"} & set(sys.modules)
sys.exit(f"the server would load {sorted(loaded)}" if loaded else 0)
"""


def test_the_server_itself_never_loads_the_library(model: Path) -> None:
    assert "whisper" in PROVIDERS
    done = subprocess.run(
        [sys.executable, "-c", NOTHING_LOADED, str(model)],
        cwd=Path(pipeline.__file__).resolve().parent.parent,
        capture_output=True,
        text=True,
        timeout=60,
    )
    assert done.returncode == 0, done.stderr
