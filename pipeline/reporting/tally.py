"""Counts and latencies of one run, and the summary made of them."""

from __future__ import annotations

import random

import msgspec
import numpy as np

from pipeline.bounds import EXPORT_MAX, SAMPLES_MAX
from pipeline.events import Latencies, Summary
from pipeline.handover.snapshot import TallyState


class Tally:
    """Bounded: a session of any length takes the same memory."""

    def __init__(self, state: TallyState | None = None) -> None:
        state = state or TallyState()
        self._latencies = list(state.latencies)
        self._spoken = state.spoken
        self._skipped = state.skipped
        self._merged = state.merged
        self._errors = state.errors
        self._lost_s = state.lost_s

    def export(self) -> TallyState:
        """The counts, and a sample of the latencies."""
        latencies = self._latencies
        if len(latencies) > EXPORT_MAX:
            latencies = random.sample(latencies, EXPORT_MAX)
        return TallyState(
            spoken=self._spoken,
            skipped=self._skipped,
            merged=self._merged,
            errors=self._errors,
            lost_s=self._lost_s,
            latencies=tuple(latencies),
        )

    def count(self, unheard: str | None, latencies: Latencies | None) -> None:
        """Count a finished line: why it has no cue of its own, or how long it took."""
        if unheard is None:
            self.speak(latencies)
        elif unheard == "merged":
            self._merged += 1
        else:
            self.skip()

    def speak(self, latencies: Latencies | None) -> None:
        """Count a line that was heard; None where its sound came from another process."""
        self._spoken += 1
        if latencies is None:
            return
        if len(self._latencies) < SAMPLES_MAX:
            self._latencies.append(latencies)
        elif (slot := random.randrange(self._spoken)) < SAMPLES_MAX:
            # Vitter's algorithm R: every line keeps the same chance to be in the sample.
            self._latencies[slot] = latencies

    def skip(self) -> None:
        self._skipped += 1

    def fail(self) -> None:
        self._errors += 1

    def lose_audio(self, seconds: float) -> bool:
        """Count unheard source audio; True when a whole further second has gone."""
        before = self._lost_s
        self._lost_s += seconds
        return int(self._lost_s) > int(before) or before == 0.0

    def summary(self, media_s: float, speakers: int) -> Summary:
        percentiles: dict[int, dict[str, float]] = {50: {}, 95: {}}
        for name in msgspec.structs.asdict(self._latencies[0]) if self._latencies else ():
            values = [getattr(latencies, name) for latencies in self._latencies]
            for percent, figures in percentiles.items():
                figures[name] = round(float(np.percentile(values, percent)), 1)
        return Summary(
            lines=self._spoken + self._merged + self._skipped,
            speakers=speakers,
            skipped=self._skipped,
            merged=self._merged,
            errors=self._errors,
            media_s=round(media_s, 3),
            p50=percentiles[50],
            p95=percentiles[95],
        )
