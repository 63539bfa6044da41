"""A file of synthetic speech says so, in every format that is given out."""

from __future__ import annotations

import subprocess
from datetime import UTC, datetime
from pathlib import Path

import pytest
import soundfile

from pipeline.files.disclosure import (
    COMPOSITE,
    STATEMENT,
    TYPE,
    Disclosure,
    DisclosureError,
    disclose,
    disclosed,
)
from pipeline.providers.scripted.sounds import tone

AT = datetime(2026, 5, 4, 10, 30, tzinfo=UTC)


@pytest.fixture
def wav(tmp_path: Path) -> Path:
    path = tmp_path / "dub.wav"
    soundfile.write(path, tone(1.0, 150.0), 16_000, subtype="PCM_16")
    return path


@pytest.mark.parametrize("suffix", ["wav", "flac", "mp3", "ogg", "opus", "m4a"])
def test_every_format_carries_it_and_plays_as_before(wav: Path, suffix: str) -> None:
    path = wav.with_suffix(f".{suffix}")
    if suffix != "wav":
        _ffmpeg("-i", str(wav), "-metadata", "title=The dub", str(path))
    assert disclosed(path) == {}
    disclose(path, Disclosure(AT, engine="espeak"))
    found = disclosed(path)
    assert found["comment"] == STATEMENT
    assert (found["digitalsourcetype"], found["ai_engine"]) == (TYPE, "espeak")
    assert found["ai_generated_at"] == "2026-05-04T10:30:00+00:00"
    # The tools that others read files with find it too, beside what was there.
    shown = subprocess.run(
        ["ffprobe", "-v", "error", "-show_entries", "format_tags:stream_tags", str(path)],
        check=True,
        capture_output=True,
        text=True,
    ).stdout
    if suffix != "wav":
        assert STATEMENT in shown
        assert "The dub" in shown
    _ffmpeg("-i", str(path), "-f", "null", "-")


def test_a_mix_with_recorded_sound_is_called_one(wav: Path) -> None:
    disclose(wav, Disclosure(AT, mixed=True))
    assert disclosed(wav)["digitalsourcetype"] == COMPOSITE


def test_what_is_no_sound_file_is_refused(tmp_path: Path) -> None:
    path = tmp_path / "notes.txt"
    path.write_text("no sound")
    with pytest.raises(DisclosureError):
        disclose(path, Disclosure(AT))
    with pytest.raises(DisclosureError):
        disclose(tmp_path / "missing.flac", Disclosure(AT))


def _ffmpeg(*arguments: str) -> None:
    subprocess.run(["ffmpeg", "-v", "error", "-y", *arguments], check=True, capture_output=True)
