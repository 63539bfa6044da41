"""What a client has heard so far: every line once, and how far it has got. No I/O."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import Any

import numpy as np

from pipeline.types import Pcm
from pipeline.wire import CueFrame


@dataclass(slots=True)
class HeardLine:
    """Everything the server said of one line, and its sound."""

    line: int
    speaker: str | None = None
    source_text: str = ""
    target_text: str = ""
    start_s: float = 0.0
    end_s: float = 0.0
    cue: int | None = None
    cue_start_s: float | None = None
    tempo: float = 1.0
    engine: str = ""
    """The synthesiser that speaks it."""
    sample_rate: int = 0
    latencies: dict[str, float] = field(default_factory=dict)
    skipped: str | None = None
    blocks: list[Pcm] = field(default_factory=list)
    complete: bool = False
    """All of its sound has come."""

    @property
    def pcm(self) -> Pcm:
        return np.concatenate(self.blocks) if self.blocks else np.zeros(0, dtype=np.int16)

    @property
    def duration_s(self) -> float:
        return sum(map(len, self.blocks)) / self.sample_rate if self.sample_rate else 0.0


class Heard:
    """One session's messages, taken in the order in which they come."""

    def __init__(self) -> None:
        self.lines: dict[int, HeardLine] = {}
        self.speakers: dict[str, dict[str, Any]] = {}
        self.errors: list[dict[str, Any]] = []
        self.notices: list[dict[str, Any]] = []
        self.summary: dict[str, Any] | None = None
        self.sequence = -1
        """The last message that came, all before it having come too."""
        self.missing = 0
        """Messages that never came."""
        self.repeated = 0
        """Messages that came again."""
        self.cue = 0
        """The first cue whose sound is not complete."""
        self.cue_samples = 0
        """Samples of it that have come."""
        self._line_of_cue: dict[int, HeardLine] = {}

    def take(self, message: CueFrame | dict[str, Any]) -> bool:
        """Note a message; False when it had come before."""
        if isinstance(message, dict) and message["type"] == "resumed" and message["how"] == "new":
            # Messages and cues are counted anew.
            self.sequence = -1
            self.cue = self.cue_samples = 0
            self._line_of_cue.clear()
        number = message.sequence if isinstance(message, CueFrame) else message["sequence"]
        if number >= 0:
            if number <= self.sequence:
                self.repeated += 1
                return False
            self.missing += number - self.sequence - 1
            self.sequence = number
        if isinstance(message, CueFrame):
            self._take_sound(message)
        else:
            self._note(message)
        return True

    def _take_sound(self, frame: CueFrame) -> None:
        if frame.cue != self.cue:
            self.cue, self.cue_samples = frame.cue, 0
        pcm = np.frombuffer(frame.pcm, dtype="<i2")
        self.cue_samples += len(pcm)
        line = self._line_of_cue.get(frame.cue)
        if line is not None:
            line.blocks.append(pcm)
            line.complete = line.complete or frame.last
        if frame.last:
            self.cue, self.cue_samples = frame.cue + 1, 0

    def _note(self, event: dict[str, Any]) -> None:
        kind = event["type"]
        if kind == "error":
            self.errors.append(event)
        elif kind == "notice":
            self.notices.append(event)
        elif kind == "speaker":
            self.speakers[event["speaker"]] = event
        elif kind == "summary":
            self.summary = event
        elif kind == "merged":
            self._line(event).skipped = "merged"
        elif kind in {"transcript", "translation", "cue", "skipped"}:
            line = self._line(event)
            if kind == "transcript":
                line.speaker, line.source_text = event["speaker"], event["text"]
                line.start_s, line.end_s = event["start_s"], event["end_s"]
            elif kind == "translation":
                line.target_text = event["text"]
            elif kind == "skipped":
                line.skipped = event["reason"]
            else:
                self._line_of_cue[event["cue"]] = line
                line.cue, line.cue_start_s, line.tempo = (
                    event["cue"],
                    event["start_s"],
                    event["tempo"],
                )
                line.sample_rate, line.latencies = event["sample_rate"], event["latencies"]
                line.engine = event["engine"]

    def _line(self, event: dict[str, Any]) -> HeardLine:
        return self.lines.setdefault(event["line"], HeardLine(event["line"]))
