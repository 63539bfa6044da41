"""Server messages that belong to the socket, not to a dubbing run, and its close codes."""

from __future__ import annotations

from enum import IntEnum

from pipeline.events import Event

SUBPROTOCOL_JSON = "dub.json"
"""For browsers that want JSON only but must offer a token as a subprotocol."""


class CloseCode(IntEnum):
    """Why the server closed the socket."""

    TRY_AGAIN_LATER = 1013
    BAD_ADDRESS = 4400
    NOT_AUTHENTICATED = 4401
    NOT_YOURS = 4403
    NO_SUCH_ADDRESS = 4404
    SESSION_BUSY = 4409


class Acknowledgement(Event, frozen=True, kw_only=True, tag="acknowledgement"):
    """Every chunk up to this number has been taken, or was never sent."""

    chunk: int


class CueSound(Event, frozen=True, kw_only=True, tag="cue_audio"):
    """A block of a cue's sound for clients without binary frames."""

    cue: int
    start_s: float
    sample_rate: int
    last: bool
    audio_data: bytes
    """Base64 of mono PCM16 little-endian."""


class Pong(Event, frozen=True, kw_only=True, tag="pong"):
    id: int | str | None = None


class VoiceCheck(Event, frozen=True, kw_only=True, tag="voice_clone"):
    """Whether samples would make a good clone, in figures and in words."""

    speaker_id: str
    accepted: bool
    message: str
    problems: list[str]
    total_s: float
    speech_s: float
    level_dbfs: float
    clipped_share: float
