"""The last seconds of a stream's audio, and when each part of it arrived.

Kept in memory only: live audio is never written anywhere.
"""

from __future__ import annotations

from bisect import bisect_left
from collections import deque

import numpy as np

from pipeline import metrics, pressure
from pipeline.bounds import TAPE_S
from pipeline.types import SAMPLE_RATE_HZ, AudioChunk, Pcm

AHEAD_MAX_S = 0.25
"""How far the live edge may be thought to be past the newest audio: a client may pause."""
AHEAD_OVERLOADED_S = 10.0
"""The same while the process cannot keep up: then audio has come that was not heard yet."""


class Tape:
    """A bounded window of contiguous audio, addressed by media position."""

    def __init__(self, keep_s: float = TAPE_S) -> None:
        self._keep = round(keep_s * SAMPLE_RATE_HZ)
        self._chunks: deque[AudioChunk] = deque()
        self._arrivals: deque[tuple[int, float]] = deque()
        self._clock_offset_s: float | None = None
        if keep_s > TAPE_S:
            metrics.track_queue("tape_of_file", self, lambda tape: tape.kept_s)
        else:
            metrics.track_queue("tape", self, lambda tape: tape.kept_s)

    @property
    def kept_s(self) -> float:
        """Audio that is here."""
        chunks = tuple(self._chunks)
        return (chunks[-1].end - chunks[0].start) / SAMPLE_RATE_HZ if chunks else 0.0

    @property
    def end(self) -> int:
        """Media position just past the newest sample; 0 while empty."""
        return self._chunks[-1].end if self._chunks else 0

    @property
    def end_s(self) -> float:
        return self.end / SAMPLE_RATE_HZ

    def append(self, chunk: AudioChunk, arrived_at: float) -> None:
        """Add the next chunk; ``arrived_at`` is seconds on the caller's monotonic clock."""
        self._chunks.append(chunk)
        self._arrivals.append((chunk.end, arrived_at))
        while self._chunks and self._chunks[0].end <= chunk.end - self._keep:
            self._chunks.popleft()
            self._arrivals.popleft()
        offset_s = arrived_at - chunk.end / SAMPLE_RATE_HZ
        if self._clock_offset_s is None:
            self._clock_offset_s = offset_s
        else:
            # The least delayed chunk tells the true offset; a slow upward drift keeps
            # a client whose clock is slower than ours from being chased for ever. Chunks
            # that we are late to hear tell nothing of the client's clock.
            drift_s = 0.0 if pressure.overloaded() else 0.002
            self._clock_offset_s = min(offset_s, self._clock_offset_s + drift_s)

    def read(self, start_s: float, end_s: float) -> Pcm:
        """Samples between two media times, as far as they are still here."""
        start = max(0, round(start_s * SAMPLE_RATE_HZ))
        end = round(end_s * SAMPLE_RATE_HZ)
        parts = [
            chunk.pcm[max(0, start - chunk.start) : end - chunk.start]
            for chunk in self._chunks
            if chunk.end > start and chunk.start < end
        ]
        return np.concatenate(parts) if parts else np.zeros(0, dtype=np.int16)

    def sequence_at(self, position: int) -> int:
        """Number of the chunk with the sample at ``position``, the nearest where none has it.

        -1 on an empty tape.
        """
        if not self._chunks:
            return -1
        index = bisect_left(self._arrivals, position + 1, key=lambda a: a[0])
        return self._chunks[min(index, len(self._chunks) - 1)].sequence

    def arrived_at(self, media_s: float) -> float:
        """When the sample at a media time came in, on the caller's clock.

        The nearest chunk answers for times outside the window; 0.0 on an empty tape.
        """
        if not self._arrivals:
            return 0.0
        index = bisect_left(self._arrivals, round(media_s * SAMPLE_RATE_HZ), key=lambda a: a[0])
        return self._arrivals[min(index, len(self._arrivals) - 1)][1]

    def live_edge_s(self, now: float) -> float:
        """Media time that is being heard at ``now``, at most a little past the newest audio."""
        ahead_max_s = AHEAD_OVERLOADED_S if pressure.overloaded() else AHEAD_MAX_S
        if self._clock_offset_s is None:
            return 0.0
        return min(max(now - self._clock_offset_s, self.end_s), self.end_s + ahead_max_s)
