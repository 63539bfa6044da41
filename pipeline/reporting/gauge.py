"""A run's vital signs for whoever looks for lost sound: one debug line a second of media.

Figures only: neither words nor sound are ever logged.
"""

from __future__ import annotations

import logging
from collections.abc import Callable

import numpy as np

from pipeline.types import SAMPLE_RATE_HZ, Pcm

log = logging.getLogger(__name__)

SILENCE_DBFS = -120.0


class Gauge:
    """Costs one test a chunk while debug logging is off.

    The callables are asked when a line is due: audio waiting to be heard and dubbed audio
    beyond the live edge, both in seconds, and lines waiting for their turn.
    """

    def __init__(
        self,
        session: str,
        *,
        inbox_s: Callable[[], float],
        backlog_s: Callable[[], float],
        waiting: Callable[[], int],
    ) -> None:
        self._session = session
        self._inbox_s = inbox_s
        self._backlog_s = backlog_s
        self._waiting = waiting
        self._energy = 0.0
        self._samples = 0

    def note(self, pcm: Pcm) -> None:
        """Take source audio that is being heard."""
        if not log.isEnabledFor(logging.DEBUG):
            return
        self._energy += float(np.square(pcm, dtype=np.float64).sum())
        self._samples += len(pcm)
        if self._samples < SAMPLE_RATE_HZ:
            return
        rms = (self._energy / self._samples) ** 0.5 / 32_768
        log.debug(
            "audio",
            extra={
                "session": self._session,
                "level_dbfs": round(20 * float(np.log10(rms)), 1) if rms > 0 else SILENCE_DBFS,
                "inbox_s": round(self._inbox_s(), 2),
                "backlog_s": round(self._backlog_s(), 2),
                "waiting": self._waiting(),
            },
        )
        self._energy, self._samples = 0.0, 0
