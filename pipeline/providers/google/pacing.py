"""How long Google's recogniser is waited for, and how fast it is fed."""

from __future__ import annotations

from dataclasses import dataclass

from pipeline.bounds import GOOGLE_CLOSE_S, GOOGLE_END_S, GOOGLE_STALL_S, GOOGLE_STREAM_S


@dataclass(frozen=True, slots=True, kw_only=True)
class Pacing:
    """Seconds, except ``speed``."""

    patience_s: float = 0.15
    """Silence after an utterance's end before the vendor stream is half-closed."""
    close_s: float = GOOGLE_CLOSE_S
    """An utterance waits so long for its last words while the next one is spoken."""
    end_s: float = GOOGLE_END_S
    """From half-close to the vendor's end of a stream."""
    stall_s: float = GOOGLE_STALL_S
    """Speech sent without any response."""
    stream_s: float = GOOGLE_STREAM_S
    """The longest that one vendor stream is used."""
    speed: float | None = 1.5
    """Audio is sent at most so many times as fast as it plays, after a burst: the service
    wants about real time. None: as fast as it comes."""
    burst_s: float = 5.0
