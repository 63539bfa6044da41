"""Speaker encoders under contract."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path

from pipeline.ports import SpeakerEncoder
from pipeline.providers.offline import speaker_encoder_export
from pipeline.providers.offline.speaker_encoder import ResemblyzerEncoder
from pipeline.providers.scripted.hearing import ScriptedEncoder
from pipeline.providers.scripted.sounds import tone
from pipeline.types import Pcm

PersonSpeech = Callable[[int, int], Pcm]
"""(person, which of their sayings) → two seconds of it."""


@dataclass(frozen=True)
class Subject:
    name: str
    made: Callable[[Path], SpeakerEncoder]
    """Given a folder of its own."""
    really: bool
    """Whether it wants real people; else tones, of which each pitch is a person."""


def _scripted(_: Path) -> SpeakerEncoder:
    return ScriptedEncoder()


def _resemblyzer(folder: Path) -> SpeakerEncoder:
    speaker_encoder_export.export(folder)
    return ResemblyzerEncoder.from_folder(folder)


def tones(person: int, saying: int) -> Pcm:
    return tone(2.0 + 0.1 * saying, 120.0 + 60.0 * person, level=8000.0 - 1000.0 * saying)


SUBJECTS = (
    Subject("scripted", _scripted, really=False),
    Subject("resemblyzer", _resemblyzer, really=True),
)
