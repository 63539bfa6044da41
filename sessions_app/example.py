"""The example on the front page: the built-in sample and its dub, made here, once.

The sample is synthetic speech, no recording of a person; its dub is made with the built-in
engines, in a task, when it is first asked for, and kept below ``var/``.
"""

from __future__ import annotations

import asyncio
import hashlib
import json
import shutil
import tempfile
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import soundfile
from django.conf import settings
from django.core.cache import cache

from pipeline.bounds import EXAMPLE_MAKING_S
from pipeline.files.file_dubbing import DubbedMedia, dub_media
from pipeline.files.mixer import Mixer
from pipeline.providers.catalogue import NAMED_ROLES
from pipeline.sound.demo_clip import DIALOGUE, DemoClipError, write_clip
from pipeline.sound.media import open_media
from sessions_app import wiring
from sessions_app.engines import loaded
from sessions_app.engines.engine_access import installation_access

SOURCE, TARGET = "en", "es"
SOUNDS = {"original": "original.mp3", "dub": "dub.mp3"}
_LINES = "lines.json"
_MAKING = "example:making"


@dataclass(frozen=True, slots=True)
class Example:
    folder: Path
    lines: list[dict[str, Any]]
    """``start_s``, ``end_s``, ``speaker``, ``source``, ``target``, and ``cue_start_s`` and
    ``cue_end_s`` of the dub."""

    def sound(self, name: str) -> Path:
        return self.folder / SOUNDS[name]


def sample() -> Path:
    """The built-in sample, 16 kHz WAV; made if it is not there. Raises DemoClipError."""
    file: Path = settings.DUBBING_VAR / "demo" / "dialogue.wav"
    if not file.exists():
        write_clip(file)
    return file


def example() -> Example | None:
    """None while it has not been made."""
    folder = _folder()
    try:
        return Example(folder, json.loads((folder / _LINES).read_text("utf-8")))
    except (OSError, ValueError):
        return None


def claim() -> bool:
    """True for the one who is to have it made now; nobody else is, until that has failed."""
    return bool(cache.add(_MAKING, 1, timeout=EXAMPLE_MAKING_S))


def make_example() -> None:
    """Dub the sample, unless that was done. Blocks for about ten seconds.

    Raises DemoClipError and EngineError.
    """
    if example() is not None:
        return
    media = open_media(sample())
    dubbed = asyncio.run(asyncio.wait_for(_dub(media), EXAMPLE_MAKING_S))
    if not dubbed.lines:
        raise DemoClipError("Nothing was understood in the sample.")
    folder = _folder()
    folder.parent.mkdir(parents=True, exist_ok=True)
    with tempfile.TemporaryDirectory(dir=folder.parent, prefix=".making-") as aside:
        new = Path(aside) / "new"
        new.mkdir()
        mix = Path(aside) / "mix.wav"
        Mixer(dubbed.cues).write(media, mix, Path(aside) / "dub.wav")
        for wave, name in ((media.path, "original"), (mix, "dub")):
            samples, rate = soundfile.read(wave, dtype="float32")
            soundfile.write(new / SOUNDS[name], samples, rate, format="MP3")
        (new / _LINES).write_text(json.dumps(_shown(dubbed), ensure_ascii=False), "utf-8")
        shutil.rmtree(folder, ignore_errors=True)
        new.rename(folder)


async def _dub(media: Any) -> DubbedMedia:
    plan = wiring.plan_for(
        session_id="example",
        source_language=SOURCE,
        target_language=TARGET,
        preserve_voice=True,
        live=False,
    )
    wanted = installation_access().want(dict.fromkeys(NAMED_ROLES, "offline"))
    engines = loaded.make_engines(wanted)
    try:
        return await dub_media(media.blocks(), plan, engines, lambda _: None)
    finally:
        await engines.aclose()


def _shown(dubbed: DubbedMedia) -> list[dict[str, Any]]:
    shown = []
    for line in dubbed.lines:
        cue_start_s = line.start_s if line.cue_start_s is None else line.cue_start_s
        shown.append(
            {
                "start_s": round(line.start_s, 2),
                "end_s": round(line.end_s, 2),
                "speaker": line.speaker or "",
                "source": line.source_text,
                "target": line.target_text,
                "cue_start_s": round(cue_start_s, 2),
                "cue_end_s": round(cue_start_s + (line.cue_duration_s or 0.0), 2),
            }
        )
    return shown


def _folder() -> Path:
    """Another one for another sample: what was made of the old one is not shown."""
    content = repr((DIALOGUE, SOURCE, TARGET, 1)).encode()
    name = hashlib.sha256(content).hexdigest()[:12]
    var: Path = settings.DUBBING_VAR
    return var / "example" / name
