"""How much of a cue's sound its listener has been given."""

from __future__ import annotations

from pipeline.events import CueAudio, CueEnded, CueScheduled


class Given:
    """One run's cues come one after another, so there is at most one that is not complete."""

    def __init__(self) -> None:
        self._cue: CueScheduled | None = None
        self._samples = 0

    def note(self, output: object) -> None:
        """The listener takes ``output``."""
        if isinstance(output, CueScheduled):
            self._cue, self._samples = output, 0
        elif isinstance(output, CueAudio):
            self._samples += len(output.pcm) // 2
        elif isinstance(output, CueEnded):
            self._cue = None

    def ends(self) -> list[CueEnded]:
        """The end of the cue that is not complete, as far as it has got."""
        cue, self._cue = self._cue, None
        if cue is None:
            return []
        return [CueEnded(cue=cue.cue, duration_s=round(self._samples / cue.sample_rate, 3))]
