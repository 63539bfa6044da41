"""What a run tells those who follow it: text and numbers, which may go to another process."""

from __future__ import annotations

import msgspec

from pipeline.types import SpeakerMatch, Style


class Shared(msgspec.Struct, frozen=True, kw_only=True, tag_field="type"):
    """Base of everything that followers are told."""


class RunBegan(Shared, frozen=True, kw_only=True, tag="began"):
    """What follows belongs to this run."""

    run: str
    source_language: str
    target_language: str
    preserve_voice: bool


class SharedLine(Shared, frozen=True, kw_only=True, tag="line"):
    """A committed line; its translation follows."""

    run: str
    line: int
    text: str
    language: str
    start_s: float
    end_s: float
    heard_s: float
    speaker: SpeakerMatch
    style: Style
    pitch_hz: float
    """Median F0 of the clause; 0 where unknown."""
    stock: str
    """Id of the stock voice that the speaker was cast with."""
    engine: str
    """The synthesiser whose voice that is."""
    shaped: bool
    """Whether that voice is shaped after the speaker by now."""
    arrived_ago_s: float
    decided_ago_s: float
    recognized_ago_s: float
    """How long ago, seconds: clocks of two processes need not agree."""


class SharedTranslation(Shared, frozen=True, kw_only=True, tag="translation"):
    run: str
    line: int
    text: str = ""
    took_ms: float = 0.0
    failed: str = ""
    """Code, when it could not be translated."""
    message: str = ""


class SharedPartial(Shared, frozen=True, kw_only=True, tag="partial"):
    """May be left out."""

    utterance: int
    text: str
    language: str


class SharedClock(Shared, frozen=True, kw_only=True, tag="clock"):
    """The source has been heard up to here."""

    media_s: float


class RunEnded(Shared, frozen=True, kw_only=True, tag="ended"):
    """No more lines; ``complete``: nor translations."""

    run: str
    complete: bool


class LeaderHere(Shared, frozen=True, kw_only=True, tag="here"):
    """Whether the client that sends the sound is connected."""

    here: bool


class FeedClosed(Shared, frozen=True, kw_only=True, tag="closed"):
    """Nothing more comes from this process; ``moved``: another one will go on."""

    moved: bool


AnyShared = (
    RunBegan
    | SharedLine
    | SharedTranslation
    | SharedPartial
    | SharedClock
    | RunEnded
    | LeaderHere
    | FeedClosed
)
