"""What libraries start on their own."""

from __future__ import annotations

import subprocess
import sys
from pathlib import Path

import pytest

COUNT = (
    "import dubbing_project, os, numpy; "
    "numpy.ones((600, 600)) @ numpy.ones((600, 600)); print(len(os.listdir('/proc/self/task')))"
)


@pytest.mark.skipif(not Path("/proc/self/task").exists(), reason="threads are counted in /proc")
def test_numpy_multiplies_on_the_calling_thread() -> None:
    """A second one spins for the next product while sessions wait for the processor."""
    counted = subprocess.run(
        [sys.executable, "-c", COUNT], capture_output=True, text=True, check=True, timeout=60
    )
    assert counted.stdout.strip() == "1"
