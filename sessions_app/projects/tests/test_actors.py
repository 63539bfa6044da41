"""Files of people who are known: recognised, and dubbed in their own voices under consent."""

from __future__ import annotations

from datetime import timedelta
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from django.core.files.storage import default_storage
from django.utils import timezone
from rest_framework.test import APIClient

from accounts.models import Membership, Role, Team, User
from accounts.personal_data import delete_account
from accounts.services import create_user
from pipeline.types import SAMPLE_RATE_HZ
from sessions_app import services
from sessions_app.projects import editing, making
from sessions_app.projects.actors import actors_of_session
from sessions_app.projects.files import flac_of
from sessions_app.projects.job_models import JobState
from sessions_app.projects.models import LineSound, Project, ProjectSpeaker
from sessions_app.projects.tests.conftest import Drain, dubbed
from sessions_app.tests.conftest import Person
from sessions_app.tests.recognising import Voices
from sessions_app.tests.test_clones_live import cloned, consented
from sessions_app.tests.test_recognition_live import MAN, WOMAN
from voices import services as voices_services
from voices.models import Consent, Voiceprint


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


def answer_of(client: APIClient, address: str) -> int:
    answer = client.get(address)
    answer.close()
    return answer.status_code


def told_of_lines(
    client: APIClient, project: Project, speaker: ProjectSpeaker
) -> set[tuple[str, str, str | None]]:
    """State, problem and voice of the lines that the speaker says."""
    rows = client.get(f"/api/projects/{project.pk}/lines").json()["results"]
    return {
        (one["state"], one["problem"], one["sound"] and one["sound"]["voice"])
        for one in rows
        if one["speaker"] == speaker.label
    }


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
    (told,) = [one for one in shown if one["id"] == known.pk]
    assert (told["actor"], told["actor_name"]) == (str(actor.pk), "Paul")
    assert (told["actor_state"], told["actor_decided"]) == ("confirmed", False)
    assert told["actor_confidence"] > 0.5
    # Whom nobody knows has a stock voice after how they sound.
    (other,) = project.speakers.filter(actor=None).exclude(label="")
    assert other.shape_digest
    assert not any(clone.vendor_id in one for one in voices_of(project, other))
    # Nothing is kept of how anybody in the file sounds.
    assert Voiceprint.objects.count() == before

    # What was made with the clone is heard only while that may speak.
    mixed = drain(making.export(project, by=ana, form="mix").job).export
    written = drain(making.export(project, by=ana, form="srt").job).export
    assert (project.clones, mixed.clones, written.clones) == ([clone.pk], [clone.pk], [])
    address = f"/api/projects/{project.pk}"
    theirs = list(project.lines.filter(speaker=known).order_by("number"))
    heard = [
        f"{address}/lines/{theirs[0].number}/audio",
        f"{address}/tracks/mix",
        f"{address}/tracks/dub",
        f"/api/exports/{mixed.pk}/file",
    ]
    assert {answer_of(client, one) for one in heard} == {200}
    sounds = {one.sound.audio for one in theirs if one.sound}
    files = {*sounds, project.mix, project.dub, project.dub_waveform, mixed.file}
    assert all(default_storage.exists(one) for one in files)
    gone = timezone.now() - timedelta(seconds=1)
    Consent.objects.filter(pk=consent.pk).update(expires_at=gone)
    for one in heard:
        refused = client.get(one)
        assert (refused.status_code, refused.json()["code"]) == (409, "voice_withdrawn")
    assert told_of_lines(client, project, known) == {("stale", "voice_withdrawn", None)}
    refused = client.post(f"{address}/exports", {"form": "mix"}, format="json")
    assert (refused.status_code, refused.json()["code"]) == (409, "voice_withdrawn")
    # A consent that is renewed gives it back.
    Consent.objects.filter(pk=consent.pk).update(expires_at=None)
    assert {answer_of(client, one) for one in heard} == {200}
    assert {state for state, *_ in told_of_lines(client, project, known)} == {"fresh"}

    voices_services.revoke_consent(consent, by=ana)
    assert [answer_of(client, one) for one in heard] == [409, 404, 404, 404]
    assert not any(default_storage.exists(one) for one in files)
    assert not LineSound.objects.filter(clone=clone.pk).exists()
    assert answer_of(client, f"/api/exports/{written.pk}/file") == 200
    assert told_of_lines(client, project, known) == {("stale", "voice_withdrawn", None)}
    others = told_of_lines(client, project, other)
    assert {(state, problem) for state, problem, _ in others} == {("fresh", "")}

    job = drain(making.redub(project, by=ana))
    assert (job.state, job.problem_text) == (JobState.DONE, "")
    known.refresh_from_db()
    project.refresh_from_db()
    # Shaped after how they sound in the file, as those are whom nobody knows.
    assert known.shape_digest
    assert known.voice.startswith("espeak:")
    spoken = told_of_lines(client, project, known)
    assert {(state, problem) for state, problem, _ in spoken} == {("fresh", "")}
    assert not any(clone.vendor_id in voice for _, _, voice in spoken if voice)
    assert told_of_lines(client, project, other) == others
    assert project.clones == []
    assert {answer_of(client, one) for one in heard[:3]} == {200}


