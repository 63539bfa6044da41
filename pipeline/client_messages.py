"""What a client says, as JSON objects with a ``type``; ``events`` has what it is told.

Their docstrings and bounds are those of the protocol's document.
"""

from __future__ import annotations

from typing import Annotated, Literal

import msgspec

from pipeline.bounds import (
    GLOSSARY_TERM_MAX,
    LANGUAGE_MAX,
    PING_ID_MAX,
    SAMPLE_NAME_MAX,
    SOURCE_TEXT_CHARS_MAX,
    SOURCE_TEXT_CUES_MAX,
    SPEAKER_ID_MAX,
    TITLE_WISH_MAX,
)
from pipeline.ports import Endpointing

LanguageCode = Annotated[str, msgspec.Meta(max_length=LANGUAGE_MAX)]
GlossaryTerm = Annotated[str, msgspec.Meta(max_length=GLOSSARY_TERM_MAX)]


class ClientMessage(msgspec.Struct, frozen=True, kw_only=True, tag_field="type"):
    """Base of every JSON message that a client may send."""


class CountedMessage(ClientMessage, frozen=True, kw_only=True):
    """A message that changes something, and must not count twice when it is sent again."""

    number: Annotated[int, msgspec.Meta(ge=1, le=2**53 - 1)] | None = None
    """Counts ``start_dubbing``, ``follow_dubbing``, ``stop_dubbing``, ``source_text``,
    ``create_voice_clone``, ``identify_speaker`` and ``keep_sample`` together, from 1; one that was
    taken is not taken again. null: always taken."""


class Authenticate(ClientMessage, frozen=True, kw_only=True, tag="authenticate"):
    """First message of a client that could say nothing of itself in the handshake."""

    token: Annotated[str, msgspec.Meta(max_length=512)]
    """An API token, or a ticket."""


class Acknowledge(ClientMessage, frozen=True, kw_only=True, tag="acknowledge"):
    """Every server message up to this one has come; it need not be kept for a resume."""

    sequence: Annotated[int, msgspec.Meta(ge=0, le=2**53 - 1)]
    """Number of the last server message that came."""


class Recognition(msgspec.Struct, frozen=True, kw_only=True):
    """How the source is to be recognised, for engines that can be told."""

    model: Annotated[str, msgspec.Meta(pattern=r"^(?!.*\n)([A-Za-z0-9][A-Za-z0-9_.-]{0,63})?$")] = (
        ""
    )
    """The engine's own name of a model, such as ``chirp_3``; empty: as the server is set."""
    region: Annotated[str, msgspec.Meta(pattern=r"^(?!.*\n)([a-z][a-z0-9-]{1,31})?$")] = ""
    """The vendor's own name of the place that serves, such as ``us``; empty: as the server is
    set."""
    endpointing: Endpointing = "short"
    """How soon the engine itself takes a pause for an end: ``supershort`` is soonest."""


