"""The services' disk fills up while a session is dubbed: see full_disk.py, which is run here."""

from __future__ import annotations

import os
import subprocess
import sys
import tempfile
from pathlib import Path

import pytest

PROJECT = Path(__file__).resolve().parent.parent.parent
SIZE = "200m"
"""A new Postgres with Redis takes 40 MB; the rest is what is filled up, in memory."""
MOUNT = 'mount -t tmpfs -o size="$1",mode=0755 full-disk "$2"'
WITHIN_S = 240
"""About 45 s where nothing else takes the processor."""


def own_mounts() -> list[str]:
    """What runs a command where it may mount; others see nothing of it, nor of what it leaves."""
    return ["unshare", "-m" if os.geteuid() == 0 else "-Urm", "--"]


def needs_own_mounts(folder: str) -> None:
    command = [*own_mounts(), "sh", "-c", MOUNT, "sh", SIZE, folder]
    try:
        tried = subprocess.run(command, capture_output=True, text=True, timeout=20)
        reason = "" if tried.returncode == 0 else tried.stderr.strip() or str(tried.returncode)
    except (OSError, subprocess.TimeoutExpired) as error:
        reason = str(error)
    if reason:
        pytest.skip(
            f"a file system of one's own is refused here ({' '.join(command[:2])}): {reason}"
        )


def test_a_full_disk_is_told_and_costs_no_line() -> None:
    # Pytest's own folders are too deep for sockets, which would then stand on another disk.
    with tempfile.TemporaryDirectory(prefix="dubbing-disk-") as folder:
        needs_own_mounts(folder)
        program = f'{MOUNT} && exec "$3" -m dubbing_project.tests.full_disk "$2"'
        done = subprocess.run(
            [*own_mounts(), "sh", "-c", program, "sh", SIZE, folder, sys.executable],
            cwd=PROJECT,
            stdout=subprocess.PIPE,
            stderr=subprocess.STDOUT,
            text=True,
            timeout=WITHIN_S,
        )
        sys.stdout.write(done.stdout)
        assert done.returncode == 0, done.stdout
        assert not list(Path(folder).iterdir()), "that was no file system of its own"
