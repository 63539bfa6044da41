"""What a load test's processes tell each other: one JSON object a line, typed.

Moments (``at_s``) are seconds of the machine's monotonic clock, which its processes share.
"""

from __future__ import annotations

import msgspec


class SessionPlan(msgspec.Struct, frozen=True):
    """One session of a client process."""

    number: int
    begins_at_s: float
    ends_at_s: float
    """When it stops sending; what was said is still heard out."""
    lead: int
    """Phase: how many frames its sound is shifted, so that utterances do not coincide."""


class ClientsPlan(msgspec.Struct, frozen=True):
    """All that one client process has to do."""

    server: str
    """Like ``ws://127.0.0.1:8000``."""
    token: str
    clip: str | None
    """Recording to send; None: tones, for scripted engines."""
    source_language: str
    target_language: str
    sessions: list[SessionPlan]


class Report(msgspec.Struct, frozen=True, kw_only=True, tag=True):
    at_s: float


class Started(Report, frozen=True, kw_only=True):
    """A session's server was ready."""

    session: int
    took_ms: float
    """Connecting → ready."""
    engines: dict[str, str]


class Heard(Report, frozen=True, kw_only=True):
    """The first sound of a line's dub came."""

    session: int
    answer_ms: float | None
    """Sending the frame that decided the clause → its first sound; None: frame unknown."""
    at_endpoint: bool
    commit_ms: float | None
    """The line's transcript came → its first sound; None: it came before a reconnection."""
    lag_ms: float
    """Ear–voice span as it is heard: the server's, and by how much the sound comes late."""
    backlog_s: float
    """End of the newest scheduled dub beyond the audio that was sent."""
    latencies: dict[str, float]
    """The server's own figures, milliseconds."""


class Left(Report, frozen=True, kw_only=True):
    """A line that is not heard."""

    session: int
    reason: str


class Refused(Report, frozen=True, kw_only=True):
    """A session that the server did not take, or could not."""

    session: int
    code: str
    """An error's code, or the close code."""
    message: str


class Trouble(Report, frozen=True, kw_only=True):
    """An error in a running session; ``lost`` when it ended the session."""

    session: int
    code: str
    message: str
    lost: bool = False


class Ended(Report, frozen=True, kw_only=True):
    """A session that ran to its summary."""

    session: int
    lines: int
    skipped: int


class Beat(Report, frozen=True, kw_only=True):
    """How the client process itself fares since the last beat."""

    process: int
    dubbing: int
    """Sessions that send."""
    unacknowledged: int
    """Most frames of any session that the server has not acknowledged."""
    late_ms: float
    """Worst delay of a frame behind its due moment: the clients' own imprecision."""
    cpu_s: float
    """Processor time of this process so far."""
    rss_mb: float


AnyReport = Started | Heard | Left | Refused | Trouble | Ended | Beat

encoder = msgspec.json.Encoder()
plan_decoder: msgspec.json.Decoder[ClientsPlan] = msgspec.json.Decoder(ClientsPlan)
report_decoder: msgspec.json.Decoder[AnyReport] = msgspec.json.Decoder(AnyReport)
