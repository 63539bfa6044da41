"""What an emulated Google has seen; tests and load runs read it."""

from __future__ import annotations

from collections import Counter
from dataclasses import dataclass, field

from pipeline.bounds import EMULATOR_PEERS_MAX


@dataclass
class GoogleCounts:
    """Written on the emulator's event loop only."""

    calls: Counter[str] = field(default_factory=Counter)
    """Method name → calls, refused ones included."""
    statuses: Counter[str] = field(default_factory=Counter)
    """Status → calls that the emulator ended with it; OK is not counted."""
    peers: set[str] = field(default_factory=set)
    """Addresses that called: an HTTP/2 connection has one of its own for as long as it lasts."""
    streams_opened: int = 0
    streams_open: int = 0
    streams_open_most: int = 0
    audio_s: float = 0.0
    billed_s: int = 0
    """Of streams that have ended: each rounded up to whole seconds."""
    interims: int = 0
    finals: int = 0
    characters: int = 0
    """Code points given to be translated or detected."""

    @property
    def connections(self) -> int:
        """HTTP/2 connections on which anything was called, since the start."""
        return len(self.peers)

    def call(self, method: str, peer: str) -> None:
        self.calls[method] += 1
        if len(self.peers) < EMULATOR_PEERS_MAX:
            self.peers.add(peer)

    def open_stream(self) -> None:
        self.streams_opened += 1
        self.streams_open += 1
        self.streams_open_most = max(self.streams_open_most, self.streams_open)

    def close_stream(self) -> None:
        self.streams_open -= 1
