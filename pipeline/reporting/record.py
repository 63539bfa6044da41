"""What is kept of a line once it has been spoken or skipped."""

from __future__ import annotations

from dataclasses import dataclass

from pipeline.events import Latencies


@dataclass(frozen=True, slots=True)
class LineRecord:
    """One finished line. Times are seconds on the media clock.

    A line keeps its own text and its own span, merged or not. One that was merged has the
    reason "merged" and no cue: it is heard in the cue of the nearest earlier line that has
    one, whose latencies count from the first of its lines to the last.
    """

    sequence: int
    speaker: str | None
    source_language: str
    target_language: str
    source_text: str
    target_text: str
    start_s: float
    end_s: float
    engine: str
    voice: str
    cue_start_s: float | None = None
    cue_duration_s: float | None = None
    tempo: float = 1.0
    latencies: Latencies | None = None
    skipped_reason: str | None = None
    level_dbfs: float | None = None
    """Loudness of the source speech, decibels below full scale."""
    snr_db: float | None = None
    """Speech to noise in the source, decibels, 0 to 60."""
    similarity: float | None = None
    """Cosine of the source voice to its speaker's; None where nothing was compared."""
