"""The pages of projects, as their owner, their team and strangers ask for them."""

from __future__ import annotations

import uuid
from dataclasses import replace
from typing import Any

import pytest
from django.test import Client
from django.urls import reverse

from accounts.models import Membership, Role, Team
from pipeline.batch.fitting import Place
from pipeline.batch.speaking import speak
from pipeline.providers.scripted.speaking import ScriptedSynthesizer
from pipeline.types import NEUTRAL_STYLE
from sessions_app.models import DubbingSession
from sessions_app.pages.projects import PROJECTS_A_PAGE, STATES, STYLES
from sessions_app.projects import jobs, steps
from sessions_app.projects.job_models import Job, JobKind, JobState
from sessions_app.projects.models import Project
from sessions_app.tests.conftest import Person, person_of
from sessions_app.tests.test_session_pages import browser, session_of


@pytest.fixture
def ana(db: None) -> Person:
    return person_of("ana")


@pytest.fixture
def ben(db: None) -> Person:
    return person_of("ben")


def project_of(person: Person, title: str = "A talk", **fields: Any) -> Project:
    return Project.objects.create(
        owner=person.user,
        title=title,
        origin="file",
        source_language="en",
        target_language="es",
        **fields,
    )


def with_job(project: Project, state: str, **fields: Any) -> Job:
    job = jobs.start(project, by=project.owner, kind=JobKind.DUB, steps=steps.DUB)
    Job.objects.filter(pk=job.pk).update(state=state, **fields)
    return job


async def test_every_slider_of_a_style_reaches_the_voice() -> None:
    synthesizer = ScriptedSynthesizer()
    voice, place = synthesizer.voices("es")[0], Place(0.0, 5.0, None, None)
    for name, _, least, most, _, neutral in STYLES:
        assert getattr(NEUTRAL_STYLE, name) == neutral
        for value in (least, most):
            style = replace(NEUTRAL_STYLE, **{name: value})
            await speak(
                synthesizer, text="Hola", language="es", voice=voice, style=style, place=place
            )
            assert getattr(synthesizer.requests[-1].style, name) == value, name


def titles(client: Client, **query: str) -> list[str]:
    answer = client.get(reverse("project-list"), query)
    assert answer.status_code == 200
    return [row["title"] for row in answer.context["rows"]]


def test_the_list_has_ones_own_and_is_searched(ana: Person, ben: Person) -> None:
    project_of(ana, "Lecture on bees")
    project_of(ana, "Interview")
    project_of(ben, "Of somebody else")
    client = browser(ana)
    assert titles(client) == ["Interview", "Lecture on bees"]
    assert titles(client, q="BEES") == ["Lecture on bees"]
    assert titles(client, q="nowhere") == []
    assert titles(client, state="invented") == ["Interview", "Lecture on bees"]
    assert browser(None).get(reverse("project-list")).status_code == 302


def test_the_list_tells_each_state_and_is_narrowed_to_one(ana: Person) -> None:
    with_job(project_of(ana, "dubbing"), JobState.RUNNING, step="recognise")
    with_job(project_of(ana, "failed"), JobState.FAILED)
    with_job(project_of(ana, "stopped"), JobState.CANCELLED)
    with_job(project_of(ana, "ready", mix="mix.flac"), JobState.DONE)
    project_of(ana, "text")
    client = browser(ana)
    rows = client.get(reverse("project-list")).context["rows"]
    assert {row["title"]: row["state"] for row in rows} == STATES
    for state in STATES:
        assert titles(client, state=state) == [state]
    page = client.get(reverse("project-list")).content.decode()
    assert "Recognising speech" in page


def test_an_export_under_way_is_not_the_projects_state(ana: Person) -> None:
    project = project_of(ana, "ready", mix="mix.flac")
    jobs.start(project, by=ana.user, kind=JobKind.EXPORT, steps=steps.EXPORT)
    assert titles(browser(ana), state="ready") == ["ready"]


def test_a_long_list_comes_page_by_page(ana: Person) -> None:
    for number in range(PROJECTS_A_PAGE + 1):
        project_of(ana, str(number))
    client = browser(ana)
    assert len(titles(client)) == PROJECTS_A_PAGE
    assert titles(client, page="2") == ["0"]


def test_what_is_somebody_elses_does_not_exist(ana: Person, ben: Person) -> None:
    project = project_of(ben, "a secret")
    for name in (project.pk, uuid.uuid4()):
        answer = browser(ana).get(reverse("project-page", args=[name]))
        assert answer.status_code == 404
        assert b"a secret" not in answer.content
    assert browser(ben).get(reverse("project-page", args=[project.pk])).status_code == 200


@pytest.mark.parametrize(("role", "edits"), [(Role.EDITOR, True), (Role.VIEWER, False)])
def test_a_team_sees_what_it_may_do(ana: Person, ben: Person, role: Role, edits: bool) -> None:
    team = Team.objects.create(name="Studio")
    Membership.objects.create(team=team, user=ben.user, role=Role.OWNER)
    Membership.objects.create(team=team, user=ana.user, role=role)
    project = project_of(ben, team=team)
    answer = browser(ana).get(reverse("project-page", args=[project.pk]))
    settings = answer.context["settings_of_page"]
    assert (settings["editable"], settings["own"]) == (edits, False)
    page = answer.content.decode()
    assert ('id="redub"' in page) == edits
    assert "delete-project" not in page


def test_a_session_opens_as_a_project_with_one_click(ana: Person, ben: Person) -> None:
    session = session_of(ana, ["hello there", "general"], title="Live")
    address = reverse("session-project", args=[session.pk])
    page = browser(ana).get(reverse("session-page", args=[session.pk])).content.decode()
    assert f'action="{address}"' in page
    answer = browser(ana).post(address)
    project = Project.objects.get()
    assert answer["Location"] == reverse("project-page", args=[project.pk])
    assert [line.source_text for line in project.lines.all()] == ["hello there", "general"]
    assert browser(ben).post(address).status_code == 404
    assert browser(ana).get(address).status_code == 405
    assert Project.objects.count() == 1


def test_a_session_without_lines_says_why_it_does_not_open(ana: Person) -> None:
    session = session_of(ana, [])
    answer = browser(ana).post(reverse("session-project", args=[session.pk]), follow=True)
    assert "The session has no lines yet." in answer.content.decode()
    assert DubbingSession.objects.filter(pk=session.pk).exists()
    assert not Project.objects.exists()
