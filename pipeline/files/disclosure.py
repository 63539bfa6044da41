"""Says of a sound file that machines made the speech in it: in tags that players show.

Article 50 of the EU's AI Act asks that synthetic speech be marked so that machines can tell.
Tags are what every format has; they go when somebody writes the file anew without them. What
survives that would be an inaudible watermark: those that last (AudioSeal, SilentCipher) need
torch and weights that no package brings, so there is none here.

Whoever gives out a file of synthetic speech calls ``disclose`` on it.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime
from pathlib import Path
from typing import Any

import mutagen
from mutagen.aiff import AIFF
from mutagen.id3 import COMM, TXXX
from mutagen.mp3 import MP3
from mutagen.mp4 import MP4
from mutagen.wave import WAVE

STATEMENT = "Contains speech made by AI in a synthetic voice."
TYPE = "trainedAlgorithmicMedia"
"""IPTC's digital source type of media that a model made from what it was trained on."""
COMPOSITE = "compositeWithTrainedAlgorithmicMedia"
"""IPTC's for such media mixed with recordings, as in a dub over the original."""


class DisclosureError(Exception):
    """The file's format has no tags that are known here, or it cannot be written."""


@dataclass(frozen=True, slots=True)
class Disclosure:
    """What is said of a file."""

    made_at: datetime
    engine: str = ""
    """What spoke; an engine's name, never a person's."""
    mixed: bool = False
    """Whether recorded sound is in it as well."""

    def tags(self) -> Mapping[str, str]:
        """Name → text, the same in every format; for whoever writes tags by other means."""
        found = {
            "comment": STATEMENT,
            "digitalsourcetype": COMPOSITE if self.mixed else TYPE,
            "ai_generated": "true",
            "ai_generated_at": self.made_at.isoformat(timespec="seconds"),
        }
        return {**found, "ai_engine": self.engine} if self.engine else found


def disclose(path: Path, disclosure: Disclosure) -> None:
    """Write the disclosure into FLAC, Ogg (Vorbis, Opus), MP3, MP4/M4A, WAV or AIFF; other tags
    stay. Raises DisclosureError."""
    try:
        file: Any = mutagen.File(path)
        if file is None:
            raise DisclosureError(f"{path.suffix or 'this'} files have no tags that are known here")
        if file.tags is None:
            file.add_tags()
        _write(file, disclosure.tags())
        file.save()
    except (mutagen.MutagenError, OSError) as error:
        raise DisclosureError(f"the file cannot be marked: {type(error).__name__}") from error


def disclosed(path: Path) -> Mapping[str, str]:
    """The disclosure that a file carries; empty where it has none. Raises DisclosureError."""
    try:
        file: Any = mutagen.File(path)
    except (mutagen.MutagenError, OSError) as error:
        raise DisclosureError(f"the file cannot be read: {type(error).__name__}") from error
    if file is None or not file.tags:
        return {}
    names = ("comment", "digitalsourcetype", "ai_generated", "ai_generated_at", "ai_engine")
    found = {name: text for name in names if (text := _read(file, name))}
    return found if "ai_generated" in found else {}


def _write(file: Any, tags: Mapping[str, str]) -> None:
    kept: Any = file.tags
    if isinstance(file, MP4):
        for name, text in tags.items():
            kept[_ATOM.get(name, f"----:org.iptc:{name}")] = (
                [text] if name in _ATOM else [text.encode()]
            )
    elif isinstance(file, MP3 | WAVE | AIFF):
        for name, text in tags.items():
            if name == "comment":
                kept.add(_COMMENT(encoding=3, lang="eng", desc="", text=[text]))
            else:
                kept.add(_NAMED(encoding=3, desc=name, text=[text]))
    else:
        for name, text in tags.items():
            kept[name] = [text]


_ATOM = {"comment": "\xa9cmt"}
_COMMENT: Any = COMM
_NAMED: Any = TXXX


def _read(file: Any, name: str) -> str:
    kept: Any = file.tags
    if isinstance(file, MP4):
        found = kept.get(_ATOM.get(name, f"----:org.iptc:{name}"), [])
        return "".join(one if isinstance(one, str) else bytes(one).decode() for one in found[:1])
    if isinstance(file, MP3 | WAVE | AIFF):
        frames = kept.getall("COMM" if name == "comment" else f"TXXX:{name}")
        return str(frames[0].text[0]) if frames else ""
    return str((kept.get(name) or [""])[0])
