from __future__ import annotations

import pkgutil
import subprocess
import sys
from pathlib import Path

import pipeline

IMPORT_ALL = """
import importlib, sys
for name in sys.argv[1:]:
    importlib.import_module(name)
heavy = {
    "torch", "librosa", "numba", "tensorflow", "faster_whisper", "ctranslate2", "tokenizers"
} & set(sys.modules)
sys.exit(f"a serving process would import {sorted(heavy)}" if heavy else 0)
"""


def serving_modules() -> list[str]:
    found = pkgutil.walk_packages(pipeline.__path__, "pipeline.")
    return [m.name for m in found if not {"tests", "benchmarks"} & set(m.name.split("."))]


def test_serving_modules_leave_the_heavy_packages_alone() -> None:
    modules = serving_modules()
    assert "pipeline.providers.offline.speaker_encoder" in modules
    done = subprocess.run(
        [sys.executable, "-c", IMPORT_ALL, *modules],
        cwd=Path(pipeline.__file__).resolve().parent.parent,
        capture_output=True,
        text=True,
        timeout=120,
    )
    assert done.returncode == 0, done.stderr


def test_serving_modules_know_neither_emulators_nor_cloud_clients() -> None:
    """A session without a cloud engine pays nothing for there being some."""
    script = (
        "import sys, pipeline.dubber, pipeline.providers.registry\n"
        "found = [n for n in sys.modules if n.split('.')[0] == 'grpc' or 'emulators' in n]\n"
        "sys.exit(f'imported: {sorted(found)[:5]}' if found else 0)\n"
    )
    done = subprocess.run(
        [sys.executable, "-c", script],
        cwd=Path(pipeline.__file__).resolve().parent.parent,
        capture_output=True,
        text=True,
        timeout=60,
    )
    assert done.returncode == 0, done.stderr
