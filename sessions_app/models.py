"""What is kept of a session: who, which languages, how it went, and every line said."""

from __future__ import annotations

import uuid
from datetime import timedelta
from typing import ClassVar

from django.conf import settings
from django.contrib.postgres.indexes import GinIndex
from django.contrib.postgres.search import SearchVectorField
from django.db import models

from accounts.ownership import Owned
from pipeline.bounds import SESSION_TITLE_MAX

# Rooms of their own; Django looks for models here.
from sessions_app.glossaries.models import Glossary as Glossary
from sessions_app.glossaries.models import Term as Term
from sessions_app.projects.job_models import Export as Export
from sessions_app.projects.job_models import Job as Job
from sessions_app.projects.job_models import JobPart as JobPart
from sessions_app.projects.job_models import Upload as Upload
from sessions_app.projects.job_models import UploadPiece as UploadPiece
from sessions_app.projects.models import Change as Change
from sessions_app.projects.models import Comment as Comment
from sessions_app.projects.models import LineSound as LineSound
from sessions_app.projects.models import Project as Project
from sessions_app.projects.models import ProjectLine as ProjectLine
from sessions_app.projects.models import ProjectSpeaker as ProjectSpeaker
from sessions_app.projects.models import StoredStretch as StoredStretch

HOLD_LASTS = timedelta(seconds=45)
"""A connection that has not been heard of for so long has lost its session."""


class IllegalTransitionError(Exception):
    """A session was asked to go to a state that its own does not lead to."""


class SessionState(models.TextChoices):
    CREATED = "created"
    LIVE = "live"
    ENDED = "ended"
    FAILED = "failed"
    INTERRUPTED = "interrupted"


_LEADS_TO: dict[str, frozenset[str]] = {
    SessionState.CREATED: frozenset({SessionState.LIVE}),
    SessionState.LIVE: frozenset(
        {SessionState.ENDED, SessionState.FAILED, SessionState.INTERRUPTED}
    ),
    # A session may be taken up again: its lines go on where they ended.
    SessionState.ENDED: frozenset({SessionState.LIVE}),
    SessionState.FAILED: frozenset({SessionState.LIVE}),
    SessionState.INTERRUPTED: frozenset({SessionState.LIVE}),
}


class DubbingSession(Owned):
    id = models.UUIDField(primary_key=True, default=uuid.uuid4, editable=False)
    # A session is always somebody's, never the catalogue's.
    owner = models.ForeignKey(
        settings.AUTH_USER_MODEL, on_delete=models.CASCADE, related_name="dubbing_sessions"
    )
    follows = models.ForeignKey(
        "self", on_delete=models.SET_NULL, related_name="followers", null=True, blank=True
    )
    """The session whose lines it spoke in its last run, instead of hearing any itself."""
    title = models.CharField(max_length=SESSION_TITLE_MAX, blank=True)
    """What its people call it; empty: nobody has named it."""
    speaker_names = models.JSONField(default=dict, blank=True)
    """Speaker, as in its lines → what people call them."""
    state = models.CharField(
        max_length=16, choices=SessionState.choices, default=SessionState.CREATED
    )
    source_language = models.CharField(max_length=8, blank=True)
    target_language = models.CharField(max_length=8, blank=True)
    content = models.ForeignKey(
        "voices.Title", on_delete=models.SET_NULL, null=True, blank=True, related_name="sessions"
    )
    """What is dubbed, by its title or address: who appeared in it before is likelier now."""
    preserve_voice = models.BooleanField(default=True)
    engines = models.JSONField(default=dict, blank=True)
    """Role → engine name."""
    summary = models.JSONField(default=dict, blank=True)
    media_s = models.FloatField(default=0.0)
    """Source audio heard, over all runs, in seconds."""
    lost_lines = models.PositiveIntegerField(default=0)
    """Lines that could not be written down while the database was away."""
    held_by = models.UUIDField(null=True, blank=True, editable=False)
    """The one connection that may dub this session."""
    held_at = models.DateTimeField(null=True, blank=True, editable=False)
    """When that connection last said that it lives."""
    created_at = models.DateTimeField(auto_now_add=True)
    started_at = models.DateTimeField(null=True, blank=True)
    ended_at = models.DateTimeField(null=True, blank=True)

    class Meta(Owned.Meta):
        ordering: ClassVar[list[str]] = ["-created_at", "-id"]
        indexes: ClassVar[list[models.Index]] = [
            models.Index(fields=["owner", "-created_at"], name="session_owner_newest"),
            models.Index(
                fields=["held_at"],
                name="session_held",
                condition=models.Q(held_by__isnull=False),
            ),
        ]

    def __str__(self) -> str:
        return str(self.id)

    def move_to(self, state: SessionState) -> None:
        """Change the state in memory; raises IllegalTransitionError."""
        allowed = _LEADS_TO[self.state]
        if state not in allowed:
            raise IllegalTransitionError(
                f"a session that is {self.state} cannot become {state.value}; "
                f"allowed: {', '.join(sorted(allowed))}"
            )
        self.state = state


class DailyUse(models.Model):
    """Source audio that a user had dubbed on one day (UTC), in seconds."""

    user = models.ForeignKey(
        settings.AUTH_USER_MODEL, on_delete=models.CASCADE, related_name="daily_use"
    )
    day = models.DateField()
    heard_s = models.FloatField(default=0.0)

    class Meta:
        constraints: ClassVar[list[models.BaseConstraint]] = [
            models.UniqueConstraint(fields=["user", "day"], name="one_use_a_day"),
        ]

    def __str__(self) -> str:
        return f"{self.user_id} {self.day}"


