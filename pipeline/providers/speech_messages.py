"""What a recogniser's process is told of one stream, and what it answers."""

from __future__ import annotations

import msgspec
import numpy as np

from pipeline.types import Hypothesis, Pcm, SpeechPiece


class Piece(msgspec.Struct, frozen=True, tag="piece"):
    """A SpeechPiece on its way to a process."""

    utterance: int
    start: int
    pcm: bytes
    """16-bit little-endian samples."""
    ends: bool
    speech_end: int | None = None

    @classmethod
    def of(cls, piece: SpeechPiece) -> Piece:
        pcm = piece.pcm.astype("<i2").tobytes()
        return cls(piece.utterance, piece.start, pcm, piece.ends, piece.speech_end)

    @property
    def samples(self) -> Pcm:
        return np.frombuffer(self.pcm, "<i2")

    @property
    def end(self) -> int:
        """Position on the media clock, samples."""
        return self.start + len(self.pcm) // 2


class Heard(msgspec.Struct, frozen=True, tag="heard"):
    hypothesis: Hypothesis


class Taken(msgspec.Struct, frozen=True, tag="taken"):
    """A piece has been searched; the parent counts what is still on its way."""