def test_whatever_ends_a_clone_ends_what_it_spoke(
    ana: User, voices: Voices, talk: bytes, drain: Drain, settings: Any
) -> None:
    engines_of_file(settings)
    ben = create_user(email="ben@example.org", password=None)
    team = Team.objects.create(name="Dubbers")
    for one in (ana, ben):
        Membership.objects.create(team=team, user=one, role=Role.EDITOR)
    ana.speakers = "off"
    ana.save()
    project, _ = dubbed(ana, talk, drain)
    speaker = project.speakers.exclude(label="").first()
    assert speaker is not None
    actor = None
    for ends in ("clone", "actor", "account"):
        if actor is None:
            actor, _ = consented(Person(ben, ""), voices)
            actor = voices_services.share_actor(actor, by=ben, team=team)
        clone = cloned(Person(ben, ""), actor)
        spoken = LineSound.objects.filter(clone=clone.pk)
        speaker.refresh_from_db()
        editing.edit_speaker(speaker, by=ana, changes={"voice": clone.vendor_id})
        project.known_clones = None
        assert drain(making.redub(project, by=ana)).state == JobState.DONE
        assert spoken.exists()
        assert all(clone.vendor_id in one for one in voices_of(project, speaker))
        if ends == "clone":
            voices_services.delete_clone(clone, by=ben)
        elif ends == "actor":
            voices_services.delete_actor(actor, by=ben)
            actor = None
        else:
            delete_account(ben)
        assert not spoken.exists()
        project.refresh_from_db()
        speaker.refresh_from_db()
        assert (project.mix, project.dub, project.clones, speaker.voice) == ("", "", [], "")
        assert {one.problem for one in project.lines.filter(speaker=speaker)} == {"voice_withdrawn"}


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

    # An actor whom a person names brings their voice along, and takes it away again.
    client = APIClient()
    client.force_authenticate(ana)
    others = project.speakers.exclude(pk=known.pk).exclude(label="")
    (stranger,) = others
    address = f"/api/projects/{project.pk}/speakers/{stranger.pk}"
    named = client.post(f"{address}/confirm", {"actor": str(actor.pk)}, format="json")
    assert named.json()["voice"] == ""
    assert {one for one, *_ in told_of_lines(client, project, stranger)} == {"stale"}
    assert drain(making.redub(project, by=ana)).state == JobState.DONE
    assert voices_of(project, stranger) == {pinned}
    assert client.post(f"{address}/reject").json()["voice"] == ""
    # One that a person chose for them stays whoever they are.
    editing.edit_speaker(others.get(), by=ana, changes={"voice": "espeak:es:f1"})
    named = client.post(f"{address}/confirm", {"actor": str(actor.pk)}, format="json")
    assert named.json()["voice"] == "espeak:es:f1"


def test_a_person_says_which_actor_a_speaker_is(ana: User) -> None:
    project = Project.objects.create(
        owner=ana, origin="file", source_language="en", target_language="es"
    )
    perhaps = voices_services.create_actor(ana, by=ana, name="Ida")
    ben = create_user(email="ben@example.org", password=None)
    foreign = voices_services.create_actor(ben, by=ben, name="Ben's")
    speaker = ProjectSpeaker.objects.create(
        project=project,
        label="S1",
        voice="a",
        actor=perhaps,
        actor_state="suggested",
        actor_confidence=0.7,
    )
    client = APIClient()
    client.force_authenticate(ana)
    address = f"/api/projects/{project.pk}/speakers/{speaker.pk}"

    def told(answer: Any) -> tuple[Any, ...]:
        assert answer.status_code == 200, answer.content
        fields = ("actor_name", "actor_state", "actor_confidence", "actor_decided", "voice")
        return tuple(answer.json()[one] for one in fields)

    assert told(client.get(address)) == ("Ida", "suggested", 0.7, False, "a")
    refused = client.post(f"{address}/confirm", {"actor": str(foreign.pk)}, format="json")
    assert (refused.status_code, [*refused.json()["errors"]]) == (400, ["actor"])
    assert told(client.post(f"{address}/confirm", {}, format="json")) == (
        "Ida", "confirmed", None, True, "a"
    )  # fmt: skip
    assert told(client.post(f"{address}/reject")) == ("", "", None, True, "a")
    nobody = client.post(f"{address}/confirm", {}, format="json")
    assert nobody.status_code == 400
    wish = {"actor": str(perhaps.pk)}
    assert told(client.post(f"{address}/confirm", wish, format="json"))[0] == "Ida"
    speaker.refresh_from_db()
    assert speaker.revision == 4
    # Who they are outlasts that two actors turn out to be one.
    same = voices_services.create_actor(ana, by=ana, name="Ida Known")
    voices_services.merge_actors(same, [perhaps], by=ana)
    assert told(client.get(address))[:4] == ("Ida Known", "confirmed", None, True)


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