class StartDubbing(CountedMessage, frozen=True, kw_only=True, tag="start_dubbing"):
    """Begin to dub; while something is dubbed already, end that and begin anew."""

    target_language: LanguageCode
    """Language to dub into, such as ``es``."""
    source_language: LanguageCode = "auto"
    """Language that is spoken; ``auto`` leaves it to the server."""
    preserve_voice: bool = True
    """Shape each voice after the person who speaks."""
    sample_rate: Annotated[int, msgspec.Meta(ge=0, le=2**53 - 1)] | None = None
    """Rate of the PCM that will follow, 8000 to 48000 Hz; null: the server's SAMPLE_RATE."""
    glossary: dict[GlossaryTerm, GlossaryTerm] = {}
    """Source term → required term; the same term twice means: do not translate."""
    engines: dict[str, str] = {}
    """Role, as in ``ready.engines`` → engine that is to fill it, as in ``GET /api/engines``;
    roles that are not named are filled as the server is set."""
    recognition: Recognition | None = None
    """How the source is to be recognised; null: as the server is set."""
    speakers: Literal["off", "recognise", "remember"] | None = None
    """What is done about those who speak. ``recognise``: known actors are looked for, nobody's
    voice is kept. ``remember``: voices are kept as well, so that the next session knows them
    and gives them the same voice. null: as the user has set it."""
    source_candidates: list[str] = []
    """With ``auto``: up to four languages that may be spoken, likeliest first; empty leaves
    that to the server."""
    team: Annotated[int, msgspec.Meta(ge=1, le=2**63 - 1)] | None = None
    """Number of a team of yours whose members may follow the session; null: as it was."""
    source_text: bool = False
    """``source_text`` messages will come: then a source language that nothing here recognises
    is no reason to refuse, and what they say is all that is dubbed of it."""
    discard: bool = False
    """What was said before and is not dubbed yet is not wanted any more: after a seek, say. It
    is ``skipped``, and the runs in hand end at once."""
    title: Annotated[str, msgspec.Meta(max_length=TITLE_WISH_MAX)] | None = None
    """What is dubbed: an id as in ``GET /api/titles``, or its name or address, of which a title
    of yours is made where there is none. Who was heard in it before is likelier then. null: as
    it was."""


class FollowDubbing(CountedMessage, frozen=True, kw_only=True, tag="follow_dubbing"):
    """Hear the source of another live session in the language into which it is dubbed, with
    voices of one's own, without sending any sound; what is dubbed already ends."""

    session: Annotated[
        str, msgspec.Meta(pattern=r"^(?!.*\n)[0-9a-fA-F]{8}(-[0-9a-fA-F]{4}){3}-[0-9a-fA-F]{12}$")
    ]
    """UUID of a session of yours or of a team of yours, as in ``GET /api/sessions/live``."""
    preserve_voice: bool = True
    """Shape each voice after the person who speaks."""
    engines: dict[str, str] = {}
    """``synthesis`` → engine that is to speak, as in ``GET /api/engines``; if it is not named,
    as the server is set."""


class AudioChunkMessage(ClientMessage, frozen=True, kw_only=True, tag="audio_chunk"):
    """Source sound from a client without binary frames.

    A chunk that names a ``target_language`` starts dubbing by itself, or changes what is
    being dubbed; ``start_dubbing`` is then not needed.
    """

    audio_data: bytes
    """Base64 of mono PCM16 little-endian, or of a WAV, FLAC, OGG or MP3 file."""
    source_language: LanguageCode | None = None
    """As in ``start_dubbing``; null: as before."""
    target_language: LanguageCode | None = None
    """As in ``start_dubbing``; null: as before."""
    preserve_voice: bool | None = None
    """As in ``start_dubbing``; null: as before."""
    sequence: int | None = None
    """Number of the chunk, from 0, no gaps; null: the one after the last."""
    media_time: float | None = None
    """Media time of the first sample, seconds; null: where the last chunk ended."""


class CreateVoiceClone(CountedMessage, frozen=True, kw_only=True, tag="create_voice_clone"):
    """Would these recordings of one person make a good clone of their voice? For an actor who
    has consented to it one is made of them."""

    speaker_id: str
    """The client's own name for the person, or the session's of a speaker whose actor is known;
    1 to 64 characters."""
    audio_samples: list[bytes]
    """1 to 20 recordings, 120 s in all; each as ``audio_data`` of an ``audio_chunk``."""
    actor: Annotated[str, msgspec.Meta(max_length=36)] = ""
    """Id of the actor whose voice it is, as in ``GET /api/actors``; "" is the speaker's."""


class IdentifySpeaker(CountedMessage, frozen=True, kw_only=True, tag="identify_speaker"):
    """A person says who a speaker is, or is not: final, and true from their next line on."""

    speaker: Annotated[str, msgspec.Meta(min_length=1, max_length=SPEAKER_ID_MAX)]
    """Name of the speaker within the session."""
    actor: Annotated[str, msgspec.Meta(max_length=36)]
    """Id of an actor, as in ``GET /api/actors``."""
    verdict: Literal["confirm", "reject"] = "confirm"
    """``confirm``: it is this actor, whoever was found before. ``reject``: it is not, and is
    never suggested for this speaker again."""


