"""Sounds that nothing can bring back go with the next dub; what can be taken back stays."""

from __future__ import annotations

from pathlib import Path

from accounts.models import User
from pipeline.providers.scripted.sounds import utterances
from sessions_app.projects import making
from sessions_app.projects.editing import edit_line, edit_speaker, undo
from sessions_app.projects.files import flac_of
from sessions_app.projects.inputs import is_fresh
from sessions_app.projects.job_models import JobState
from sessions_app.projects.models import LineSound, Project, ProjectLine
from sessions_app.projects.selectors import lines_of
from sessions_app.projects.tests.conftest import Drain, dubbed

TALK = flac_of(utterances((1.5, 110.0), (1.5, 240.0)), 16_000)


def line_of(project: Project, number: int) -> ProjectLine:
    return ProjectLine.objects.get(project=project, number=number)


def fresh(project: Project) -> bool:
    return all(is_fresh(one, project, one.next_start_s) for one in lines_of(project))  # type: ignore[attr-defined]


def test_what_can_be_taken_back_keeps_its_sound_and_what_cannot_loses_it(
    ana: User, scripted: None, drain: Drain, storage: Path
) -> None:
    project, _ = dubbed(ana, TALK, drain)

    def redub() -> None:
        assert drain(making.redub(project, by=ana)).state == JobState.DONE
        project.refresh_from_db()

    def texts() -> set[str]:
        return set(LineSound.objects.filter(project=project).values_list("text", flat=True))

    first = line_of(project, 0)
    original = first.target_text
    for text in ("primera", "segunda"):
        edit_line(line_of(project, 0), by=ana, changes={"target_text": text})
        redub()
    speaker = first.speaker
    assert speaker is not None
    was = speaker.voice
    edit_speaker(speaker, by=ana, changes={"voice": "hum-mid"})
    redub()
    # Every text, in both voices, is still a way back.
    assert {original, "primera", "segunda"} <= texts()
    voices = LineSound.objects.filter(project=project, text="segunda").values_list("voice")
    assert {one for (one,) in voices} == {was, "hum-mid"}

    undo(project, by=ana)
    undo(project, by=ana, line=line_of(project, 0))
    # What was taken back has its sound at once; what there is no way to any more is gone then.
    made = LineSound.objects.filter(project=project).count()
    redub()
    assert fresh(project)
    assert LineSound.objects.filter(project=project).count() < made
    assert texts() >= {original, "primera"}
    assert "segunda" not in texts()
    assert not LineSound.objects.filter(project=project, voice="hum-mid").exists()
    undo(project, by=ana)
    first = lines_of(project).get(number=0)
    assert first.target_text == original
    redub()
    assert texts() == {original, line_of(project, 1).target_text}
    # And their files with them.
    kept = set(LineSound.objects.values_list("audio", flat=True))
    assert {path.name for path in storage.rglob("*.flac")} >= {Path(one).name for one in kept}
    stretches = project.stretches.count()
    tracks = 2
    assert len(list(storage.rglob("*.flac"))) == len(kept) + stretches + tracks + 1
