"""Voice activity detectors under contract."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass

from pipeline.ports import SpeechDetector
from pipeline.providers.offline.voice_activity import SileroDetector
from pipeline.providers.scripted.hearing import ScriptedDetector


@dataclass(frozen=True)
class Subject:
    name: str
    made: Callable[[], SpeechDetector]


SUBJECTS = (Subject("scripted", ScriptedDetector), Subject("silero", SileroDetector))
