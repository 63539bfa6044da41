"""Projects come to be: of a file, an address or a session; and are dubbed."""

from __future__ import annotations

from collections.abc import Sequence
from contextlib import suppress

from django.db import transaction

from accounts.models import Team, User
from pipeline.bounds import PROJECT_BYTES_MAX, PROJECTS_MAX
from pipeline.plan import AUTO
from sessions_app.models import DubbingSession
from sessions_app.projects import jobs, steps
from sessions_app.projects.actors import actors_of_session
from sessions_app.projects.errors import ProjectError
from sessions_app.projects.fetching import refuse_address
from sessions_app.projects.inputs import digest
from sessions_app.projects.job_models import UNFINISHED, Export, Job, JobKind, Upload
from sessions_app.projects.models import (
    ActorState,
    Project,
    ProjectLine,
    ProjectOrigin,
    ProjectSpeaker,
)
from sessions_app.projects.selectors import bytes_of
from sessions_app.projects.subtitle_files import Subtitle, paired, read
from sessions_app.projects.withdrawing import let_go, refuse_withdrawn
from sessions_app.records.naming import speaker_name


@transaction.atomic
def create_project(
    owner: User,
    *,
    source_language: str,
    target_language: str,
    upload: Upload | None = None,
    url: str = "",
    title: str = "",
    team: Team | None = None,
    preserve_voice: bool = True,
    source_subtitles: str = "",
    target_subtitles: str = "",
) -> tuple[Project, Job]:
    """A project of an upload or an address, and the job that dubs it. Raises ProjectError.

    ``source_subtitles`` (SRT or WebVTT) are what is said, instead of what a recogniser hears;
    ``target_subtitles`` are its finished translation.
    """
    _refuse_more(owner)
    if (upload is None) == (not url):
        raise ProjectError("invalid", "Give either an upload or an address.", field="upload")
    if upload is not None:
        _refuse_unfinished(upload)
    else:
        refuse_address(url)
    given = _given(source_subtitles, target_subtitles)
    if given is not None and source_language == AUTO and source_subtitles:
        raise ProjectError(
            "invalid", "Name the language of the source's subtitles.", field="source_language"
        )
    project = Project.objects.create(
        owner=owner,
        team=team,
        title=title or (upload.name if upload else ""),
        origin=ProjectOrigin.FILE if upload else ProjectOrigin.ADDRESS,
        source_language=source_language,
        target_language=target_language,
        preserve_voice=preserve_voice,
    )
    if given is not None:
        _write_given(project, given)
    options = {"given": given is not None}
    if upload is not None:
        job = jobs.start(
            project,
            by=owner,
            kind=JobKind.DUB,
            steps=steps.DUB,
            options={**options, "upload": str(upload.pk)},
        )
    else:
        job = jobs.start(
            project,
            by=owner,
            kind=JobKind.DUB,
            steps=("fetch", *steps.DUB),
            options={**options, "url": url},
        )
    return project, job


@transaction.atomic
def open_session(
    owner: User, session: DubbingSession, *, title: str = "", team: Team | None = None
) -> Project:
    """A project with the lines of a session, which keeps no sound: its original is added later.

    Raises ProjectError.
    """
    _refuse_more(owner)
    lines = list(session.lines.order_by("start_s", "sequence"))
    if not lines:
        raise ProjectError("nothing_said", "The session has no lines yet.")
    project = Project.objects.create(
        owner=owner,
        team=team,
        title=title or session.title,
        origin=ProjectOrigin.SESSION,
        session=session,
        source_language=session.source_language or lines[0].source_language,
        target_language=session.target_language or lines[0].target_language,
        preserve_voice=session.preserve_voice,
    )
    known = actors_of_session(owner, session)
    speakers = {
        label: ProjectSpeaker.objects.create(
            project=project,
            label=label,
            name=speaker_name(label, session.speaker_names) if label else "",
            actor=known.get(label),
            actor_state=ActorState.CONFIRMED if label in known else "",
        )
        for label in dict.fromkeys(line.speaker for line in lines)
    }
    ProjectLine.objects.bulk_create(
        ProjectLine(
            project=project,
            number=number,
            start_s=line.start_s,
            end_s=max(line.end_s, line.start_s + 0.1),
            speaker=speakers[line.speaker],
            language=line.source_language,
            source_text=line.source_text,
            target_text=line.target_text,
            translated_from=digest(line.source_text) if line.target_text else "",
            level_dbfs=line.level_dbfs,
            snr_db=line.snr_db,
        )
        for number, line in enumerate(lines)
    )
    return project


