"""Voiceprints of people who do not exist, spread like those of people who do.

Each person is a point in a space of 80 dimensions, whose later ones count less; what they say
scatters around it. A fixed map to 256 numbers, cut at zero and scaled to norm 1, is what
Resemblyzer's last layer does too. The numbers were chosen so that cosines are those of real
two-second recordings: 0.81 ± 0.04 of one person, 0.48 ± 0.07 of two.
"""

from __future__ import annotations

import numpy as np
import numpy.typing as npt

Vectors = npt.NDArray[np.float32]

DIMENSIONS = 256
RANK = 80
SCATTER = 0.6
BIAS = 0.6
GRAIN = 0.3
_SEED = 12345


class SyntheticPeople:
    """``count`` people, the same ones for the same seed."""

    def __init__(self, count: int, seed: int = 0) -> None:
        fixed = np.random.default_rng(_SEED)
        weights = np.arange(1, RANK + 1, dtype=np.float32)[:, None] ** -0.3
        mixing = fixed.standard_normal((RANK, DIMENSIONS)).astype(np.float32) * weights
        self._mixing = mixing / np.sqrt(np.square(mixing).sum(axis=0))
        self._random = np.random.default_rng(seed)
        self._people = self._random.standard_normal((count, RANK)).astype(np.float32)

    def say(self, people: npt.NDArray[np.int64]) -> Vectors:
        """One voiceprint of each, shape (len(people), 256), L2 norm 1."""
        scatter = self._random.standard_normal((len(people), RANK)).astype(np.float32)
        grain = self._random.standard_normal((len(people), DIMENSIONS)).astype(np.float32)
        said = (self._people[people] + SCATTER * scatter) @ self._mixing + BIAS + GRAIN * grain
        said = np.maximum(said, 0.0)
        return np.asarray(said / np.linalg.norm(said, axis=1, keepdims=True), np.float32)
