"""A file becomes a project: its lines, their sound, its tracks."""

from __future__ import annotations

import io
from itertools import pairwise
from pathlib import Path

import soundfile
from django.core.files.storage import default_storage

from accounts.models import User
from sessions_app.projects.files import flac_of
from sessions_app.projects.inputs import is_fresh
from sessions_app.projects.job_models import JobState
from sessions_app.projects.placed import placed_lines
from sessions_app.projects.selectors import lines_of
from sessions_app.projects.tests.conftest import Drain, dubbed, talk

TWO_PEOPLE = (
    "librispeech/3080-5032-0000.flac",
    "librispeech/2609-156975-0000.flac",
    "librispeech/3080-5032-0001.flac",
    "librispeech/2609-156975-0001.flac",
    "librispeech/3080-5032-0002.flac",
    "librispeech/2609-156975-0002.flac",
)


def test_speech_of_two_people_is_dubbed_by_the_built_in_engines(
    ana: User, speech_data: Path, drain: Drain, storage: Path
) -> None:
    pcm = talk(*TWO_PEOPLE, folder=speech_data)
    project, job = dubbed(ana, flac_of(pcm, 16_000), drain)
    assert (job.state, job.problem_text) == (JobState.DONE, "")
    lines = list(lines_of(project))
    assert len(lines) >= len(TWO_PEOPLE)
    assert {line.speaker.label for line in lines if line.speaker} == {"S1", "S2"}
    for line in lines:
        assert line.source_text
        assert line.target_text
        assert is_fresh(line, project, line.next_start_s)  # type: ignore[attr-defined]
    places = [one for one, _ in placed_lines(project)]
    assert all(one.end_s <= following.start_s for one, following in pairwise(places))
    assert sum(one.late_s <= 0.15 for one in places) >= 0.95 * len(places)
    with default_storage.open(project.mix) as mix:
        sound, rate_hz = soundfile.read(io.BytesIO(mix.read()))
    assert abs(len(sound) / rate_hz - len(pcm) / 16_000) < 0.001
