"""What of a speaker's speech is still on the tape: for a person who wants a sample of it kept."""

from __future__ import annotations

from collections import deque
from collections.abc import Callable
from dataclasses import dataclass

import numpy as np

from pipeline.bounds import SPOKEN_STRETCHES_MAX
from pipeline.hearing.tape import Tape
from pipeline.types import Pcm


@dataclass(frozen=True, slots=True)
class Spoken:
    pcm: Pcm
    """16 kHz, one clause behind the other; empty when nothing of it is left."""
    language: str
    """Of the newest clause; empty when there is none."""


NOTHING = Spoken(np.zeros(0, dtype=np.int16), "")


class RecentSpeech:
    """``resolve`` gives the speaker into whom another one was folded."""

    def __init__(self, tape: Tape, resolve: Callable[[str], str | None]) -> None:
        self._tape = tape
        self._resolve = resolve
        self._stretches: deque[tuple[str, float, float, str]] = deque(maxlen=SPOKEN_STRETCHES_MAX)

    def note(self, speaker: str, start_s: float, end_s: float, language: str) -> None:
        """What was said between these media times is surely ``speaker``'s."""
        self._stretches.append((speaker, start_s, end_s, language))

    def of(self, speaker: str) -> Spoken:
        speaker = self._resolve(speaker) or speaker
        parts, spoken_in = [], ""
        for who, start_s, end_s, language in self._stretches:
            if self._resolve(who) == speaker:
                parts.append(self._tape.read(start_s, end_s))
                spoken_in = language
        pcm = np.concatenate(parts) if parts else NOTHING.pcm
        return Spoken(pcm, spoken_in) if len(pcm) else NOTHING
