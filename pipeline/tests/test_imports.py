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
