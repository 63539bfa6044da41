"""Sounds that the scripted engines take for people speaking."""

from __future__ import annotations

import numpy as np

from pipeline.types import SAMPLE_RATE_HZ, Pcm


def tone(seconds: float, hz: float = 140.0, *, level: float = 8000.0) -> Pcm:
    """What counts as one person's speech here; ``hz`` is the person."""
    time_s = np.arange(round(seconds * SAMPLE_RATE_HZ)) / SAMPLE_RATE_HZ
    return (level * np.sin(2 * np.pi * hz * time_s)).astype(np.int16)


def silence(seconds: float) -> Pcm:
    return np.zeros(round(seconds * SAMPLE_RATE_HZ), dtype=np.int16)


def utterances(*spoken: tuple[float, float], pause_s: float = 1.0) -> Pcm:
    """Tones of (seconds, Hz), each followed by a pause."""
    parts = [part for seconds, hz in spoken for part in (tone(seconds, hz), silence(pause_s))]
    return np.concatenate([silence(0.3), *parts])
