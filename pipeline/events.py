"""What a dubbing run tells its listener: the server's messages, typed once.

Each Struct is also the JSON message of the socket protocol (its ``type`` is the
tag), so the wire has nothing to translate. Times: ``*_s`` seconds on the media
clock, ``*_ms`` milliseconds of wall time.
"""

from __future__ import annotations

from typing import Any, Literal

import msgspec


class Latencies(msgspec.Struct, frozen=True, kw_only=True):
    """Milliseconds of wall time that one line spent on its way."""

    endpoint_ms: float
    """Last source word's arrival → the decision to commit the clause."""
    recognition_ms: float
    """Decision → committed text."""
    translation_ms: float
    """Committed text → its translation."""
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
    """Dubbing has started: what was asked for, as it will be done."""

    session_id: str
    """The session, as in the address."""
    source_language: str
    """Language that is recognised; ``auto`` where it is found out while people speak."""
    target_language: str
    """Language of the dub."""
    preserve_voice: bool
    """True when voices are shaped after the people who speak."""
    sample_rate: int
    """Rate that the client's PCM is expected at, Hz."""
    engines: dict[str, str]
    """Role → engine name."""
    protocol: str
    """Subprotocol that is spoken."""
    follows: str | None = None
    """The session whose lines are spoken; null when this one hears for itself."""


class LanguageFound(Event, frozen=True, kw_only=True, tag="language"):
    """What is spoken was found out, or has changed: lines from the next one on are in it."""

    language: str
    """ISO 639-1 code; empty when the engines do not know, and the translator is to find out."""


class PartialTranscript(Event, frozen=True, kw_only=True, tag="partial_transcript"):
    """What seems to be said just now; may still change, and is never dubbed as such."""

    utterance: int
    """Number of the stretch of speech; the next message of it replaces this one."""
    text: str
    """Everything recognised in it so far, clauses that have become final included."""
    language: str
    """Language that is recognised; empty while that is not known."""


class CommittedTranscript(Event, frozen=True, kw_only=True, tag="transcript"):
    """A clause that is final: it becomes a line, and is translated and spoken."""

    line: int
    """Number of the line in its session, from 0."""
    text: str
    """The clause in the source language."""
    language: str
    """Language that was recognised."""
    speaker: str | None
    """Who speaks; null when that could not be told."""
    start_s: float
    """Media time at which the clause begins."""
    end_s: float
    """Media time at which it ends."""
    heard_s: float
    """Media time of the newest audio heard when the clause was decided on: at the endpoint
    or the cut, before the recogniser's last word. From the moment a client sent that audio
    to the cue's first sample is commit → sound, measured outside."""


class Translated(Event, frozen=True, kw_only=True, tag="translation"):
    """A line in the target language."""

    line: int
    """The line that was translated."""
    text: str
    """Its text in the target language."""
    language: str
    """The target language."""


class SpeakerHeard(Event, frozen=True, kw_only=True, tag="speaker"):
    """A speaker appeared, or speaks with another voice from now on."""

    speaker: str
    """Name of the speaker within the session."""
    voice: str
    """The engine's id of the voice that speaks for them."""
    voice_name: str
    """The voice's name for people."""
    similarity: float
    """Cosine to the nearest voice known: the speaker's own, or of a new speaker another's."""
    shaped: bool
    """True once the voice is shaped after the person."""


class SpeakerIdentified(Event, frozen=True, kw_only=True, tag="identity"):
    """Who a speaker is, or no longer is; their voice follows with their next line."""

    speaker: str
    """Name of the speaker within the session."""
    state: Literal["unknown", "suggested", "confirmed"]
    """``suggested``: the server thinks so, and nothing follows from it until it is confirmed."""
    actor: str | None
    """Id of the actor, as in ``GET /api/actors``; null while unknown."""
    name: str
    """The actor's name; empty while unknown."""
    confidence: float
    """0 to 1; 1 when a person said so."""
    by_person: bool
    """True when a person said so: then it is final."""


class CueScheduled(Event, frozen=True, kw_only=True, tag="cue"):
    """Dubbed audio follows: play it when the media clock reaches ``start_s``."""

    cue: int
    """Number of the cue in its session, from 0; the sound that follows carries it."""
    line: int
    """The line that is spoken."""
    speaker: str | None
    """Whose line it is; null when that could not be told."""
    start_s: float
    """Media time at which the cue is to be heard."""
    duration_s: float
    """How long it is expected to last."""
    sample_rate: int
    """Rate of its sound, Hz."""
    tempo: float
    """How much faster than usual it is spoken because the dub was behind; 1: not at all."""
    engine: str
    """The synthesiser that speaks it."""
    voice: str
    """The engine's id of the voice."""
    latencies: Latencies
    """What became of the time until the first block of sound."""


class CueEnded(Event, frozen=True, kw_only=True, tag="cue_end"):
    """All audio of a cue has been sent; ``duration_s`` is what it really lasts."""

    cue: int
    """The cue that is complete."""
    duration_s: float
    """Length of all its sound."""


class Skipped(Event, frozen=True, kw_only=True, tag="skipped"):
    """A line that will not be heard; its text is shown as a subtitle."""

    line: int
    """The line that is skipped."""
    reason: str
    """``backlog`` when the dub was too far behind, else a code as in an error."""
    text: str
    """The translation where there is one, else the source."""


class Merged(Event, frozen=True, kw_only=True, tag="merged"):
    """A line that is heard as part of another one, because the dub was behind."""

    line: int
    """The line that has no cue of its own."""
    into: int
    """The line whose cue says it too."""


class Notice(Event, frozen=True, kw_only=True, tag="notice"):
    """Something that the listener may want to know; dubbing goes on."""

    code: str
    """Stable code."""
    message: str
    """The same in plain words."""


class Failure(Event, frozen=True, kw_only=True, tag="error"):
    """Something could not be done; the socket stays open."""

    code: str
    """Stable code."""
    message: str
    """What is wrong and what can be done, in plain words."""
    details: dict[str, Any] = {}
    """What a program may want beside the code, such as the pairs that are ``available``."""


class Summary(Event, frozen=True, kw_only=True, tag="summary"):
    """Dubbing has ended: the figures of the whole run."""

    lines: int
    """All that were committed; those neither skipped nor merged had a cue of their own."""
    speakers: int
    """Speakers that were told apart."""
    skipped: int
    """Lines that were not heard."""
    merged: int
    """Heard as part of another line."""
    errors: int
    """Errors on the way."""
    media_s: float
    """Length of the source that was heard."""
    p50: dict[str, float]
    """Latency field → median milliseconds."""
    p95: dict[str, float]
    """Latency field → milliseconds that one line in twenty exceeds."""


class CueAudio(msgspec.Struct, frozen=True, kw_only=True):
    """A block of a cue's sound: a binary frame, or base64 for JSON clients."""

    cue: int
    start_s: float
    """Media time at which the block's first sample is to be heard."""
    sample_rate: int
    pcm: bytes
    """Mono PCM16 little-endian."""
    last: bool = False
