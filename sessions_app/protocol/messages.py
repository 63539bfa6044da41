"""Server messages that belong to the socket, not to a dubbing run, and its close codes."""

from __future__ import annotations

from enum import IntEnum
from typing import Literal

from pipeline.events import Event

SUBPROTOCOL_JSON = "dub.json"
"""For browsers that want JSON only but must offer a token as a subprotocol."""


class CloseCode(IntEnum):
    """Why the server closed the socket; a ``closing`` message says it first where it can."""

    RESTART = 1012
    """The server restarts: connect again, asking to resume."""
    OVERLOAD = 1013
    """As much is dubbed as the server can do, or the database is away: try again later."""
    BAD_ADDRESS = 4400
    """The address is not a name and the UUID of a session, or its query makes no sense."""
    NOT_AUTHENTICATED = 4401
    """No credential came, or one that is wrong or used up, or the page's origin may not."""
    NOT_YOURS = 4403
    """The session belongs to somebody else."""
    NO_SUCH_ADDRESS = 4404
    """There is no socket at this address; said by this code alone."""
    SESSION_BUSY = 4409
    """Another connection dubs this session, or did so a moment ago."""
    TAKEN_OVER = 4410
    """The session's client has come back on another connection: leave it there."""
    QUOTA = 4429
    """A limit of the user's: sessions at once, messages a second, minutes a day."""


class Resumed(Event, frozen=True, kw_only=True, tag="resumed"):
    """First answer to a connection that asked to resume; stands outside the count."""

    session_id: str
    """The session, as in the address."""
    how: Literal["same", "moved", "new"]
    """``same``: nothing was lost, what was missed follows. ``moved``: another process goes
    on, from ``chunk``. ``new``: nothing was kept; start dubbing again at the live edge."""
    chunk: int
    """Send every chunk after this one again, also those acknowledged before; -1: all there
    are, but after ``new`` there is nothing that they would continue."""
    number: int
    """Messages with a ``number`` up to this one were taken, send those above it again;
    0: none was."""


class Closing(Event, frozen=True, kw_only=True, tag="closing"):
    """The server closes the socket with ``close_code``; stands outside the count."""

    close_code: int
    """Code that the WebSocket is closed with next."""
    code: str
    """Stable code of the reason."""
    message: str
    """The reason in plain words."""
    resume: bool
    """True when the session waits for its client: connect again at once, asking to resume."""


class Acknowledgement(Event, frozen=True, kw_only=True, tag="acknowledgement"):
    """Every chunk up to ``chunk`` has been taken, or was never sent."""

    chunk: int
    """Number of the last one; those up to it may be needed again for some 15 s, by another
    process."""
    number: int = 0
    """Messages with a ``number`` up to this one were taken; 0: none."""


class CueSound(Event, frozen=True, kw_only=True, tag="cue_audio"):
    """A block of a cue's sound for clients without binary frames."""

    cue: int
    """The cue that it belongs to."""
    start_s: float
    """Media time at which the block's first sample is to be heard."""
    sample_rate: int
    """Rate of its samples, Hz."""
    last: bool
    """True on the last block of the cue."""
    audio_data: bytes
    """Base64 of mono PCM16 little-endian."""


class Pong(Event, frozen=True, kw_only=True, tag="pong"):
    """Answer to a ``ping``."""

    id: int | str | None = None
    """The id of the ping."""


class SampleKept(Event, frozen=True, kw_only=True, tag="sample_kept"):
    """What a speaker said is kept as a sample, and is being analysed."""

    speaker: str
    """Name of the speaker within the session."""
    actor: str
    """Id of the actor whose sample it is."""
    sample: str
    """Id of the sample: ``GET /api/samples/{id}`` tells its verdict."""
    duration_s: float
    """Length of what was kept."""


class JobMoved(Event, frozen=True, kw_only=True, tag="job"):
    """How far a file of yours is that is being dubbed or exported. Said to every session of
    yours that is open, at most twice a second for each job, and always at a new step and at the
    end. Of little worth later: one that is missed is not repeated, ``GET /api/jobs/{id}`` tells.
    """

    job: str
    """Id of the job."""
    project: str
    """Id of its project."""
    kind: Literal["dub", "redub", "original", "check", "export"]
    """What is done."""
    state: Literal["waiting", "running", "done", "failed", "cancelled"]
    """How it is; the last three end it."""
    step: str
    """The step that is under way: ``fetch``, ``probe``, ``recognise``, ``speakers``, ``speak``,
    ``check``, ``mix``, ``mux`` or ``export``."""
    parts: int
    """How many parts the step has."""
    done: int
    """How many of them are done."""
    problem: str
    """Code of why it failed; empty unless it did."""


class VoiceCheck(Event, frozen=True, kw_only=True, tag="voice_clone"):
    """Whether samples would make a good clone, in figures and in words."""

    speaker_id: str
    """The name that the client gave."""
    accepted: bool
    """True when the samples will do."""
    message: str
    """The verdict in plain words."""
    problems: list[str]
    """What to do better, one sentence each."""
    total_s: float
    """Length of all samples."""
    speech_s: float
    """How much of it is speech."""
    level_dbfs: float
    """Loudness of the speech, decibels below full scale."""
    clipped_share: float
    """Share of all samples that are clipped, 0 to 1."""
    clone: str | None = None
    """Id of the clone that is being made, as in ``GET /api/clones``; ``clone_progress`` tells
    its steps, and when it is ready the session speaks with it from that actor's next line on.
    None: ``message`` says why not."""


class CloneProgress(Event, frozen=True, kw_only=True, tag="clone_progress"):
    """A clone of yours has come a step further, is ready, or could not be made."""

    clone: str
    """Id of the clone: ``GET /api/clones/{id}`` tells the rest."""
    state: Literal["waiting", "making", "ready", "failed", "revoked", "deleted"]
    """``waiting`` after a failure that may pass: it is tried again."""
    step: Literal["", "collect", "check", "create", "preview", "measure", "tune"]
    """What is done now, or was done last."""
    problem: str
    """Why it failed, and what to do; empty otherwise."""