class Subtitle(msgspec.Struct, frozen=True, kw_only=True):
    """A piece of text and when it is said."""

    start_s: Annotated[float, msgspec.Meta(ge=0, le=2**33)]
    """Media time at which it begins to be said."""
    end_s: Annotated[float, msgspec.Meta(ge=0, le=2**33)]
    """Media time at which it has been said."""
    text: Annotated[str, msgspec.Meta(max_length=SOURCE_TEXT_CHARS_MAX)]
    """What is said, in plain text."""


class SourceTextMessage(CountedMessage, frozen=True, kw_only=True, tag="source_text"):
    """The text of what is said in a stretch of the source, as subtitles have it. Where it is
    known nothing is recognised: each piece becomes a line once its sound has come."""

    language: LanguageCode
    """Language of the text, which must be the run's ``source_language`` where that is named."""
    from_s: Annotated[float, msgspec.Meta(ge=0, le=2**33)]
    """Media time from which the text is told. What earlier messages of the run told to end later
    than this is replaced."""
    until_s: Annotated[float, msgspec.Meta(ge=0, le=2**33)]
    """Media time up to which ``cues`` have all that is said, at most 120 s after ``from_s``; as
    ``from_s``: nothing is known any more, and the source is recognised again."""
    cues: Annotated[list[Subtitle], msgspec.Meta(max_length=SOURCE_TEXT_CUES_MAX)] = []
    """The text in order, at most 64 pieces. Where there is none between the two times nobody
    speaks."""
    run: Annotated[int, msgspec.Meta(ge=1, le=2**53 - 1)] | None = None
    """``number`` of the ``start_dubbing`` whose media times these are; text of another run is
    left aside. null: the run in hand."""


class KeepSample(CountedMessage, frozen=True, kw_only=True, tag="keep_sample"):
    """Keep what a speaker has just said as a sample of an actor's voice, under a consent of the
    actor that allows it. It is the only way in which live sound is ever stored."""

    speaker: Annotated[str, msgspec.Meta(min_length=1, max_length=SPEAKER_ID_MAX)]
    """Name of the speaker within the session."""
    actor: Annotated[str, msgspec.Meta(max_length=36)]
    """Id of the actor whose voice it is, as in ``GET /api/actors``."""
    consent: Annotated[str, msgspec.Meta(max_length=36)] | None = None
    """Id of the consent under which it is kept, as in ``GET /api/consents``; null: one that
    covers it is found."""
    name: Annotated[str, msgspec.Meta(max_length=SAMPLE_NAME_MAX)] = ""
    """What the sample is to be called."""


class StopDubbing(CountedMessage, frozen=True, kw_only=True, tag="stop_dubbing"):
    """No more sound comes: what was said is still dubbed, then comes the summary."""

    discard: bool = False
    """What was said and is not dubbed yet is not wanted any more: it is ``skipped``, and the
    summary comes at once."""


class Ping(ClientMessage, frozen=True, kw_only=True, tag="ping"):
    """Is anybody there? Answered with a ``pong``, also while nothing is dubbed."""

    id: (
        Annotated[int, msgspec.Meta(ge=-(2**63), le=2**63 - 1)]
        | Annotated[str, msgspec.Meta(max_length=PING_ID_MAX)]
        | None
    ) = None
    """Comes back in the answer."""


AnyClientMessage = (
    Authenticate
    | StartDubbing
    | FollowDubbing
    | AudioChunkMessage
    | SourceTextMessage
    | CreateVoiceClone
    | IdentifySpeaker
    | KeepSample
    | StopDubbing
    | Acknowledge
    | Ping
)
