"""What of a live session travels from one server process to another: text and numbers.

No audio and no voices' profiles: the client sends the audio again that was not committed
yet, and lines whose sound it did not get are spoken again.
"""

from __future__ import annotations

import msgspec

from pipeline.handover.snapshot import RunSnapshot
from pipeline.reporting.record import LineRecord
from sessions_app.running.follow_request import FollowRequest
from sessions_app.running.outbox import Told
from sessions_app.running.run import RunRequest
from sessions_app.usage.budget import Standing
from sessions_app.usage.settling import Owed


class RunState(msgspec.Struct, frozen=True, kw_only=True):
    request: RunRequest
    snapshot: RunSnapshot | None
    """None: the engines were not ready yet."""
    finishing: bool
    after_chunk: int
    """The last chunk before the run."""

    @property
    def heard_up_to(self) -> int:
        """The last chunk that need not be heard again to go on with the run."""
        if self.snapshot is None or self.snapshot.hear_from_chunk < 0:
            return self.after_chunk
        return self.snapshot.hear_from_chunk - 1


class RunsState(msgspec.Struct, frozen=True, kw_only=True):
    run: RunState | None
    """The run in hand."""
    then: RunState | None
    """The run that takes the audio, when it is another one."""
    lines: int
    cues: int
    """Lines and cues of the session so far."""
    line_base: int
    cue_base: int
    """And of those, how many were there before the run in hand."""
    media_s: float


class LiveState(msgspec.Struct, frozen=True, kw_only=True):
    session_id: str
    owner: int
    hold: str
    """The id under which the session is held in the database."""
    process: str
    """Who has the session in hand; empty when it was put down on purpose."""
    binary: bool
    chunk: int
    """The last chunk that was taken."""
    number: int
    """The last counted message that was taken."""
    runs: RunsState
    records: list[LineRecord]
    """Finished lines that are not written in the database yet."""
    told: list[Told]
    """What was said and not acknowledged."""
    owed: list[Owed] = []
    """Writes of what was used that are not known to be done."""
    standing: Standing | None = None
    """What is left of what is reserved, for a database that is away; None: no limit."""
    follows: FollowRequest | None = None
    """The session that it follows, between that one's runs too."""


def encode(state: LiveState) -> bytes:
    return msgspec.msgpack.encode(state)


def decode(data: bytes) -> LiveState:
    """Raises msgspec.MsgspecError for what another version wrote."""
    return msgspec.msgpack.decode(data, type=LiveState)
