"""Fixtures that every package's tests share."""

from __future__ import annotations

import os
from pathlib import Path

import pytest


@pytest.fixture(scope="session")
def speech_data() -> Path:
    """Folder of real recordings; its MANIFEST.md names licences and transcripts."""
    default = Path(__file__).resolve().parent.parent / "shared" / "data"
    folder = Path(os.environ.get("DUBBING_SPEECH_DATA", default))
    if (folder / "MANIFEST.md").exists():
        return folder
    reason = f"real recordings are not at {folder}; set DUBBING_SPEECH_DATA to their folder"
    if os.environ.get("CI"):
        pytest.fail(reason)
    pytest.skip(reason)
