"""Projects, their speakers and lines, and the history of both."""

from __future__ import annotations

import uuid
from typing import ClassVar

from django.conf import settings
from django.contrib.postgres.fields import ArrayField
from django.contrib.postgres.indexes import GinIndex
from django.db import models

from accounts.ownership import Owned
from pipeline.bounds import SESSION_TITLE_MAX


class ProjectOrigin(models.TextChoices):
    FILE = "file", "An uploaded file"
    ADDRESS = "address", "A file fetched from its address"
    SESSION = "session", "A dubbed session"


class Project(Owned):
    id = models.UUIDField(primary_key=True, default=uuid.uuid4, editable=False)
    owner = models.ForeignKey(
        settings.AUTH_USER_MODEL, on_delete=models.CASCADE, related_name="projects"
    )
    title = models.CharField(max_length=SESSION_TITLE_MAX, blank=True)
    origin = models.CharField(max_length=8, choices=ProjectOrigin.choices)
    session = models.ForeignKey(
        "sessions_app.DubbingSession",
        on_delete=models.SET_NULL,
        null=True,
        blank=True,
        related_name="projects",
    )
    """Whose lines it began with."""
    source_language = models.CharField(max_length=8)
    target_language = models.CharField(max_length=8)
    preserve_voice = models.BooleanField(default=True)
    original = models.CharField(max_length=200, blank=True, editable=False)
    """Name in the storage; empty: there is no original, or none yet."""
    original_name = models.CharField(max_length=255, blank=True, editable=False)
    """What its file was called."""
    bytes_kept = models.PositiveBigIntegerField(default=0, editable=False)
    """Of the original and of what was made of it as a whole; lines and exports count apart."""
    media = models.JSONField(default=dict, blank=True, editable=False)
    """What is known of the original: ``duration_s``, ``has_video``, ``video_duration_s``,
    ``container``, ``audio_codec``, ``sample_rate_hz``, ``channels``."""
    waveform = models.CharField(max_length=200, blank=True, editable=False)
    """Name in the storage of its peaks, see ``steps.probing``."""
    dub = models.CharField(max_length=200, blank=True, editable=False)
    mix = models.CharField(max_length=200, blank=True, editable=False)
    """Names in the storage of the last finished tracks, FLAC."""
    dub_waveform = models.CharField(max_length=200, blank=True, editable=False)
    """Name in the storage of the dub track's peaks, like the original's."""
    clones = ArrayField(models.UUIDField(), default=list, blank=True, editable=False)
    """Ids of the clones that are heard in both tracks."""
    engines = models.JSONField(default=dict, blank=True)
    """Role → engine name, of the last job that asked any."""
    created_at = models.DateTimeField(auto_now_add=True)
    updated_at = models.DateTimeField(auto_now=True)
    known_clones: frozenset[uuid.UUID] | None = None
    """See ``inputs.usable_clones``; not stored."""

    class Meta(Owned.Meta):
        ordering: ClassVar[list[str]] = ["-created_at", "-id"]
        indexes: ClassVar[list[models.Index]] = [
            GinIndex(fields=["clones"], name="project_clones"),
            models.Index(fields=["owner", "-created_at"], name="project_owner_newest"),
        ]

    def __str__(self) -> str:
        return str(self.id)


class StoredStretch(models.Model):
    """A stretch of the original's sound, 16 kHz mono FLAC: what one worker hears at a time."""

    project = models.ForeignKey(Project, on_delete=models.CASCADE, related_name="stretches")
    number = models.PositiveIntegerField()
    start = models.PositiveBigIntegerField()
    samples = models.PositiveBigIntegerField()
    """Both in samples at 16 kHz on the media clock."""
    has_speech = models.BooleanField()
    speech = models.BinaryField(default=b"", editable=False)
    """Probability of speech in each frame of 512 samples, 0 to 255."""
    audio = models.CharField(max_length=200)

    class Meta:
        ordering: ClassVar[list[str]] = ["number"]
        constraints: ClassVar[list[models.BaseConstraint]] = [
            models.UniqueConstraint(fields=["project", "number"], name="stretch_once_a_project"),
        ]

    def __str__(self) -> str:
        return f"{self.project_id} {self.number}"


class ActorState(models.TextChoices):
    SUGGESTED = "suggested", "Perhaps"
    CONFIRMED = "confirmed", "Certain"


class ProjectSpeaker(models.Model):
    project = models.ForeignKey(Project, on_delete=models.CASCADE, related_name="speakers")
    label = models.CharField(max_length=64, blank=True)
    """"S1", "S2", …; empty: whoever could not be told."""
    name = models.CharField(max_length=200, blank=True)
    voice = models.CharField(max_length=128, blank=True)
    """Id of a stock voice, or the vendor's of a clone; empty: none is cast yet."""
    pitch_hz = models.FloatField(default=0.0)
    shape = models.BinaryField(null=True, blank=True, editable=False)
    """What the engine's cloner learned of how they sound; None: the stock voice as it is."""
    shape_digest = models.CharField(max_length=64, blank=True, editable=False)
    actor = models.ForeignKey(
        "voices.Actor", on_delete=models.SET_NULL, null=True, blank=True, related_name="+"
    )
    """Who it is, as far as the owner's actors tell."""
    actor_state = models.CharField(max_length=16, choices=ActorState.choices, blank=True)
    """Empty without an actor."""
    actor_confidence = models.FloatField(null=True, blank=True)
    """Of the recogniser, 0 to 1; None: nobody was recognised, or a person has decided."""
    actor_decided = models.BooleanField(default=False)
    """A person has confirmed or rejected: no job looks again."""
    revision = models.PositiveIntegerField(default=1)

    class Meta:
        ordering: ClassVar[list[str]] = ["pk"]
        constraints: ClassVar[list[models.BaseConstraint]] = [
            models.UniqueConstraint(fields=["project", "label"], name="speaker_once_a_project"),
        ]

    def __str__(self) -> str:
        return f"{self.project_id} {self.label}"


