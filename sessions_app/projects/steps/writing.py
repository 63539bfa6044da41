"""``export`` and ``mux``: a file of a project is written."""

from __future__ import annotations

import zipfile
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

from pipeline.batch.loudness import normalise
from pipeline.bounds import EXPORTS_MAX
from pipeline.files.mixer import write_track
from pipeline.files.muxer import mux, video_suffix
from pipeline.files.subtitles import srt
from sessions_app.projects.errors import ProjectError
from sessions_app.projects.files import local, store_path, workspace
from sessions_app.projects.job_models import UNFINISHED, Export, ExportForm, Job, JobKind
from sessions_app.projects.models import Project
from sessions_app.projects.placed import clones_heard, cues, length_s, placed_lines
from sessions_app.projects.running import Work
from sessions_app.projects.text_exports import DISCLOSURE, written
from sessions_app.projects.withdrawing import WITHDRAWN, refuse_withdrawn, still_usable
from voices.files import keep

TEXT_FORMS = frozenset({"srt", "vtt", "ass", "json", "csv"})
STEM_RATE_HZ = 48_000


def plan(job: Job) -> Sequence[Mapping[str, Any]]:  # noqa: ARG001 - of every plan's form
    return [{}]


def plan_video(job: Job) -> Sequence[Mapping[str, Any]]:
    """The video of a file that has pictures is written with its first dub."""
    if not job.project.media.get("has_video"):
        return []
    Export.objects.get_or_create(
        job=job, defaults={"project": job.project, "form": ExportForm.VIDEO}
    )
    return [{}]


def do(work: Work) -> None:
    project, export = work.project, Export.objects.filter(job=work.job).first()
    if export is None:
        # It was deleted; what else the job does goes on without it.
        if work.job.kind == JobKind.EXPORT:
            raise ProjectError("export_gone", "The file was deleted meanwhile; ask for a new one.")
        work.finish()
        return
    clones = [] if export.form in TEXT_FORMS else project.clones
    if export.form == ExportForm.STEMS:
        clones = clones_heard(project)
    refuse_withdrawn(project, clones)
    with workspace() as folder:
        path = _write(work, export, folder)
        size = path.stat().st_size
        name = store_path(path)

    def write() -> None:
        if not still_usable(project, clones):
            raise ProjectError(WITHDRAWN, "A consent has ended meanwhile; dub the project again.")
        mine = Export.objects.filter(pk=export.pk)
        if not mine.update(file=name, size_bytes=size, clones=clones):
            return  # deleted meanwhile: the file goes as what nobody refers to
        keep(name)
        written = Export.objects.filter(project=project).exclude(job__state__in=UNFINISHED)
        others = written.exclude(pk=export.pk).order_by("-created_at")
        for old in others[EXPORTS_MAX - 1 :]:
            old.delete()

    work.finish(write=write)


def _write(work: Work, export: Export, folder: Path) -> Path:
    project, form = work.project, export.form
    if form in TEXT_FORMS:
        path = folder / f"export.{form}"
        path.write_text(written(project, form=form, text=export.text), encoding="utf-8")
        return path
    if not project.mix or not project.original:
        raise ProjectError(
            "not_dubbed", "There is no dub to write: give the original, and dub the project first."
        )
    if form == ExportForm.STEMS:
        return _stems(work, folder)
    source = project.dub if form == ExportForm.DUB else project.mix
    track = folder / "track.flac"
    with local(source, folder) as path:
        normalise(
            path,
            track,
            metadata={"title": project.title, "comment": DISCLOSURE},
            rate_hz=STEM_RATE_HZ,
            check=work.check,
        )
    return _video(work, folder, track) if form == ExportForm.VIDEO else track


def _video(work: Work, folder: Path, track: Path) -> Path:
    project = work.project
    subtitles = folder / "subtitles.srt"
    shown = [
        (one.start_s, one.end_s, line.sound.text)
        for one, line in placed_lines(project)
        if line.sound is not None
    ]
    subtitles.write_text(srt(shown), encoding="utf-8")
    with local(project.original, folder) as path:
        out = folder / f"video{video_suffix(path)}"
        mux(
            path,
            track,
            subtitles if shown else None,
            out,
            target_language=project.target_language,
            source_language=project.source_language,
            disclosure=DISCLOSURE,
            check=work.check,
        )
    return out


def _stems(work: Work, folder: Path) -> Path:
    """A track for each speaker, as long as the original and not made louder: they add up."""
    project: Project = work.project
    out = folder / "stems.zip"
    with zipfile.ZipFile(out, "w", zipfile.ZIP_STORED) as archive:
        for number, speaker in enumerate(project.speakers.defer("shape"), start=1):
            own = cues(project, speaker_id=speaker.pk)
            if not own:
                continue
            path = folder / f"{number:02}.flac"
            write_track(
                own, path, rate_hz=STEM_RATE_HZ, length_s=length_s(project), check=work.check
            )
            # A label is whatever somebody wrote, and no path in what others unpack.
            label = "".join(one if one.isalnum() else "-" for one in speaker.label)
            archive.write(path, f"{number:02}-{label or 'unknown'}.flac")
            path.unlink()
        archive.writestr("DISCLOSURE.txt", DISCLOSURE + ".\n")
    return out
