"""What is kept of a session: who, which languages, how it went, and every line said."""

from __future__ import annotations

import uuid
from typing import ClassVar

from django.conf import settings
from django.contrib.postgres.indexes import GinIndex
from django.contrib.postgres.search import SearchVector
from django.db import models

from accounts.ownership import Owned
from pipeline.bounds import SESSION_TITLE_MAX

# A room of their own; Django looks for models here.
from sessions_app.glossaries.models import Glossary as Glossary
from sessions_app.glossaries.models import Term as Term

WORDS_OF = "simple"
"""Words as they are, without a language's own endings: lines are in any of them."""
LINE_WORDS = SearchVector("source_text", "target_text", config=WORDS_OF)
"""What a search looks for words in; the index is of the very same expression."""


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
    title = models.CharField(max_length=SESSION_TITLE_MAX, blank=True)
    state = models.CharField(
        max_length=16, choices=SessionState.choices, default=SessionState.CREATED
    )
    source_language = models.CharField(max_length=8, blank=True)
    target_language = models.CharField(max_length=8, blank=True)
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

    class Meta:
        ordering: ClassVar[list[str]] = ["sequence"]
        constraints: ClassVar[list[models.BaseConstraint]] = [
            models.UniqueConstraint(fields=["session", "sequence"], name="line_once_a_session"),
        ]
        indexes: ClassVar[list[models.Index]] = [GinIndex(LINE_WORDS, name="line_words")]

    def __str__(self) -> str:
        return f"{self.session_id} {self.sequence}"
