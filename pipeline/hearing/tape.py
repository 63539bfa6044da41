"""The last seconds of a stream's audio, and when each part of it arrived.

Kept in memory only: live audio is never written anywhere.
"""

from __future__ import annotations

from bisect import bisect_left
from collections import deque

import numpy as np

from pipeline import metrics
from pipeline.bounds import TAPE_S
from pipeline.hearing.live_edge import LiveEdge
from pipeline.types import SAMPLE_RATE_HZ, AudioChunk, Pcm


class Tape:
    """A bounded window of contiguous audio, addressed by media position."""

    def __init__(self, keep_s: float = TAPE_S) -> None:
        self._keep = round(keep_s * SAMPLE_RATE_HZ)
        self._chunks: deque[AudioChunk] = deque()
        self._arrivals: deque[tuple[int, float]] = deque()
        self._edge = LiveEdge()
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
        self._edge.note(chunk.end / SAMPLE_RATE_HZ, arrived_at)

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
        return self._edge.at(now)
