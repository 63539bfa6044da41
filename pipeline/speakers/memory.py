"""What a run asks of whoever remembers speakers: the port, and what goes through it."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Protocol

from pipeline.speakers.identification import Band, Mean, State
from pipeline.speakers.voiceprinting import Voiceprints
from pipeline.types import Voice


@dataclass(frozen=True, slots=True)
class Stretch:
    """Clean speech of one speaker that became voiceprints."""

    at_s: float
    """Media time at which it begins."""
    duration_s: float
    """From there to its end, what others said between included."""
    voiceprints: Voiceprints


@dataclass(frozen=True, slots=True, kw_only=True)
class Heard:
    """What is known by now of one speaker of the run."""

    speaker: str
    """Their name within the session."""
    voice: Mapping[Band, Mean]
    """Of everything heard of them."""
    new: Sequence[Stretch]
    """Heard since the last time, for whoever keeps it."""
    speech_s: float
    """Clean speech of all of it."""
    language: str
    """ISO 639 code of what they speak."""
    stock: Voice | None
    """The voice that they were cast with."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Identity:
    """Who a speaker is."""

    speaker: str
    state: State
    actor: str = ""
    """Id of the actor; "" unless suggested or confirmed."""
    name: str = ""
    """The actor's name."""
    confidence: float = 0.0
    """0 to 1."""
    by_person: bool = False
    """A person said so: final."""
    voice: str = ""
    """Engine's id of the stock voice that spoke for the actor before, or was pinned to them."""
    pinned: bool = False
    """A person chose that voice: it is spoken as it is."""
    own: Voice | None = None
    """A clone of the actor's voice, which goes before every other; spoken as it is."""
    may_clone: bool = False
    """Whether the actor has consented to a synthetic voice."""


class SpeakerMemory(Protocol):
    """Knows actors from before, and keeps what may be kept of a session's speakers.

    Belongs to one session of one user. Bounded in time; never raises: a memory that is away
    knows nobody.
    """

    @property
    def encoder(self) -> str:
        """Name of the encoder whose voiceprints it can compare."""

    @property
    def version(self) -> str:
        """Its version."""

    @property
    def keeps(self) -> bool:
        """Whether voiceprints of this session's speakers are kept."""

    async def known(self) -> Sequence[Identity]:
        """Who the session's speakers are, as far as that was found out or decided before."""

    async def identify(self, heard: Heard) -> Identity | None:
        """Who it is; None when that cannot be said now. Keeps what may be kept."""

    async def spoke_with(self, identity: Identity, stock: Voice, language: str) -> None:
        """``stock`` speaks for a confirmed actor from now on: so it shall the next time."""
