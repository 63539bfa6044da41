from __future__ import annotations

import asyncio
import io
import pickle
import threading
from pathlib import Path

import numpy as np
import pytest
import soundfile

from pipeline.ports import EngineError
from pipeline.providers.offline import speaker_encoder_export as exporting
from pipeline.providers.offline.speaker_encoder import ResemblyzerEncoder, partial_mels
from pipeline.runtime.beside import beside
from pipeline.types import SAMPLE_RATE_HZ, Pcm


@pytest.fixture(scope="module")
def models(tmp_path_factory: pytest.TempPathFactory) -> Path:
    folder = tmp_path_factory.mktemp("models")
    exporting.export(folder)
    return folder


def hum(seconds: float, hz: float = 120.0) -> Pcm:
    time = np.arange(int(seconds * SAMPLE_RATE_HZ)) / SAMPLE_RATE_HZ
    return (6000 * np.sign(np.sin(2 * np.pi * hz * time))).astype(np.int16)


async def test_a_voiceprint_is_a_unit_vector_and_repeatable(models: Path) -> None:
    encoder = ResemblyzerEncoder.from_folder(models)
    first, second = await encoder.embed(hum(2.0)), await encoder.embed(hum(2.0))
    await encoder.aclose()
    assert first.shape == (256,)
    assert first.dtype == np.float32
    assert np.linalg.norm(first) == pytest.approx(1.0, abs=1e-5)
    assert first.min() >= 0.0
    np.testing.assert_array_equal(first, second)


async def test_a_voiceprint_that_is_urgent_passes_those_that_are_not(
    models: Path,
) -> None:
    encoder = ResemblyzerEncoder.from_folder(models)
    let_go = threading.Event()
    held_up = asyncio.create_task(beside(let_go.wait, 30))
    waiting = asyncio.create_task(encoder.embed(hum(1.0), urgent=False))
    urgent = await encoder.embed(hum(1.0))
    assert not waiting.done()
    let_go.set()
    assert np.array_equal(await waiting, urgent)
    assert await held_up
    await encoder.aclose()


@pytest.mark.parametrize(
    ("pcm", "reason"),
    [
        (np.zeros(0, np.int16), "at least 0.4 s"),
        (hum(0.39), "at least 0.4 s"),
        (np.zeros(SAMPLE_RATE_HZ, np.int16), "not silence"),
    ],
)
async def test_audio_without_a_voice_is_refused(models: Path, pcm: Pcm, reason: str) -> None:
    encoder = ResemblyzerEncoder.from_folder(models)
    with pytest.raises(ValueError, match=reason):
        await encoder.embed(pcm)
    await encoder.aclose()


async def test_very_long_audio_costs_no_more_than_half_a_minute(models: Path) -> None:
    encoder = ResemblyzerEncoder.from_folder(models)
    long, bounded = await encoder.embed(hum(33.0)), await encoder.embed(hum(30.0))
    await encoder.aclose()
    np.testing.assert_array_equal(long, bounded)


def test_partials_cover_the_audio_in_overlapping_windows() -> None:
    wav = hum(4.0).astype(np.float32) / np.float32(32_768)
    mels = partial_mels(wav)
    assert mels.shape == (4, 160, 40)
    np.testing.assert_array_equal(mels[0][77:], mels[1][:83])
    assert partial_mels(wav[: SAMPLE_RATE_HZ // 2]).shape == (1, 160, 40)


async def test_a_brief_look_at_long_speech_gives_nearly_the_same_voiceprint_for_less(
    models: Path, speech_data: Path
) -> None:
    clip = soundfile.read(speech_data / "librispeech/1688-142285-0003.flac", dtype="int16")[0]
    encoder = ResemblyzerEncoder.from_folder(models)
    long, short = clip[: 5 * SAMPLE_RATE_HZ], clip[: 3 * SAMPLE_RATE_HZ]
    thorough = await encoder.embed(long)
    assert 0.97 < float(thorough @ await encoder.embed(long, brief=True)) < 0.99999
    np.testing.assert_array_equal(
        await encoder.embed(short), await encoder.embed(short, brief=True)
    )
    np.testing.assert_array_equal(thorough, await encoder.embed(long, urgent=False))
    assert len(partial_mels(long.astype(np.float32) / 32_768, 160)) == 3
    await encoder.aclose()


def test_people_are_told_apart(models: Path, speech_data: Path) -> None:
    encoder = ResemblyzerEncoder.from_folder(models)
    names = ("1688-142285-0003", "1688-142285-0004", "1998-15444-0001", "1998-15444-0003")
    clips = [soundfile.read(speech_data / f"librispeech/{n}.flac", dtype="int16")[0] for n in names]
    him, him_too, her, her_too = (encoder.embed_now(clip) for clip in clips)
    same = min(him @ him_too, her @ her_too)
    different = max(him @ her, him @ her_too, him_too @ her, him_too @ her_too)
    assert same > different + 0.05


def test_a_missing_model_says_how_to_make_it(tmp_path: Path) -> None:
    with pytest.raises(EngineError, match="speaker_encoder_export") as caught:
        ResemblyzerEncoder.from_folder(tmp_path)
    assert caught.value.code == "speaker_model_missing"


def test_exporting_again_writes_nothing_unless_a_file_is_damaged(tmp_path: Path) -> None:
    paths = exporting.export(tmp_path)
    before = {path: path.stat().st_mtime_ns for path in paths.values()}
    exporting.export(tmp_path)
    assert {path: path.stat().st_mtime_ns for path in paths.values()} == before
    whole = paths["int8"].read_bytes()
    paths["int8"].write_bytes(whole[:1000])
    exporting.export(tmp_path)
    assert paths["int8"].read_bytes() == whole
    assert not list(tmp_path.glob(".export-*"))


class Dangerous:
    def __reduce__(self) -> tuple[object, tuple[str]]:
        return (eval, ("1/0",))


@pytest.mark.parametrize(
    "content", [b"", b"PK\x03\x04", pickle.dumps(1), pickle.dumps(Dangerous())]
)
def test_anything_but_a_checkpoint_is_refused(content: bytes) -> None:
    with pytest.raises(exporting.ExportError):
        exporting.read_checkpoint(io.BytesIO(content))


def test_a_checkpoint_cut_short_is_refused(tmp_path: Path) -> None:
    cut = tmp_path / "pretrained.pt"
    cut.write_bytes(exporting.weights_path().read_bytes()[:-1000])
    with pytest.raises(exporting.ExportError, match="ends too early"):
        exporting.read_weights(cut)
