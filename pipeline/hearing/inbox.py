"""The bounded door of a run: source audio waits here to be heard."""

from __future__ import annotations

import asyncio
from collections import deque

import numpy as np

from pipeline import metrics
from pipeline.bounds import FILE_MAX_S, GAP_FILL_MAX_S, LIVE_MAX_S
from pipeline.types import SAMPLE_RATE_HZ, AudioChunk


class Inbox:
    """One producer, one consumer, both on the event loop."""

    def __init__(self) -> None:
        self._chunks: deque[AudioChunk] = deque()
        self._samples = 0
        self._wake = asyncio.Event()
        self._room = asyncio.Event()
        self._closed = False
        metrics.track_queue("inbox", self, lambda inbox: inbox.waiting_s)

    @property
    def waiting_s(self) -> float:
        """Audio waiting to be heard."""
        return self._samples / SAMPLE_RATE_HZ

    def push(self, chunk: AudioChunk) -> float:
        """Take live audio without waiting; returns seconds of older audio dropped for it."""
        self._put(chunk)
        lost = 0
        while self._samples > LIVE_MAX_S * SAMPLE_RATE_HZ and len(self._chunks) > 1:
            lost += len(self._take().pcm)
        return lost / SAMPLE_RATE_HZ

    async def feed(self, chunk: AudioChunk) -> None:
        """Take audio of a file; waits for room. Returns at once when closed."""
        while self._samples > FILE_MAX_S * SAMPLE_RATE_HZ and not self._closed:
            self._room.clear()
            await self._room.wait()
        if not self._closed:
            self._put(chunk)

    def close(self) -> None:
        """No more audio: what is here is still given out, then ``next`` gives None."""
        self._closed = True
        self._wake.set()
        self._room.set()

    async def next(self) -> AudioChunk | None:
        while not self._chunks:
            if self._closed:
                return None
            self._wake.clear()
            await self._wake.wait()
        return self._take()

    def _put(self, chunk: AudioChunk) -> None:
        self._chunks.append(chunk)
        self._samples += len(chunk.pcm)
        self._wake.set()

    def _take(self) -> AudioChunk:
        chunk = self._chunks.popleft()
        self._samples -= len(chunk.pcm)
        self._room.set()
        return chunk


def contiguous(chunk: AudioChunk, expected: int) -> list[AudioChunk]:
    """The chunk joined to what ends at ``expected``.

    A gap is preceded by silence (which ends the utterance in hand when it is long),
    samples that were there already are left out.
    """
    gap = chunk.start - expected
    if gap == 0:
        return [chunk]
    if gap < 0:
        rest = chunk.pcm[-gap:]
        return [AudioChunk(chunk.sequence, expected, rest)] if len(rest) else []
    fill = min(gap, round(GAP_FILL_MAX_S * SAMPLE_RATE_HZ))
    silence = np.zeros(fill, dtype=np.int16)
    return [AudioChunk(chunk.sequence, chunk.start - fill, silence), chunk]
