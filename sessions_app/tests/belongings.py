"""What a person may have of actors, voices and projects, one of everything."""

from __future__ import annotations

import io

import soundfile
from django.utils import timezone

from accounts.models import Team, User
from pipeline.providers.scripted.sounds import utterances
from sessions_app.models import DubbingSession
from sessions_app.projects import uploads
from sessions_app.projects.editing import comment
from sessions_app.projects.job_models import Export, Job
from sessions_app.projects.models import Project, ProjectLine, ProjectSpeaker
from voices import services


def voices_of(
    user: User, session: DubbingSession, name: str, team: Team | None = None
) -> dict[str, str]:
    """An actor and one of everything that belongs to them, each telling ``name``.

    Placeholder in an address → id.
    """
    actor = services.create_actor(user, by=user, name=name, team=team)
    speaker = services.ensure_speaker(session.pk, "S1", owner=user, team=team)
    services.rename_speaker(speaker, name, by=user)
    services.confirm(speaker, actor, by=user)
    consent = services.give_consent(
        actor, owner=user, by=user, given_by=name, uses=["sample", "clone"], statement=name
    )
    sound = io.BytesIO()
    soundfile.write(sound, utterances((1.0, 140.0)), 16_000, format="WAV")
    sample = services.upload_sample(actor, owner=user, by=user, content=sound.getvalue(), name=name)
    pin, _ = services.pin_voice(
        actor, owner=user, by=user, language="es", engine="scripted", voice=name
    )
    clone, _ = services.request_clone(
        actor, owner=user, by=user, samples=[sample], engine="scripted-synthesizer", name=name
    )
    comparison = services.compare(
        user,
        text=name,
        language="es",
        actor=actor,
        sample=sample,
        voices=[services.Wished(engine="scripted-synthesizer", voice="hum-low")],
    )
    preview = comparison.previews.get()
    title = services.ensure_title(name, owner=user, team=team)
    assert title is not None
    rows = {
        "actor": actor,
        "speaker": speaker,
        "sample": sample,
        "consent": consent,
        "pin": pin,
        "title": title,
        "clone": clone,
        "comparison": comparison,
        "preview": preview,
    }
    return {f"{kind}_id": str(row.pk) for kind, row in rows.items()}


def projects_of(user: User, name: str, team: Team | None = None) -> dict[str, str]:
    """A project with one of everything that belongs to it, each telling ``name``, and an upload.

    Placeholder in an address → id or number.
    """
    project = Project.objects.create(
        owner=user,
        team=team,
        title=name,
        origin="file",
        original_name=name,
        source_language="en",
        target_language="es",
    )
    speaker = ProjectSpeaker.objects.create(project=project, label="S1", name=name)
    line = ProjectLine.objects.create(
        project=project,
        number=0,
        start_s=1.0,
        end_s=2.0,
        speaker=speaker,
        language="en",
        source_text=name,
        target_text=name,
    )
    done = {"project": project, "state": "done", "ended_at": timezone.now()}
    job = Job.objects.create(kind="dub", options={"steps": []}, problem_text=name, **done)
    writing = Job.objects.create(kind="export", options={"steps": []}, **done)
    export = Export.objects.create(project=project, job=writing, form="srt")
    upload = uploads.begin(user, name=name, size_bytes=1000)
    return {
        "project_id": str(project.pk),
        "project_speaker_id": str(speaker.pk),
        "number": "0",
        "comment_id": str(comment(line, by=user, text=name).pk),
        "job_id": str(job.pk),
        "export_id": str(export.pk),
        "upload_id": str(upload.pk),
    }
