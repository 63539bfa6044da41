"""What the emulator's parts share while it runs."""

from __future__ import annotations

from collections import Counter
from dataclasses import dataclass, field
from typing import Literal

from aiohttp import web

from pipeline.emulators.behaviour import Fault, Faults
from pipeline.emulators.elevenlabs.account import Account
from pipeline.emulators.elevenlabs.faults import refusal_of, require_known
from pipeline.emulators.elevenlabs.mouths import Mouth
from pipeline.emulators.elevenlabs.speaking import Pace

DurationsKey = Literal["charDurationsMs", "charsDurationsMs"]


@dataclass
class Counters:
    """Since the emulator was made; ``*_open`` are of now and ``*_most`` the highest of them."""

    connections: int = 0
    """TCP connections accepted."""
    sockets: int = 0
    """Sockets whose handshake was answered with 101."""
    sockets_open: int = 0
    sockets_most: int = 0
    contexts: int = 0
    contexts_open: int = 0
    contexts_most: int = 0
    """On all sockets together."""
    requests: Counter[str] = field(default_factory=Counter)
    """Leg → HTTP requests, handshakes included."""
    generations: int = 0
    """Texts spoken on sockets."""
    characters: int = 0
    refusals: Counter[str] = field(default_factory=Counter)
    """Status → how often it was answered, for whatever reason."""


@dataclass
class Vendor:
    account: Account
    mouth: Mouth
    pace: Pace
    faults: Faults
    counters: Counters = field(default_factory=Counters)
    newer_errors: bool = False
    durations_key: DurationsKey = "charDurationsMs"
    closing_counts: bool = True
    """Whether a context that was told to close counts as open until it has spoken."""
    base_url: str = ""

    def hit(self, leg: str) -> Fault | None:
        """The fault of this call, to be asked for once.

        Raises the RefusalError that the fault stands for, if it is one.
        """
        fault = self.faults.pick(leg)
        if fault is None:
            return None
        require_known(fault)
        if refusal := refusal_of(fault):
            raise refusal
        return fault


VENDOR: web.AppKey[Vendor] = web.AppKey("vendor", Vendor)


def vendor_of(request: web.Request) -> Vendor:
    return request.app[VENDOR]
