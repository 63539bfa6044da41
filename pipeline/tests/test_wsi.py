"""The WSI encoder, on a tiny checkpoint with random weights."""

from __future__ import annotations

import os
import subprocess
from pathlib import Path

import numpy as np
import pytest
import soundfile

from pipeline.ports import EngineError
from pipeline.providers.wsi.encoder import WsiEncoder, find_checkpoint

ROOT = Path(__file__).resolve().parent.parent.parent
SCRIPT = Path(__file__).with_name("wsi_voiceprints.py")


def test_a_checkpoint_that_is_not_there_is_named(tmp_path: Path) -> None:
    for model in (str(tmp_path), str(tmp_path / "wsi.pth"), "nobody/has-fetched-this"):
        with pytest.raises(EngineError, match="WSI_MODEL") as refusal:
            find_checkpoint(model)
        assert refusal.value.code == "model_missing"


def test_without_torch_it_says_what_to_install(tmp_path: Path) -> None:
    (tmp_path / "wsi.pth").write_bytes(b"weights")
    with pytest.raises(EngineError, match=r"requirements/wsi\.txt") as refusal:
        WsiEncoder.from_setting(str(tmp_path))
    assert refusal.value.code == "engine_missing"


@pytest.fixture(scope="module")
def parity_python() -> str:
    """Python of the environment that holds torch and transformers."""
    default = ROOT / "var" / "parity-venv" / "bin" / "python"
    python = os.environ.get("DUBBING_PARITY_PYTHON", str(default))
    probe = "import importlib.util as u, sys; "
    probe += "sys.exit(not (u.find_spec('torch') and u.find_spec('transformers')))"
    if Path(python).exists() and not subprocess.run([python, "-c", probe], timeout=60).returncode:
        return python
    reason = f"{python} cannot import torch and transformers; see requirements/parity.txt"
    if os.environ.get("CI"):
        pytest.fail(reason)
    pytest.skip(reason)


@pytest.mark.parity
def test_voiceprints_are_those_of_the_published_architecture(
    parity_python: str, speech_data: Path, tmp_path: Path
) -> None:
    clips = {
        name: soundfile.read(speech_data / "librispeech" / f"{name}.flac", dtype="int16")[0]
        for name in ("2033-164914-0005", "367-130732-0001")
    }
    np.savez(tmp_path / "clips.npz", allow_pickle=False, **clips)
    done = subprocess.run(
        [
            parity_python,
            str(SCRIPT),
            *(str(tmp_path / n) for n in ("clips.npz", "wsi.pth", "out.npz")),
        ],
        env={key: value for key, value in os.environ.items() if key != "PYTHONPATH"},
        capture_output=True,
        text=True,
        timeout=300,
    )
    assert done.returncode == 0, done.stderr
    with np.load(tmp_path / "out.npz") as archive:
        found = {name: archive[name] for name in archive.files}
    for name in clips:
        ours, theirs = found[f"ours/{name}"], found[f"theirs/{name}"]
        assert ours.shape == (256,)
        assert np.linalg.norm(ours) == pytest.approx(1.0, abs=1e-5)
        np.testing.assert_allclose(ours, theirs, atol=1e-4)
    first, second = (found[f"ours/{name}"] for name in clips)
    assert float(first @ second) < 0.99999
    assert len(str(found["version"])) == 16
    assert str(found["damaged"]) == "model_unusable"
