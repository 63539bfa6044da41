"""Joining blocks of resynthesised speech without a click.

Synchronised overlap-add (Roucos and Wilgus 1985): each block is laid over the end of
the one before at the lag, up to 5 ms, at which the two waveforms agree best.
"""

from __future__ import annotations

import numpy as np

from pipeline.providers.offline.voice_profile import Floats
from pipeline.types import Pcm

OVERLAP = 160
"""Samples over which one block fades into the next: 10 ms."""
FADE_IN, FADE_OUT = 32, 128
"""Samples over which a clip begins and ends: 2 and 8 ms. The synthesiser's own last sound may
reach to its last sample, and resynthesis makes every sound some milliseconds longer."""
MAX_LAG = 80
WORTH_MOVING = 0.5
"""Below this correlation the joint lies in noise or silence, where no lag is better."""


class BlockJoiner:
    """Takes overlapping blocks in order and gives out one gapless clip of ``total`` samples."""

    def __init__(self, *, total: int) -> None:
        self._total = total
        self._given = 0
        self._tail: Floats | None = None

    def push(self, block: Floats, *, offset: int, samples: int, last: bool) -> Pcm:
        """The next piece of the clip.

        ``block[offset]`` is the first sample of its own stretch of ``samples``; before and
        after lies context. The last OVERLAP samples of the stretch stay here for the joint.
        """
        start, end = offset, offset + samples
        if self._tail is not None:
            start -= OVERLAP
            lag, agreement = _best_lag(self._tail, block, start)
            start += lag
            block = block.copy()
            block[start : start + OVERLAP] = _fade(
                self._tail, block[start : start + OVERLAP], agreement
            )
        if last:
            # The lags have moved the end by some milliseconds.
            wanted = self._total - self._given
            piece = block[start : start + wanted]
            piece = np.pad(piece, (0, wanted - len(piece)))
            falling = _rising(min(FADE_OUT, len(piece)))[::-1]
            piece[len(piece) - len(falling) :] *= falling
        else:
            piece = block[start : end - OVERLAP].copy()
            self._tail = block[end - OVERLAP : end].copy()
        if not self._given:
            rising = _rising(min(FADE_IN, len(piece)))
            piece[: len(rising)] *= rising
        self._given += len(piece)
        scaled = np.clip(piece * 32_768.0, -32_768, 32_767)
        return scaled.astype(np.int16)


def _rising(samples: int) -> Floats:
    """Half a cosine from 0 to 1."""
    return np.asarray(0.5 - 0.5 * np.cos(np.pi * (np.arange(samples) + 0.5) / samples))


def _best_lag(tail: Floats, block: Floats, start: int) -> tuple[int, float]:
    """Lag in samples and the correlation there, -1 to 1."""
    low = max(0, start - MAX_LAG)
    region = block[low : start + MAX_LAG + OVERLAP]
    products = np.correlate(region, tail, "valid")
    energy = np.convolve(region**2, np.ones(len(tail)), "valid")
    correlation = products / np.sqrt(np.maximum(energy * np.sum(tail**2), 1e-20))
    best = int(np.argmax(correlation))
    if correlation[best] < WORTH_MOVING:
        return 0, float(correlation[start - low])
    return low + best - start, float(correlation[best])


def _fade(old: Floats, new: Floats, agreement: float) -> Floats:
    rising = (np.arange(OVERLAP) + 0.5) / OVERLAP
    falling = 1.0 - rising
    # Waveforms that disagree, such as noise, would lose power in a linear crossfade.
    power = rising**2 + falling**2 + 2 * rising * falling * max(agreement, 0.0)
    return np.asarray((falling * old + rising * new) / np.sqrt(power))
