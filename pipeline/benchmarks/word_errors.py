"""Word error rate, and the reference texts of the shared recordings."""

from __future__ import annotations

import re
from dataclasses import dataclass
from pathlib import Path

import numpy as np
import soundfile
import soxr

from pipeline.cloning.quality import word_errors
from pipeline.types import SAMPLE_RATE_HZ, Pcm

__all__ = ["Recording", "clean_recordings", "normalized", "read_pcm", "word_errors"]

SPELLINGS = {"mr": "mister", "mrs": "missus", "dr": "doctor", "st": "saint", "10": "ten"}
# Conditions in which pocketsphinx's own result is mostly wrong: babble, telephone.
NOT_CLEAN = ("noisy", "dialogue/", "video/")


@dataclass(frozen=True, slots=True)
class Recording:
    path: Path
    group: str
    transcript: tuple[str, ...]
    """Normalised words."""


def normalized(text: str) -> list[str]:
    """Lower-case words without punctuation, abbreviations written out."""
    words = re.findall(r"[a-z0-9']+", text.lower())
    return [SPELLINGS.get(word, word) for word in words]


def clean_recordings(folder: Path) -> list[Recording]:
    """English recordings with transcripts, clean ones only, in the manifest's order."""
    found = []
    for line in (folder / "MANIFEST.md").read_text().splitlines():
        cells = [cell.strip() for cell in line.strip().strip("|").split("|")]
        if len(cells) != 8 or cells[3] != "en" or cells[7] == "-":
            continue
        name = cells[0]
        if not any(mark in name for mark in NOT_CLEAN):
            group = re.match(r"(?:\w+/)?([A-Za-z]+)", name)
            label = name.split("/")[0] if name.startswith("librispeech") else ""
            found.append(
                Recording(
                    folder / name,
                    label or (group.group(1) if group else name),
                    tuple(normalized(cells[7])),
                )
            )
    return found


def read_pcm(path: Path) -> Pcm:
    """Any recording as mono 16 kHz PCM16; ``.raw`` is taken for that already."""
    if path.suffix == ".raw":
        return np.fromfile(path, np.int16)
    audio, rate = soundfile.read(path, dtype="float32", always_2d=True)
    mono = audio.mean(axis=1)
    if rate != SAMPLE_RATE_HZ:
        mono = soxr.resample(mono, rate, SAMPLE_RATE_HZ)
    pcm: Pcm = (np.clip(mono, -1, 1) * 32767).astype(np.int16)
    return pcm