class LineSound(models.Model):
    """How a line sounds that was spoken once: never changed, and found again by what went in.

    So an edit that is taken back has its sound at once, and nothing is spoken twice.
    """

    project = models.ForeignKey(Project, on_delete=models.CASCADE, related_name="sounds")
    digest = models.CharField(max_length=64)
    """Of everything that decides how it sounds but its room, see ``inputs``."""
    audio = models.CharField(max_length=200)
    """Name in the storage, FLAC."""
    size_bytes = models.PositiveBigIntegerField()
    sample_rate_hz = models.PositiveIntegerField()
    duration_s = models.FloatField()
    text = models.TextField()
    """What is said: a shorter wording than the translation's where that was too long."""
    how = models.CharField(max_length=16)
    """How it was made to fit, see ``pipeline.batch.fitting``."""
    speed = models.FloatField()
    engine = models.CharField(max_length=64)
    voice = models.CharField(max_length=128)
    clone = models.UUIDField(null=True, blank=True, db_index=True, editable=False)
    """Id of the clone that speaks: while that may, it is heard. No reference, so that one that
    is deleted is known by being nowhere."""
    marks = models.JSONField(default=list, blank=True)
    """What somebody should listen to again: codes, see ``pipeline.batch.checking``."""
    figures = models.JSONField(default=dict, blank=True)
    """What the marks rest on: ``clipped_share``, ``similarity``,
    ``word_errors``, ``letter_errors``."""
    made_at = models.DateTimeField(auto_now_add=True)

    class Meta:
        constraints: ClassVar[list[models.BaseConstraint]] = [
            models.UniqueConstraint(
                fields=["project", "digest", "speed"], name="sound_once_a_project"
            ),
        ]

    def __str__(self) -> str:
        return f"{self.project_id} {self.digest[:8]}"


class ProjectLine(models.Model):
    """One line: what is said when, its translation, and how that sounds. Times are media
    seconds."""

    project = models.ForeignKey(Project, on_delete=models.CASCADE, related_name="lines")
    number = models.PositiveIntegerField()
    """Its name within the project; the order is that of ``start_s``."""
    start_s = models.FloatField()
    end_s = models.FloatField()
    speaker = models.ForeignKey(
        ProjectSpeaker, on_delete=models.SET_NULL, related_name="lines", null=True
    )
    language = models.CharField(max_length=8)
    """What is spoken in it."""
    source_text = models.TextField(blank=True)
    target_text = models.TextField(blank=True)
    translated_from = models.CharField(max_length=64, blank=True, editable=False)
    """Digest of the source text that ``target_text`` translates."""
    voice = models.CharField(max_length=128, blank=True)
    """Id of a voice for this line alone; empty: its speaker's."""
    style = models.JSONField(default=dict, blank=True)
    """``pipeline.types.Style`` as far as it is not neutral."""
    level_dbfs = models.FloatField(null=True, blank=True)
    snr_db = models.FloatField(null=True, blank=True)
    sound = models.ForeignKey(
        LineSound, on_delete=models.SET_NULL, null=True, blank=True, related_name="lines"
    )
    problem = models.CharField(max_length=64, blank=True)
    """Code of why it could not be spoken the last time."""
    revision = models.PositiveIntegerField(default=1)
    """Goes up with every edit."""

    class Meta:
        ordering: ClassVar[list[str]] = ["start_s", "number"]
        constraints: ClassVar[list[models.BaseConstraint]] = [
            models.UniqueConstraint(
                fields=["project", "number"], name="project_line_once_a_project"
            ),
        ]
        indexes: ClassVar[list[models.Index]] = [
            models.Index(fields=["project", "start_s", "number"], name="project_line_order"),
        ]

    def __str__(self) -> str:
        return f"{self.project_id} {self.number}"


class Change(models.Model):
    """One edit of a line or a speaker, to be looked at and taken back."""

    project = models.ForeignKey(Project, on_delete=models.CASCADE, related_name="changes")
    line = models.ForeignKey(
        ProjectLine, on_delete=models.CASCADE, null=True, related_name="changes"
    )
    speaker = models.ForeignKey(
        ProjectSpeaker, on_delete=models.CASCADE, null=True, related_name="changes"
    )
    by = models.ForeignKey(
        settings.AUTH_USER_MODEL, on_delete=models.SET_NULL, null=True, related_name="+"
    )
    at = models.DateTimeField(auto_now_add=True)
    revision = models.PositiveIntegerField()
    """What the row had after it."""
    before = models.JSONField()
    after = models.JSONField()
    """Field → value, of those that were changed."""
    undoes = models.ForeignKey("self", on_delete=models.CASCADE, null=True, related_name="undone")

    class Meta:
        ordering: ClassVar[list[str]] = ["-pk"]
        indexes: ClassVar[list[models.Index]] = [
            models.Index(fields=["project", "-id"], name="change_project_newest"),
        ]

    def __str__(self) -> str:
        return f"{self.project_id} {self.pk}"


class Comment(models.Model):
    line = models.ForeignKey(ProjectLine, on_delete=models.CASCADE, related_name="comments")
    by = models.ForeignKey(settings.AUTH_USER_MODEL, on_delete=models.CASCADE, related_name="+")
    text = models.TextField()
    at = models.DateTimeField(auto_now_add=True)

    class Meta:
        ordering: ClassVar[list[str]] = ["pk"]

    def __str__(self) -> str:
        return f"{self.line_id} {self.pk}"
