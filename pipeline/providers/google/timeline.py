"""Where on the media clock a vendor stream's own seconds lie, and the audio kept to repeat.

Gaps between utterances are not sent and every stream counts from 0, so its time is a chain
of spans of the media clock. Pure.
"""

from __future__ import annotations

from bisect import bisect_left, bisect_right
from collections import deque

import numpy as np

from pipeline.types import SAMPLE_RATE_HZ, Pcm


class Timeline:
    """One stream's spans, in samples, in the order in which they were sent."""

    def __init__(self) -> None:
        self._sent_at: list[int] = []
        self._media_at: list[int] = []
        self._lengths: list[int] = []
        self._sent = 0

    @property
    def sent_s(self) -> float:
        return self._sent / SAMPLE_RATE_HZ

    @property
    def media_end(self) -> int:
        """End of the media that was sent, in samples; 0 before any."""
        return self._media_at[-1] + self._lengths[-1] if self._lengths else 0

    def add(self, media_start: int, samples: int) -> None:
        """Media that was sent; it does not overlap what was sent before."""
        is_next = bool(self._lengths) and self._sent == self._sent_at[-1] + self._lengths[-1]
        if is_next and media_start == self.media_end:
            self._lengths[-1] += samples
        else:
            self._sent_at.append(self._sent)
            self._media_at.append(media_start)
            self._lengths.append(samples)
        self._sent += samples

    def pad(self, samples: int) -> None:
        """Silence was sent that lies nowhere on the media clock."""
        self._sent += samples

    def start_of(self, offset_s: float) -> float:
        """Media time at which something begins that begins so far into the stream."""
        at = round(offset_s * SAMPLE_RATE_HZ)
        return self._media_s(bisect_right(self._sent_at, at) - 1, at)

    def end_of(self, offset_s: float) -> float:
        """Media time at which something ends that ends so far into the stream."""
        at = round(offset_s * SAMPLE_RATE_HZ)
        return self._media_s(bisect_left(self._sent_at, at) - 1, at)

    def fresh_s(self, offset_s: float) -> float:
        """Where the contiguous media begins that reaches up to ``offset_s``."""
        if not self._sent_at:
            return 0.0
        span = max(0, bisect_left(self._sent_at, round(offset_s * SAMPLE_RATE_HZ)) - 1)
        return self._media_at[span] / SAMPLE_RATE_HZ

    def _media_s(self, span: int, at: int) -> float:
        if not self._sent_at:
            return 0.0
        span = max(0, span)
        passed = min(max(0, at - self._sent_at[span]), self._lengths[span])
        return (self._media_at[span] + passed) / SAMPLE_RATE_HZ


class KeptAudio:
    """The newest media that was taken, for a stream that has to hear it again."""

    def __init__(self, longest_s: float) -> None:
        self._longest = round(longest_s * SAMPLE_RATE_HZ)
        self._parts: deque[tuple[int, Pcm]] = deque()
        self._samples = 0

    @property
    def seconds(self) -> float:
        return self._samples / SAMPLE_RATE_HZ

    def add(self, start: int, pcm: Pcm) -> None:
        """Media positions only grow; there may be gaps."""
        if not len(pcm):
            return
        self._parts.append((start, pcm))
        self._samples += len(pcm)
        while len(self._parts) > 1 and self._samples - len(self._parts[0][1]) >= self._longest:
            self._samples -= len(self._parts.popleft()[1])

    def since(self, position: int) -> list[tuple[int, Pcm]]:
        """All that is kept from a media position on: (start, PCM), contiguous parts joined."""
        found: list[tuple[int, list[Pcm], int]] = []
        for start, pcm in self._parts:
            end = start + len(pcm)
            if end <= position:
                continue
            begin = max(start, position)
            if found and found[-1][2] == begin:
                first, parts, _ = found[-1]
                found[-1] = (first, [*parts, pcm[begin - start :]], end)
            else:
                found.append((begin, [pcm[begin - start :]], end))
        return [(start, np.concatenate(parts)) for start, parts, _ in found]
