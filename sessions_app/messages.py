"""Server messages that belong to the socket, not to a dubbing run, and its close codes."""

from __future__ import annotations

from enum import IntEnum
from typing import Literal

from pipeline.events import Event

SUBPROTOCOL_JSON = "dub.json"
"""For browsers that want JSON only but must offer a token as a subprotocol."""


class CloseCode(IntEnum):
    """Why the server closed the socket; every refusal is said in a ``closing`` message first."""

    RESTART = 1012
    """The server restarts: connect again, asking to resume."""
    OVERLOAD = 1013
    """As much is dubbed as the server can do, or the database is away: try again later."""
    BAD_ADDRESS = 4400
    NOT_AUTHENTICATED = 4401
    NOT_YOURS = 4403
    NO_SUCH_ADDRESS = 4404
    SESSION_BUSY = 4409
    TAKEN_OVER = 4410
    """The session's client has come back on another connection."""
    PROTOCOL = 4422
    """Far too many messages that are not of the protocol."""
    QUOTA = 4429
    """A limit of the user's: sessions at once, messages a second, minutes a day."""


class Resumed(Event, frozen=True, kw_only=True, tag="resumed"):
    """First answer to a connection that asked to resume; stands outside the count."""

    session_id: str
    how: Literal["same", "moved", "new"]
    """``same``: nothing was lost, what was missed follows. ``moved``: another process goes
    on, from ``chunk``. ``new``: nothing was kept; start dubbing again at the live edge."""
    chunk: int
    """Send every chunk after this one again, as far as it is kept; -1: all."""
    number: int
    """Messages with a ``number`` up to this one were taken; 0: none."""


class Closing(Event, frozen=True, kw_only=True, tag="closing"):
    """The server closes the socket with ``close_code``; stands outside the count."""

    close_code: int
    code: str
    message: str
    resume: bool
    """True when the client should connect again at once, asking to resume."""


class Acknowledgement(Event, frozen=True, kw_only=True, tag="acknowledgement"):
    """Every chunk up to ``chunk`` has been taken, or was never sent."""

    chunk: int
    number: int = 0
    """Messages with a ``number`` up to this one were taken; 0: none."""


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
