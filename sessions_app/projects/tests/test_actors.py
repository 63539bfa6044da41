"""Files of people who are known: recognised, and dubbed in their own voices under consent."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import numpy as np
import pytest
from rest_framework.test import APIClient

from accounts.models import User
from accounts.services import create_user
from pipeline.types import SAMPLE_RATE_HZ
from sessions_app import services
from sessions_app.projects import making
from sessions_app.projects.actors import actors_of_session
from sessions_app.projects.files import flac_of
from sessions_app.projects.job_models import JobState
from sessions_app.projects.models import Project, ProjectSpeaker
from sessions_app.projects.tests.conftest import Drain, dubbed
from sessions_app.tests.conftest import Person
from sessions_app.tests.recognising import Voices
from sessions_app.tests.test_clones_live import cloned, consented
from sessions_app.tests.test_recognition_live import MAN, WOMAN
from voices import services as voices_services
from voices.models import Voiceprint


@pytest.fixture
def voices(speech_data: Path) -> Voices:
    return Voices(speech_data)


@pytest.fixture
def talk(voices: Voices) -> bytes:
    clips = [voices.clip(who, number) for number in (2, 4) for who in (MAN, WOMAN)]
    return flac_of(np.concatenate(clips), SAMPLE_RATE_HZ)


def engines_of_file(settings: Any) -> None:
    settings.DUBBING_ENGINES = "sessions_app.tests.recognising.speaking_engines"


def speaker_who_is(project: Project, actor: Any) -> ProjectSpeaker:
    return project.speakers.get(actor=actor)


def voices_of(project: Project, speaker: ProjectSpeaker) -> set[str]:
    lines = project.lines.filter(speaker=speaker).select_related("sound")
    return {one.sound.voice for one in lines if one.sound}


def test_a_known_actor_speaks_with_their_clone_until_consent_ends(
    ana: User, voices: Voices, talk: bytes, drain: Drain, settings: Any
) -> None:
    engines_of_file(settings)
    ana.speakers = "recognise"
    ana.save()
    person = Person(ana, "")
    actor, consent = consented(person, voices)
    clone = cloned(person, actor)
    before = Voiceprint.objects.count()
    project, job = dubbed(ana, talk, drain)
    assert (job.state, job.problem_text) == (JobState.DONE, "")
    known = speaker_who_is(project, actor)
    assert (known.voice, known.shape_digest) == (clone.vendor_id, "")
    assert all(clone.vendor_id in one for one in voices_of(project, known))
    clone.refresh_from_db()
    assert clone.used_at is not None
    client = APIClient()
    client.force_authenticate(ana)
    shown = client.get(f"/api/projects/{project.pk}/speakers").json()["results"]
    assert [one["actor"] for one in shown if one["id"] == known.pk] == [str(actor.pk)]
    # Whom nobody knows has a stock voice after how they sound.
    (other,) = project.speakers.filter(actor=None).exclude(label="")
    assert other.shape_digest
    assert not any(clone.vendor_id in one for one in voices_of(project, other))
    # Nothing is kept of how anybody in the file sounds.
    assert Voiceprint.objects.count() == before

    voices_services.revoke_consent(consent, by=ana)
    for line in project.lines.filter(speaker=known):
        line.target_text += " otra vez"
        line.revision += 1
        line.save()
    assert drain(making.redub(project, by=ana)).state == JobState.DONE
    assert {one.problem for one in project.lines.filter(speaker=known)} == {"voice_unknown"}
    assert not any(one.problem for one in project.lines.filter(speaker=other))


def test_a_pinned_voice_is_spoken_as_it_is_and_nobody_is_looked_for_unasked(
    ana: User, voices: Voices, talk: bytes, drain: Drain, settings: Any
) -> None:
    engines_of_file(settings)
    person = Person(ana, "")
    actor, _ = consented(person, voices)
    ana.speakers = "off"
    ana.save()
    project, _ = dubbed(ana, talk, drain)
    assert not project.speakers.exclude(actor=None).exists()
    assert project.speakers.exclude(shape_digest="").count() == 2

    ana.speakers = "recognise"
    ana.save()
    pinned = "espeak:es:f2"
    voices_services.pin_voice(
        actor, owner=ana, by=ana, engine="espeak", voice=pinned, language="es"
    )
    project, _ = dubbed(ana, talk, drain)
    known = speaker_who_is(project, actor)
    assert (known.voice, known.shape_digest) == (pinned, "")
    assert voices_of(project, known) == {pinned}


def test_a_session_that_becomes_a_project_brings_whom_it_knows(ana: User) -> None:
    session = services.create_session(ana, target_language="es")
    actor = voices_services.create_actor(ana, by=ana, name="Ida Known")
    ben = create_user(email="ben@example.org", password=None)
    foreign = voices_services.create_actor(ben, by=ben, name="Ben's")
    for label, who in (("S1", actor), ("S2", foreign)):
        speaker = voices_services.ensure_speaker(session.pk, label, owner=ana)
        voices_services.note_match(speaker, who, confidence=0.9, confirmed=True)
    voices_services.ensure_speaker(session.pk, "S3", owner=ana)
    assert actors_of_session(ana, session) == {"S1": actor}
