from __future__ import annotations

import os
import subprocess
import sys
from pathlib import Path

import numpy as np
import pytest
import soundfile
import soxr

from pipeline.providers.offline import speaker_encoder_export as exporting
from pipeline.providers.offline.speaker_encoder import Precision, ResemblyzerEncoder
from pipeline.types import SAMPLE_RATE_HZ, Embedding, Pcm

pytestmark = pytest.mark.parity

ROOT = Path(__file__).resolve().parent.parent.parent
SCRIPT = Path(__file__).with_name("reference_embeddings.py")
CLIP_MAX_S = 30


@pytest.fixture(scope="module")
def parity_python() -> str:
    """Python of the environment that holds torch; the one that runs the tests never does."""
    default = ROOT / "var" / "parity-venv" / "bin" / "python"
    python = os.environ.get("DUBBING_PARITY_PYTHON", str(default))
    reason = (
        f"{python} cannot import torch and resemblyzer; make it with requirements/parity.txt, "
        "then --no-deps requirements/wheels-without-dependencies.txt"
    )
    probe = "import importlib.util as u, sys; "
    probe += "sys.exit(not (u.find_spec('torch') and u.find_spec('resemblyzer')))"
    if Path(python).exists() and not subprocess.run([python, "-c", probe], timeout=60).returncode:
        return python
    if os.environ.get("CI"):
        pytest.fail(reason)
    pytest.skip(reason)


@pytest.fixture(scope="module")
def clips(speech_data: Path) -> dict[str, Pcm]:
    """Every shared clip, the first 30 s of it."""
    paths = [p for p in sorted(speech_data.rglob("*")) if p.suffix in {".wav", ".flac"}]
    return {str(path.relative_to(speech_data)): read(path) for path in paths}


def read(path: Path) -> Pcm:
    wav, rate_hz = soundfile.read(path, dtype="float32", always_2d=True)
    mono = wav.mean(axis=1)[: CLIP_MAX_S * rate_hz]
    if rate_hz != SAMPLE_RATE_HZ:
        mono = soxr.resample(mono, rate_hz, SAMPLE_RATE_HZ)[: CLIP_MAX_S * SAMPLE_RATE_HZ]
    pcm: Pcm = np.clip(np.round(mono * 32_768), -32_768, 32_767).astype(np.int16)
    return pcm


@pytest.fixture(scope="module")
def reference(
    parity_python: str, clips: dict[str, Pcm], tmp_path_factory: pytest.TempPathFactory
) -> dict[str, Embedding]:
    folder = tmp_path_factory.mktemp("parity")
    floats = {name: pcm.astype(np.float32) / np.float32(32_768) for name, pcm in clips.items()}
    np.savez(folder / "clips.npz", allow_pickle=False, **floats)
    # The torch that serves as reference must not see this interpreter's packages.
    environment = {key: value for key, value in os.environ.items() if key != "PYTHONPATH"}
    done = subprocess.run(
        [parity_python, str(SCRIPT), str(folder / "clips.npz"), str(folder / "reference.npz")],
        env=environment,
        capture_output=True,
        text=True,
        timeout=900,
    )
    assert done.returncode == 0, done.stderr
    with np.load(folder / "reference.npz") as archive:
        return {name: archive[name] for name in archive.files}


@pytest.mark.parametrize(("precision", "at_least"), [("fp32", 0.9999), ("int8", 0.999)])
def test_voiceprints_equal_those_of_the_original(
    precision: Precision,
    at_least: float,
    clips: dict[str, Pcm],
    reference: dict[str, Embedding],
    tmp_path: Path,
) -> None:
    exporting.export(tmp_path)
    encoder = ResemblyzerEncoder.from_folder(tmp_path, precision)
    similarity = {
        name: float(encoder.embed_now(pcm) @ reference[name]) for name, pcm in clips.items()
    }
    assert len(similarity) >= 60
    unlike = {name: cosine for name, cosine in similarity.items() if cosine < at_least}
    assert not unlike
    assert "torch" not in sys.modules
