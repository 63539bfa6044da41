"""Uploads, jobs cut into parts, and exports."""

from __future__ import annotations

import uuid
from typing import ClassVar

from django.conf import settings
from django.contrib.postgres.fields import ArrayField
from django.contrib.postgres.indexes import GinIndex
from django.db import models

from sessions_app.projects.models import Project


class Upload(models.Model):
    """A file that comes in pieces; each is kept by itself until all are there."""

    id = models.UUIDField(primary_key=True, default=uuid.uuid4, editable=False)
    owner = models.ForeignKey(
        settings.AUTH_USER_MODEL, on_delete=models.CASCADE, related_name="uploads"
    )
    name = models.CharField(max_length=255)
    size_bytes = models.PositiveBigIntegerField()
    offset = models.PositiveBigIntegerField(default=0)
    """How much has come."""
    created_at = models.DateTimeField(auto_now_add=True)
    touched_at = models.DateTimeField(auto_now=True, db_index=True)

    class Meta:
        ordering: ClassVar[list[str]] = ["-created_at"]

    def __str__(self) -> str:
        return str(self.id)


class UploadPiece(models.Model):
    upload = models.ForeignKey(Upload, on_delete=models.CASCADE, related_name="pieces")
    offset = models.PositiveBigIntegerField()
    size_bytes = models.PositiveIntegerField()
    file = models.CharField(max_length=200)

    class Meta:
        ordering: ClassVar[list[str]] = ["offset"]
        constraints: ClassVar[list[models.BaseConstraint]] = [
            models.UniqueConstraint(fields=["upload", "offset"], name="piece_once_an_upload"),
        ]

    def __str__(self) -> str:
        return f"{self.upload_id} {self.offset}"


class JobKind(models.TextChoices):
    DUB = "dub", "Dub everything"
    REDUB = "redub", "Dub what has changed"
    ORIGINAL = "original", "Take in the original"
    CHECK = "check", "Listen to the dub again"
    EXPORT = "export", "Write a file"


class JobState(models.TextChoices):
    WAITING = "waiting", "Waiting"
    RUNNING = "running", "Running"
    DONE = "done", "Done"
    FAILED = "failed", "Failed"
    CANCELLED = "cancelled", "Cancelled"


UNFINISHED = (JobState.WAITING, JobState.RUNNING)


class Job(models.Model):
    id = models.UUIDField(primary_key=True, default=uuid.uuid4, editable=False)
    project = models.ForeignKey(Project, on_delete=models.CASCADE, related_name="jobs")
    by = models.ForeignKey(
        settings.AUTH_USER_MODEL, on_delete=models.SET_NULL, null=True, related_name="+"
    )
    kind = models.CharField(max_length=16, choices=JobKind.choices)
    state = models.CharField(max_length=16, choices=JobState.choices, default=JobState.WAITING)
    step = models.CharField(max_length=16, blank=True)
    """The one that is under way, see ``steps``."""
    options = models.JSONField(default=dict, blank=True)
    """What was asked for: never shown whole."""
    problem = models.CharField(max_length=64, blank=True)
    problem_text = models.CharField(max_length=500, blank=True)
    """Why it failed: a stable code, and plain words that say what to do."""
    created_at = models.DateTimeField(auto_now_add=True)
    started_at = models.DateTimeField(null=True, blank=True)
    ended_at = models.DateTimeField(null=True, blank=True)

    class Meta:
        ordering: ClassVar[list[str]] = ["-created_at", "-id"]
        indexes: ClassVar[list[models.Index]] = [
            models.Index(fields=["project", "-created_at"], name="job_project_newest"),
            models.Index(
                fields=["created_at"],
                name="job_unfinished",
                condition=models.Q(state__in=["waiting", "running"]),
            ),
        ]
        constraints: ClassVar[list[models.BaseConstraint]] = [
            # Two that write the same lines would overtake one another; exports only read.
            models.UniqueConstraint(
                fields=["project"],
                name="one_job_a_project",
                condition=models.Q(state__in=["waiting", "running"]) & ~models.Q(kind="export"),
            ),
        ]

    def __str__(self) -> str:
        return str(self.id)


class PartState(models.TextChoices):
    WAITING = "waiting"
    CLAIMED = "claimed"
    DONE = "done"


class JobPart(models.Model):
    """What one worker does at a time. Done by the one whose ``claim`` it bears at the end."""

    job = models.ForeignKey(Job, on_delete=models.CASCADE, related_name="parts")
    step = models.CharField(max_length=16)
    number = models.PositiveIntegerField()
    payload = models.JSONField(default=dict, blank=True)
    state = models.CharField(max_length=16, choices=PartState.choices, default=PartState.WAITING)
    claim = models.UUIDField(null=True, blank=True)
    claimed_at = models.DateTimeField(null=True, blank=True)
    """When its worker last said that it lives."""
    sent_at = models.DateTimeField(null=True, blank=True)
    """When the broker was last told of it."""
    failures = models.PositiveSmallIntegerField(default=0)
    takeovers = models.PositiveSmallIntegerField(default=0)
    """How often a worker had to take it from another one that was gone."""
    took_s = models.FloatField(null=True, blank=True)
    """How long the worker that did it took."""
    result = models.BinaryField(null=True, blank=True)
    """For the steps to come; gone when they have it."""

    class Meta:
        ordering: ClassVar[list[str]] = ["pk"]
        constraints: ClassVar[list[models.BaseConstraint]] = [
            models.UniqueConstraint(fields=["job", "step", "number"], name="part_once_a_job"),
        ]
        indexes: ClassVar[list[models.Index]] = [
            models.Index(
                fields=["job", "step"],
                name="part_undone",
                condition=models.Q(state__in=["waiting", "claimed"]),
            ),
        ]

    def __str__(self) -> str:
        return f"{self.job_id} {self.step} {self.number}"


class ExportForm(models.TextChoices):
    SRT = "srt", "SubRip subtitles"
    VTT = "vtt", "WebVTT subtitles"
    ASS = "ass", "Advanced SubStation subtitles"
    JSON = "json", "Lines as JSON"
    CSV = "csv", "Lines as a table"
    DUB = "dub", "Dub track"
    MIX = "mix", "Mix"
    STEMS = "stems", "A track for each speaker"
    VIDEO = "video", "Video"


class Export(models.Model):
    id = models.UUIDField(primary_key=True, default=uuid.uuid4, editable=False)
    project = models.ForeignKey(Project, on_delete=models.CASCADE, related_name="exports")
    job = models.OneToOneField(Job, on_delete=models.CASCADE, related_name="export")
    form = models.CharField(max_length=8, choices=ExportForm.choices)
    text = models.CharField(max_length=8, default="target")
    """Of subtitles: source, target or both."""
    file = models.CharField(max_length=200, blank=True)
    """Name in the storage; empty until it is written."""
    size_bytes = models.PositiveBigIntegerField(default=0)
    clones = ArrayField(models.UUIDField(), default=list, blank=True, editable=False)
    """Ids of the clones that are heard in it."""
    created_at = models.DateTimeField(auto_now_add=True)

    class Meta:
        ordering: ClassVar[list[str]] = ["-created_at", "-id"]
        indexes: ClassVar[list[models.Index]] = [
            GinIndex(fields=["clones"], name="export_clones"),
        ]

    def __str__(self) -> str:
        return str(self.id)
