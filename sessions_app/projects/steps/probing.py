"""``probe``: the file is put together, looked into and cut into stretches."""

from __future__ import annotations

import uuid
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

from django.core.files.storage import default_storage
from django.db import transaction
from django.utils import timezone

from pipeline.batch.cutting import Stretch
from pipeline.batch.sounding import Media, Sounded, cut, look_into
from pipeline.types import SAMPLE_RATE_HZ
from sessions_app.projects import jobs, worker_loop
from sessions_app.projects.errors import ProjectError
from sessions_app.projects.files import (
    flac_of,
    local,
    size_of,
    store_bytes,
    store_path,
    workspace,
)
from sessions_app.projects.job_models import Job, Upload
from sessions_app.projects.models import StoredStretch
from sessions_app.projects.running import Work
from sessions_app.usage import accounting
from sessions_app.usage import report as usage
from voices.files import discard, keep

_COPY_BYTES = 1024 * 1024


def plan(job: Job) -> Sequence[Mapping[str, Any]]:
    return [{}] if job.options.get("upload") or job.project.original else []


def do(work: Work) -> None:
    """Again from the beginning where another worker had begun: a minute of work at most."""
    with workspace() as folder:
        if not work.project.original:
            _receive(work, folder)
        with local(work.project.original, folder) as path:
            media = look_into(path)
            _forget_stretches(work)
            sounded, cut_bytes = _cut(work, media)
    kept_bytes = size_of(work.project.original) + cut_bytes + len(sounded.peaks)
    described = _described(media, sounded)
    peaks = store_bytes(sounded.peaks, ".peaks")

    def write() -> None:
        project = work.project
        discard([project.waveform])
        project.waveform, project.media = peaks, described
        project.bytes_kept = kept_bytes
        project.save(update_fields=["waveform", "media", "bytes_kept", "updated_at"])
        keep(peaks)

    _count(work, sounded.duration_s)
    work.finish(write=write)


def take_original(work: Work, path: Path, *, name: str) -> None:
    """The file at ``path`` is the project's original from now on. Raises MediaError."""
    media = look_into(path)
    ending = path.with_name(f"original{media.suffix}")
    path.rename(ending)
    size = ending.stat().st_size
    stored = store_path(ending)
    with transaction.atomic():
        work.check()
        project = work.project
        project.original, project.original_name = stored, name[:255]
        project.bytes_kept = size
        project.save(update_fields=["original", "original_name", "bytes_kept", "updated_at"])
        keep(stored)


def _receive(work: Work, folder: Path) -> None:
    """The pieces of the upload become the original."""
    upload = Upload.objects.filter(pk=work.job.options["upload"]).first()
    if upload is None:
        raise ProjectError("upload_gone", "The uploaded file is gone; upload it again.")
    path = folder / "upload"
    with path.open("wb") as whole:
        for piece in upload.pieces.order_by("offset"):
            work.check()
            with default_storage.open(piece.file, "rb") as part:
                while data := part.read(_COPY_BYTES):
                    whole.write(data)
    try:
        take_original(work, path, name=upload.name)
    finally:
        # What cannot be used is not kept either; whoever sends it again sends something else.
        upload.delete()


def _cut(work: Work, media: Media) -> tuple[Sounded, int]:
    """What it sounds like, and how many bytes its stretches take."""
    written = 0
    detector = worker_loop.run(_detector(work), check=work.check)
    # Others begin to hear what has been cut; unless it may turn out to be too long for the day.
    ahead = not work.job.options.get("given") and not accounting.limited()

    def keep_stretch(stretch: Stretch) -> None:
        nonlocal written
        content = flac_of(stretch.pcm, SAMPLE_RATE_HZ)
        name = store_bytes(content, ".flac")
        written += len(content)
        with transaction.atomic():
            work.check()
            StoredStretch.objects.create(
                project=work.project,
                number=stretch.number,
                start=stretch.start,
                samples=len(stretch.pcm),
                has_speech=stretch.has_speech,
                speech=bytes(round(255 * one) for one in stretch.probabilities),
                audio=name,
            )
            keep(name)
            if ahead and stretch.has_speech:
                jobs.add_ahead(work.claimed, "recognise", {"stretch": stretch.number})

    sounded = cut(media.info, detector, keep=keep_stretch, check=work.check)
    return sounded, written


async def _detector(work: Work) -> Any:
    async with worker_loop.engines_of(work.project.owner_id, work.meter) as engines:
        return engines.detector


def _forget_stretches(work: Work) -> None:
    jobs.forget_ahead(work.claimed, "recognise")
    for stretch in work.project.stretches.all():
        stretch.delete()


def _described(media: Media, sounded: Sounded) -> dict[str, Any]:
    info = media.info
    return {
        "duration_s": round(sounded.duration_s, 3),
        "has_video": info.has_video,
        "video_duration_s": None if media.video_s is None else round(media.video_s, 3),
        "container": info.container,
        "audio_codec": info.audio_codec,
        "sample_rate_hz": info.sample_rate_hz,
        "channels": info.channels,
    }


def _count(work: Work, duration_s: float) -> None:
    """The file counts like live dubbing of the same length. Raises ProjectError."""
    project = work.project
    if not accounting.limited():
        return
    account = accounting.Account(work.job.pk, uuid.UUID(int=0), project.owner_id)
    with transaction.atomic():
        standing = accounting.reserve(account)
        left_s = standing.reserved_s + standing.pool_s if standing else duration_s
        enough = left_s >= duration_s and not (standing and standing.spent)
        delta = accounting.Delta(1, usage.today(), duration_s, ()) if enough else None
        accounting.settle(account, delta, closes=True)
    if not enough:
        raise ProjectError(
            "nothing_left_today",
            f"The file lasts {duration_s / 60:.0f} minutes, and less is left of what you may have "
            f"dubbed on {timezone.now():%d %B}; try again tomorrow.",
        )
