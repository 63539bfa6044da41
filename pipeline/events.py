"""What a dubbing run tells its listener: the server's messages, typed once.

Each Struct is also the JSON message of the socket protocol (its ``type`` is the
tag), so the wire has nothing to translate. Times: ``*_s`` seconds on the media
clock, ``*_ms`` milliseconds of wall time.
"""

from __future__ import annotations

from typing import Any

import msgspec


class Latencies(msgspec.Struct, frozen=True, kw_only=True):
    """Milliseconds of wall time that one line spent on its way."""

    endpoint_ms: float
    """Last source word's arrival → the decision to commit the clause."""
    recognition_ms: float
    """Decision → committed text."""
    translation_ms: float
    synthesis_ms: float
    """Request → first block of audio, shaping included."""
    total_ms: float
    """Last source word's arrival → first dubbed byte leaves the server."""
    lag_ms: float
    """Ear–voice span: from the middle of the source clause to the middle of its dub,
    on the media clock; what the average word of the line waits."""


class Event(msgspec.Struct, frozen=True, kw_only=True, tag_field="type"):
    """Base of every server message; ``sequence`` is set by the socket, not here."""


class Ready(Event, frozen=True, kw_only=True, tag="ready"):
    session_id: str
    source_language: str
    target_language: str
    preserve_voice: bool
    sample_rate: int
    """Rate that the client's PCM is expected at, Hz."""
    engines: dict[str, str]
    """Role → engine name."""
    protocol: str


class PartialTranscript(Event, frozen=True, kw_only=True, tag="partial_transcript"):
    utterance: int
    text: str
    language: str


class CommittedTranscript(Event, frozen=True, kw_only=True, tag="transcript"):
    line: int
    text: str
    language: str
    speaker: str | None
    start_s: float
    end_s: float
    heard_s: float
    """Media time of the newest audio heard when the clause was decided on: at the endpoint
    or the cut, before the recogniser's last word. From the moment a client sent that audio
    to the cue's first sample is commit → sound, measured outside."""


class Translated(Event, frozen=True, kw_only=True, tag="translation"):
    line: int
    text: str
    language: str


class SpeakerHeard(Event, frozen=True, kw_only=True, tag="speaker"):
    """A speaker appeared, or speaks with another voice from now on."""

    speaker: str
    voice: str
    voice_name: str
    similarity: float
    shaped: bool
    """True once the voice is shaped after the person."""


class CueScheduled(Event, frozen=True, kw_only=True, tag="cue"):
    """Dubbed audio follows: play it when the media clock reaches ``start_s``."""

    cue: int
    line: int
    speaker: str | None
    start_s: float
    duration_s: float
    sample_rate: int
    tempo: float
    engine: str
    voice: str
    latencies: Latencies


class CueEnded(Event, frozen=True, kw_only=True, tag="cue_end"):
    """All audio of a cue has been sent; ``duration_s`` is what it really lasts."""

    cue: int
    duration_s: float


class Skipped(Event, frozen=True, kw_only=True, tag="skipped"):
    """A line that will not be heard; its text is shown as a subtitle."""

    line: int
    reason: str
    text: str


class Merged(Event, frozen=True, kw_only=True, tag="merged"):
    """A line that is heard as part of another one, because the dub was behind."""

    line: int
    into: int


class Notice(Event, frozen=True, kw_only=True, tag="notice"):
    code: str
    message: str


class Failure(Event, frozen=True, kw_only=True, tag="error"):
    code: str
    message: str
    details: dict[str, Any] = {}


class Summary(Event, frozen=True, kw_only=True, tag="summary"):
    lines: int
    """All that were committed; those neither skipped nor merged had a cue of their own."""
    speakers: int
    skipped: int
    merged: int
    """Heard as part of another line."""
    errors: int
    media_s: float
    p50: dict[str, float]
    """Latency field → median milliseconds."""
    p95: dict[str, float]


class CueAudio(msgspec.Struct, frozen=True, kw_only=True):
    """A block of a cue's sound: a binary frame, or base64 for JSON clients."""

    cue: int
    start_s: float
    """Media time at which the block's first sample is to be heard."""
    sample_rate: int
    pcm: bytes
    """Mono PCM16 little-endian."""
    last: bool = False