@transaction.atomic
def add_original(project: Project, *, by: User, upload: Upload | None = None, url: str = "") -> Job:
    """Give a project its original, and dub what there is over it. Raises ProjectError."""
    if project.original:
        raise ProjectError("original_there", "The project has its original already.")
    if (upload is None) == (not url):
        raise ProjectError("invalid", "Give either an upload or an address.", field="upload")
    if upload is not None:
        _refuse_unfinished(upload)
    else:
        refuse_address(url)
    return jobs.start(
        project,
        by=by,
        kind=JobKind.ORIGINAL,
        steps=("fetch", *steps.DUB) if url else steps.DUB,
        options={
            "given": project.lines.exists(),
            **({"upload": str(upload.pk)} if upload else {"url": url}),
        },
    )


@transaction.atomic
def redub(project: Project, *, by: User) -> Job:
    """Speak what is stale, and mix anew; whoever has no voice, or may not have theirs any more, is
    cast first. Raises ProjectError."""
    _refuse_full(project.owner_id)
    let_go(Project.objects.select_for_update(of=("self",), no_key=True).get(pk=project.pk))
    cast_first = project.speakers.filter(voice="").exists()
    return jobs.start(
        project,
        by=by,
        kind=JobKind.REDUB,
        steps=("speakers", *steps.REDUB) if cast_first else steps.REDUB,
        options={"given": True},
    )


def listen_again(project: Project, *, by: User) -> Job:
    """Have a recogniser compare the dub with its text. Raises ProjectError."""
    return jobs.start(project, by=by, kind=JobKind.CHECK, steps=steps.CHECK)


@transaction.atomic
def export(project: Project, *, by: User, form: str, text: str = "target") -> Export:
    """Have a file written. Raises ProjectError."""
    if form not in {"srt", "vtt", "ass", "json", "csv"} and not project.mix:
        raise ProjectError(
            "not_dubbed", "There is no dub to write: give the original, and dub the project first."
        )
    if form == "video" and not project.media.get("has_video"):
        raise ProjectError("media_without_video", "The original has no picture.", field="form")
    if form in {"dub", "mix", "video"}:
        refuse_withdrawn(project, project.clones)
    _refuse_full(project.owner_id)
    # The row of the export is there before the job can begin.
    made = Export(project=project, form=form, text=text)
    job = jobs.start(project, by=by, kind=JobKind.EXPORT, steps=steps.EXPORT)
    made.job = job
    made.save()
    return made


def delete_export(export: Export) -> None:
    """Nobody waits for what is deleted: a job that does nothing but write it ends."""
    if export.job.kind == JobKind.EXPORT and export.job.state in UNFINISHED:
        # It may have ended in between.
        with suppress(ProjectError):
            jobs.cancel(export.job)
    export.delete()


def _refuse_more(owner: User) -> None:
    User.objects.select_for_update().get(pk=owner.pk)
    if Project.objects.filter(owner=owner)[PROJECTS_MAX - 1 : PROJECTS_MAX].exists():
        raise ProjectError("limit_reached", f"You have {PROJECTS_MAX} projects; delete one first.")
    _refuse_full(owner.pk)


def _refuse_full(owner_id: int) -> None:
    if bytes_of(owner_id) > PROJECT_BYTES_MAX:
        raise ProjectError(
            "limit_reached",
            f"Your projects take {PROJECT_BYTES_MAX // 1024**3} GiB; delete what is not needed.",
        )


def _refuse_unfinished(upload: Upload) -> None:
    if upload.offset != upload.size_bytes:
        raise ProjectError(
            "upload_unfinished",
            f"{upload.offset} of {upload.size_bytes} bytes have come; send the rest first.",
            field="upload",
        )


def _given(source: str, target: str) -> list[tuple[Subtitle, str, str]] | None:
    """(times, source text, target text) of the lines that are given; None: of none."""
    if not source and not target:
        return None
    translated = read(target, field="target_subtitles") if target else []
    if not source:
        return [(one, "", one.text) for one in translated]
    said = read(source, field="source_subtitles")
    return [(one, one.text, text) for one, text in paired(said, translated)]


def _write_given(project: Project, given: Sequence[tuple[Subtitle, str, str]]) -> None:
    ProjectLine.objects.bulk_create(
        ProjectLine(
            project=project,
            number=number,
            start_s=one.start_s,
            end_s=one.end_s,
            language="" if project.source_language == AUTO else project.source_language,
            source_text=source,
            target_text=target,
            translated_from=digest(source) if target and source else "",
        )
        for number, (one, source, target) in enumerate(given)
    )
