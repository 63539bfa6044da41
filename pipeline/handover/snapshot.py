"""What another process needs to go on with a run: text and numbers, no audio, no voices.

A snapshot is a few kilobytes, msgspec encodes it as JSON or MessagePack, and it may be
taken at every commit. Audio is not in it: the client sends again what came after
``hear_from``. Shaped voices are not in it either: speakers go on with their stock voice
until their voice has been found (``pipeline.voices.kept_voices``) or shaped anew.
"""

from __future__ import annotations

import msgspec

from pipeline.events import Latencies
from pipeline.text.source_text import SourceTextState
from pipeline.types import SpeakerMatch, Style


class Delivered(msgspec.Struct, frozen=True, kw_only=True):
    """How much of the dub the client has got."""

    cue: int
    """The first cue whose sound is not complete at the client; all before it are."""
    samples: int = 0
    """How many samples of that cue the client has, at the cue's own rate."""


class PendingLine(msgspec.Struct, frozen=True, kw_only=True):
    """A committed line that the listener has not got completely."""

    line: int
    source_text: str
    source_language: str
    start_s: float
    end_s: float
    """Span of the source clause on the media clock."""
    heard_s: float
    """Media time of the newest audio heard when it was decided on."""
    speaker: SpeakerMatch
    voice: str
    style: Style
    told: bool
    """Whether its transcript has been told."""
    skipped: str | None = None
    """Why it is not heard, once that is decided."""
    into: int | None = None
    """The line as part of which it is heard, once that is decided."""
    target_text: str | None = None
    """None while it is not translated."""
    cue: int | None = None
    """Set once its cue has begun, like everything below. Lines of one cue share it."""
    cue_start_s: float | None = None
    cue_duration_s: float | None = None
    sample_rate: int = 0
    tempo: float = 1.0
    """Asked of the engine; asked again, the same sound comes."""
    stretch: float = 1.0
    """What was left to time stretching."""
    level_dbfs: float | None = None
    snr_db: float | None = None


class ModeState(msgspec.Struct, frozen=True):
    total: bytes
    """Sum of voiceprints weighted by seconds, little-endian float32."""
    known_s: float


class SpeakerState(msgspec.Struct, frozen=True):
    id: str
    modes: tuple[ModeState, ...]
    pinned: bool


class SpeakersState(msgspec.Struct, frozen=True, kw_only=True):
    """A SpeakerRegistry, without the segments that a person could still correct."""

    speakers: tuple[SpeakerState, ...] = ()
    aliases: dict[str, str] = {}
    names: dict[str, str] = {}
    opened: int = 0
    last: str | None = None
    last_at_s: float = 0.0


class CastVoice(msgspec.Struct, frozen=True):
    """``speaker`` None is the unknown one; ``voice`` is the id of a stock voice."""

    speaker: str | None
    voice: str
    pinned: bool


class Habit(msgspec.Struct, frozen=True):
    """How a speaker usually speaks; the averages of SpeakerProsody."""

    speaker: str | None
    averages: tuple[float, ...]


class TallyState(msgspec.Struct, frozen=True, kw_only=True):
    spoken: int = 0
    skipped: int = 0
    merged: int = 0
    errors: int = 0
    lost_s: float = 0.0
    latencies: tuple[Latencies, ...] = ()
    """A fair sample of the spoken lines'."""


class CommittingState(msgspec.Struct, frozen=True, kw_only=True):
    """What deciding the next line depends on."""

    next_line: int = 0
    speakers: SpeakersState = SpeakersState()
    cast: tuple[CastVoice, ...] = ()
    announced: dict[str, tuple[str, bool]] = {}
    """Speaker → voice and whether it was a shaped one, as last told."""
    habits: tuple[Habit, ...] = ()
    recent_text: tuple[str, ...] = ()
    sentence_open: int | None = None
    """Utterance whose sentence the last clause left open."""
    language: str = ""
    """The source language that was found last; "" where none was to be found."""


class Followed(msgspec.Struct, frozen=True, kw_only=True):
    """How far a follower's run has got in the run that it follows."""

    run: str
    """Which run that is."""
    line: int
    """The last of its lines that was taken; -1: none."""
    from_s: float | None = None
    """Its media time when it was joined; None: not known yet."""
    untranslated: dict[int, int] = {}
    """Lines whose translation has not come → their number in the follower's run."""


class RunSnapshot(msgspec.Struct, frozen=True, kw_only=True):
    """One run between two moments. Positions in samples at 16 kHz of the media clock."""

    committing: CommittingState
    tally: TallyState
    next_cue: int
    scheduled_end_s: float | None
    """End of the last cue that was told completely; None before the first."""
    media_s: float
    """Media time of the newest audio heard."""
    committed_s: float | None
    """End of the last committed clause; words before it are not committed again."""
    next_utterance: int
    """Number of the first utterance heard again."""
    hear_from: int
    """Audio from here on must be heard again, or nothing would be known of it."""
    hear_from_chunk: int
    """Sequence number of the chunk with that position (the last one heard, where it is
    that one's end); -1 when nothing was heard."""
    pending: tuple[PendingLine, ...] = ()
    """In order: lines that ``events`` has not given out completely."""
    sent: tuple[PendingLine, ...] = ()
    """The last lines before those, for a client that has not got all that was sent."""
    followed: Followed | None = None
    """Of a run that follows another."""
    source_text: SourceTextState | None = None
    """What the client has said of the source's text and was not said yet."""

    @property
    def next_line(self) -> int:
        return self.committing.next_line
