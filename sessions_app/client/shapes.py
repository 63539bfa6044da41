"""What the interface answers. A test of the server's holds these against its document."""

from __future__ import annotations

from typing import Any, Literal, TypedDict

SessionState = Literal["created", "live", "ended", "failed", "interrupted"]
DeliveryStatus = Literal["pending", "delivered", "failed"]


class Session(TypedDict):
    id: str
    title: str
    owner: int
    team: int | None
    state: SessionState
    source_language: str
    target_language: str
    preserve_voice: bool
    engines: dict[str, str]
    summary: dict[str, Any]
    media_s: float
    lost_lines: int
    created_at: str
    started_at: str | None
    ended_at: str | None
    follows: str | None
    content: str | None
    speaker_names: dict[str, str]


class Used(TypedDict):
    engine: str
    leg: str
    unit: str
    amount: float
    requests: int
    cost: float | None


class UsedOnDay(Used):
    day: str


class SessionDetail(Session):
    usage: list[Used]
    currency: str


class MadeSession(Session):
    websocket_path: str


class Line(TypedDict):
    sequence: int
    speaker: str
    source_language: str
    target_language: str
    source_text: str
    target_text: str
    start_s: float
    end_s: float
    cue_start_s: float | None
    cue_duration_s: float | None
    engine: str
    voice: str
    tempo: float
    latencies: dict[str, float]
    skipped_reason: str
    level_dbfs: float | None
    snr_db: float | None
    similarity: float | None


class Spread(TypedDict):
    count: int
    p50: float
    p95: float
    max: float


class SpeakerShare(TypedDict):
    speaker: str
    lines: int
    speech_s: float
    share: float
    words_per_minute: float
    similarity: float | None


class Interval(TypedDict):
    start_s: float
    lines: int
    skipped: int
    latencies: dict[str, float]
    lag_p95_ms: float | None
    level_dbfs: float | None
    snr_db: float | None
    similarity: float | None


class Statistics(TypedDict):
    lines: int
    spoken: int
    merged: int
    skipped: int
    skipped_reasons: dict[str, int]
    engines: dict[str, int]
    source_s: float
    dubbed_s: float
    tempo: float
    errors: int
    lost_lines: int
    latencies: dict[str, Spread]
    speakers: list[SpeakerShare]
    interval_s: float
    over_time: list[Interval]


class Pair(TypedDict):
    source: str
    target: str


class Languages(TypedDict):
    pairs: list[Pair]
    recognizes: list[str]
    translates: list[Pair]
    speaks: list[str]
    detects: bool
    engines: dict[str, str]


class Voice(TypedDict):
    id: str
    engine: str
    name: str
    register: str
    pitch_hz: float | None
    whose: str
    actor: str | None
    clone: str | None
    score: float | None


class Glossary(TypedDict):
    id: int
    name: str
    owner: int | None
    team: int | None
    source_language: str
    target_language: str
    enabled: bool
    term_count: int
    created_at: str
    updated_at: str


class Term(TypedDict):
    id: int
    source: str
    target: str


class Token(TypedDict):
    id: int
    name: str
    prefix: str
    scopes: list[str]
    created_at: str
    expires_at: str | None
    last_used_at: str | None


class MadeToken(Token):
    token: str


class Ticket(TypedDict):
    ticket: str
    subprotocol: str
    expires_in_s: float


class MyTeam(TypedDict):
    id: int
    name: str
    role: Literal["owner", "editor", "viewer"]


class Me(TypedDict):
    id: int
    email: str
    is_staff: bool
    scopes: list[str]
    teams: list[MyTeam]
    speakers: Literal["off", "recognise", "remember"]


class Usage(TypedDict):
    user: int
    days: int
    currency: str
    usage: list[UsedOnDay]
    totals: list[Used]
    cost: float | None


class Webhook(TypedDict):
    id: str
    url: str
    description: str
    event_types: list[str]
    team: int | None
    enabled: bool
    disabled_reason: str
    failing_since: str | None
    created_at: str


class MadeWebhook(Webhook):
    secret: str


class Secret(TypedDict):
    secret: str
    before_until: str


class Delivery(TypedDict):
    id: str
    event: str
    event_type: str
    status: DeliveryStatus
    attempts: int
    code: int | None
    error: str
    duration_ms: int | None
    created_at: str
    last_try_at: str | None
    next_try_at: str | None


class Try(TypedDict):
    at: str
    code: int | None
    error: str
    duration_ms: int


class DeliveryDetail(Delivery):
    log: list[Try]
    body: dict[str, Any]


class EventType(TypedDict):
    name: str
    description: str
    example: dict[str, Any]


JobState = Literal["waiting", "running", "done", "failed", "cancelled"]


class Upload(TypedDict):
    id: str
    name: str
    size_bytes: int
    offset: int
    piece_max_bytes: int
    created_at: str


class Step(TypedDict):
    step: str
    state: Literal["waiting", "running", "done"]
    parts: int
    done: int


class Job(TypedDict):
    id: str
    project: str
    kind: Literal["dub", "redub", "original", "check", "export"]
    state: JobState
    step: str
    steps: list[Step]
    problem: str
    problem_text: str
    export: str | None
    created_at: str
    started_at: str | None
    ended_at: str | None


class Media(TypedDict):
    duration_s: float
    has_video: bool
    video_duration_s: float | None
    container: str
    audio_codec: str
    sample_rate_hz: int
    channels: int


class Project(TypedDict):
    id: str
    title: str
    owner: int
    team: int | None
    origin: Literal["file", "address", "session"]
    session: str | None
    source_language: str
    target_language: str
    preserve_voice: bool
    original_name: str
    media: Media | None
    has_original: bool
    has_dub: bool
    engines: dict[str, str]
    created_at: str
    updated_at: str


class MadeProject(Project):
    job: Job | None


class Sound(TypedDict):
    digest: str
    duration_s: float
    text: str
    how: str
    speed: float
    engine: str
    voice: str
    marks: list[str]
    figures: dict[str, float | None]


class LineOfProject(TypedDict):
    number: int
    revision: int
    state: str
    start_s: float
    end_s: float
    speaker: str | None
    language: str
    source_text: str
    target_text: str
    voice: str
    style: dict[str, float]
    problem: str
    sound: Sound | None


class LineOverview(TypedDict):
    number: int
    revision: int
    start_s: float
    end_s: float
    speaker: str | None
    state: Literal["fresh", "stale"]
    marked: bool


class Export(TypedDict):
    id: str
    project: str
    job: str
    state: str
    form: str
    text: str
    ready: bool
    size_bytes: int
    created_at: str
