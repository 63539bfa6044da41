"""Voice activity on real recordings: speech is heard, noise and silence are not."""

from __future__ import annotations

import asyncio
import subprocess
import sys
from pathlib import Path

import numpy as np
import soundfile

from pipeline.providers.offline.voice_activity import FRAME_SAMPLES, SileroDetector
from pipeline.types import Pcm


def read(path: Path) -> Pcm:
    pcm, rate = soundfile.read(path, dtype="int16")
    assert rate == 16_000
    return np.asarray(pcm, np.int16)


async def probabilities(pcm: Pcm, chunk_samples: int) -> np.ndarray:
    stream = SileroDetector().open()
    found: list[float] = []
    for at in range(0, len(pcm), chunk_samples):
        found += await stream.push(pcm[at : at + chunk_samples])
    return np.array(found)


async def test_read_speech_is_speech_and_its_edges_are_not(speech_data: Path) -> None:
    found = await probabilities(read(speech_data / "en/leopard_en.wav"), 1024)
    assert np.mean(found[20:170] > 0.5) > 0.95
    assert np.all(found[:14] < 0.5)
    assert np.all(found[-5:] < 0.5)


async def test_noise_is_not_speech(speech_data: Path) -> None:
    found = await probabilities(read(speech_data / "noise/speechbrain_noise3.wav"), 1024)
    assert np.mean(found > 0.5) < 0.02


async def test_silence_is_not_speech() -> None:
    found = await probabilities(np.zeros(FRAME_SAMPLES * 50, np.int16), 1024)
    assert len(found) == 50
    assert np.all(found < 0.1)


async def test_chunk_size_changes_no_probability(speech_data: Path) -> None:
    pcm = read(speech_data / "en/leopard_en.wav")
    small, large = await probabilities(pcm, 333), await probabilities(pcm, 8000)
    assert len(small) == len(pcm) // FRAME_SAMPLES
    np.testing.assert_allclose(small, large, atol=1e-6)


async def test_streams_do_not_mix_their_states(speech_data: Path) -> None:
    pcm = read(speech_data / "en/leopard_en.wav")
    alone = await probabilities(pcm, 1024)
    first, second = await asyncio.gather(
        probabilities(pcm, 1024), probabilities(pcm[::-1].copy(), 1024)
    )
    np.testing.assert_allclose(first, alone, atol=1e-6)
    assert not np.allclose(second, alone, atol=0.1)


def test_detecting_imports_no_torch() -> None:
    program = (
        "import sys; from pipeline.providers.offline.voice_activity import SileroDetector;"
        "SileroDetector().open(); sys.exit('torch' in sys.modules)"
    )
    root = Path(__file__).resolve().parents[2]
    subprocess.run([sys.executable, "-c", program], check=True, cwd=root)
