"""``manage.py dub_file``, with engines that need no model."""

from __future__ import annotations

import io
from pathlib import Path
from typing import Any

import pytest
import soundfile
from django.core.management import CommandError, call_command

from pipeline.providers.scripted.sounds import silence, utterances
from pipeline.sound.media import open_media
from pipeline.types import SAMPLE_RATE_HZ, Pcm
from sessions_app.tests import engines as scripted_sets


@pytest.fixture(autouse=True)
def _scripted(settings: Any) -> None:
    settings.DUBBING_ENGINES = "sessions_app.tests.engines.scripted_engines"
    scripted_sets.made.clear()


def recording(folder: Path, pcm: Pcm) -> Path:
    path = folder / "höher \u202eab.wav"
    soundfile.write(path, pcm, SAMPLE_RATE_HZ)
    return path


def test_a_file_becomes_a_dub_a_mix_and_subtitles(tmp_path: Path) -> None:
    path = recording(tmp_path, utterances((2.0, 140.0), (2.5, 140.0)))
    told = io.StringIO()
    call_command("dub_file", path, to="es", out=tmp_path / "new" / "folder", stdout=told)
    files = [Path(line) for line in told.getvalue().splitlines() if "/folder/" in line]
    assert [file.suffix for file in files] == [".wav", ".wav", ".srt"]
    assert scripted_sets.SCRIPT[0] in told.getvalue().lower()
    subtitles = " ".join(files[2].read_text(encoding="utf-8").lower().split())
    assert f"es {scripted_sets.SCRIPT[0]}" in subtitles
    source_s = open_media(path).duration_s or 0.0
    for file in files[:2]:
        made_s = open_media(file).duration_s or 0.0
        assert made_s >= source_s - 0.05


def test_a_folder_that_cannot_be_is_told_before_the_work(tmp_path: Path) -> None:
    path = recording(tmp_path, utterances((2.0, 140.0)))
    with pytest.raises(CommandError, match="File exists"):
        call_command("dub_file", path, to="es", out=path)
    assert not scripted_sets.made


def test_a_language_that_is_not_there_and_a_file_without_speech_are_told(tmp_path: Path) -> None:
    path = recording(tmp_path, silence(1.0))
    with pytest.raises(CommandError, match="xx"):
        call_command("dub_file", path, to="xx", out=tmp_path)
    with pytest.raises(CommandError, match="No speech"):
        call_command("dub_file", path, to="es", out=tmp_path, stdout=io.StringIO())