class Reservation(models.Model):
    """What one live session in one process has set aside of its user's day, not heard yet.

    It also knows which of that process's writes of use were done, so that one that comes
    again, because its answer was lost, is not counted again.
    """

    id = models.UUIDField(primary_key=True, editable=False)
    """Drawn by the process for its part of the session."""
    user = models.ForeignKey(
        settings.AUTH_USER_MODEL, on_delete=models.CASCADE, related_name="reservations"
    )
    session = models.ForeignKey(
        DubbingSession, on_delete=models.SET_NULL, null=True, related_name="reservations"
    )
    day = models.DateField()
    seconds = models.FloatField(default=0.0)
    written = models.PositiveIntegerField(default=0)
    """Number of the last write of use that was done."""
    touched_at = models.DateTimeField()

    class Meta:
        indexes: ClassVar[list[models.Index]] = [
            models.Index(fields=["user", "day"], name="reservation_user_day"),
            models.Index(fields=["touched_at"], name="reservation_touched"),
        ]

    def __str__(self) -> str:
        return str(self.id)


class EngineUse(models.Model):
    """What one session took of one engine on one day (UTC)."""

    user = models.ForeignKey(
        settings.AUTH_USER_MODEL, on_delete=models.CASCADE, related_name="engine_use"
    )
    session = models.ForeignKey(
        DubbingSession, on_delete=models.SET_NULL, null=True, related_name="engine_use"
    )
    """None: the session was deleted; what it used still counts."""
    day = models.DateField()
    engine = models.CharField(max_length=64)
    leg = models.CharField(max_length=16)
    unit = models.CharField(max_length=16)
    amount = models.FloatField(default=0.0)
    requests = models.PositiveBigIntegerField(default=0)

    class Meta:
        constraints: ClassVar[list[models.BaseConstraint]] = [
            models.UniqueConstraint(
                fields=["session", "day", "engine", "leg"], name="engine_use_once_a_day"
            ),
        ]
        indexes: ClassVar[list[models.Index]] = [
            models.Index(fields=["user", "day"], name="engine_use_user_day"),
        ]

    def __str__(self) -> str:
        return f"{self.session_id} {self.day} {self.engine} {self.leg}"


class Line(models.Model):
    """One clause as it was heard, translated and spoken. Times are media seconds."""

    session = models.ForeignKey(DubbingSession, on_delete=models.CASCADE, related_name="lines")
    sequence = models.PositiveIntegerField()
    speaker = models.CharField(max_length=64, blank=True)
    source_language = models.CharField(max_length=8)
    target_language = models.CharField(max_length=8)
    source_text = models.TextField()
    target_text = models.TextField(blank=True)
    start_s = models.FloatField()
    end_s = models.FloatField()
    cue_start_s = models.FloatField(null=True, blank=True)
    cue_duration_s = models.FloatField(null=True, blank=True)
    engine = models.CharField(max_length=64)
    voice = models.CharField(max_length=128)
    tempo = models.FloatField(default=1.0)
    latencies = models.JSONField(default=dict, blank=True)
    """Latency field → milliseconds; empty when the line was skipped."""
    skipped_reason = models.CharField(max_length=64, blank=True)
    level_dbfs = models.FloatField(null=True, blank=True)
    """How loud it was said, decibels below full scale."""
    snr_db = models.FloatField(null=True, blank=True)
    """How far the speech stood out of the noise, decibels."""
    similarity = models.FloatField(null=True, blank=True)
    """Cosine of its voice to its speaker's; None where it was not compared."""

    class Meta:
        ordering: ClassVar[list[str]] = ["sequence"]
        constraints: ClassVar[list[models.BaseConstraint]] = [
            models.UniqueConstraint(fields=["session", "sequence"], name="line_once_a_session"),
        ]

    def __str__(self) -> str:
        return f"{self.session_id} {self.sequence}"


class SessionWords(models.Model):
    """Every word of a session once, for search: its title and its lines in both languages.

    Beside the session and not in it: nobody who lists sessions wants to load this.
    """

    session = models.OneToOneField(
        DubbingSession, on_delete=models.CASCADE, primary_key=True, related_name="words"
    )
    words = SearchVectorField()

    class Meta:
        indexes: ClassVar[list[models.Index]] = [GinIndex(fields=["words"], name="session_words")]

    def __str__(self) -> str:
        return str(self.session_id)


class Incident(models.Model):
    """An error or a notice that a session's listener was told. Its code, never its text."""

    class Kind(models.TextChoices):
        ERROR = "error"
        NOTICE = "notice"

    id = models.UUIDField(primary_key=True, editable=False)
    """Drawn by who writes it, so that what comes again is not counted again."""
    session = models.ForeignKey(DubbingSession, on_delete=models.CASCADE, related_name="incidents")
    kind = models.CharField(max_length=8, choices=Kind.choices)
    code = models.CharField(max_length=64)
    at = models.DateTimeField()

    class Meta:
        indexes: ClassVar[list[models.Index]] = [
            models.Index(fields=["session", "at"], name="incident_session_at")
        ]

    def __str__(self) -> str:
        return f"{self.session_id} {self.code}"
