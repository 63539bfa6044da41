"""Stored files of projects as files on this machine, and sound as stored files."""

from __future__ import annotations

import io
import shutil
import tempfile
import time
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path

import soundfile
from django.conf import settings
from django.core.files.storage import default_storage

from pipeline.bounds import PART_S
from pipeline.types import Pcm
from voices.files import store

FOLDER = "projects"


def plain_name(name: str, otherwise: str) -> str:
    """Of a path its last part, without what no name has; ``otherwise`` where nothing is left."""
    name = name.replace("\\", "/").rpartition("/")[2]
    return "".join(letter for letter in name if letter.isprintable()).strip()[:255] or otherwise


@contextmanager
def workspace() -> Iterator[Path]:
    """A folder that is gone afterwards, where there is room for whole files."""
    parent = settings.DUBBING_VAR / "work"
    parent.mkdir(parents=True, exist_ok=True, mode=0o700)
    _sweep(parent)
    with tempfile.TemporaryDirectory(dir=parent, prefix="part-") as folder:
        yield Path(folder)


def _sweep(parent: Path) -> None:
    """Delete what workers that were killed have left."""
    for folder in parent.glob("part-*"):
        try:
            old = time.time() - folder.stat().st_mtime > 2 * PART_S
        except FileNotFoundError:
            continue
        if old:
            shutil.rmtree(folder, ignore_errors=True)


@contextmanager
def local(name: str, folder: Path) -> Iterator[Path]:
    """The stored file as a path: itself where the storage is a folder, else a copy there."""
    try:
        yield Path(default_storage.path(name))
        return
    except NotImplementedError:
        pass
    copy = folder / Path(name).name
    with default_storage.open(name, "rb") as source, copy.open("wb") as target:
        shutil.copyfileobj(source, target, 1024 * 1024)
    yield copy


def store_path(path: Path) -> str:
    """Put a file into the storage; ``keep`` it with the row that names it."""
    with path.open("rb") as file:
        return store(file, folder=FOLDER, suffix=path.suffix)


def store_bytes(content: bytes, suffix: str) -> str:
    return store(io.BytesIO(content), folder=FOLDER, suffix=suffix)


def size_of(name: str) -> int:
    """Bytes of a stored file; 0 where there is none."""
    try:
        return int(default_storage.size(name)) if name else 0
    except FileNotFoundError:
        return 0


def flac_of(pcm: Pcm, rate_hz: int) -> bytes:
    """The same samples give the same bytes."""
    content = io.BytesIO()
    soundfile.write(content, pcm, rate_hz, format="FLAC", subtype="PCM_16")
    return content.getvalue()


def read_sound(name: str) -> tuple[Pcm, int]:
    """Samples and rate of a stored mono file."""
    with default_storage.open(name, "rb") as file:
        samples, rate_hz = soundfile.read(io.BytesIO(file.read()), dtype="int16")
    return samples, rate_hz


@dataclass(frozen=True, slots=True)
class StoredCue:
    """Port ``pipeline.files.mixer.Cue``: its sound is read when it is heard, and then forgotten."""

    start_s: float
    duration_s: float
    sample_rate_hz: int
    name: str

    @property
    def end_s(self) -> float:
        return self.start_s + self.duration_s

    @property
    def pcm(self) -> Pcm:
        return read_sound(self.name)[0]
