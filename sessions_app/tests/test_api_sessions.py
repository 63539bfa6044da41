"""Sessions over REST: named, shared, found again, exported, measured, deleted."""

from __future__ import annotations

import uuid
from dataclasses import replace
from datetime import timedelta
from typing import Any

import msgspec
import pytest
from django.utils import timezone
from rest_framework.test import APIClient

from accounts.models import Membership, Role, Team, WebhookDelivery
from accounts.rest.tests.conftest import client_of
from accounts.rest.tests.test_problems import problem
from accounts.webhooks.services import create_webhook
from sessions_app import holding, services
from sessions_app.models import DubbingSession, Line, SessionState
from sessions_app.records.indexing import index_words
from sessions_app.tests.conftest import MakePerson, Person
from sessions_app.tests.test_record import line
from sessions_app.usage import accounting
from sessions_app.usage import report as usage


@pytest.fixture
def api(ana: Person) -> APIClient:
    return client_of(ana.user)


@pytest.fixture
def team(ana: Person) -> Team:
    made = Team.objects.create(name="studio")
    Membership.objects.create(team=made, user=ana.user, role=Role.OWNER)
    return made


def ids(answer: Any) -> list[str]:
    assert answer.status_code == 200, answer.content
    return [one["id"] for one in answer.json()["results"]]


def test_sessions_are_filtered_and_searched(ana: Person, api: APIClient) -> None:
    train = services.create_session(ana.user, target_language="es", title="Trains & stations")
    other = services.create_session(ana.user, target_language="fr", source_language="en")
    holding.save_lines(
        other.pk,
        [replace(line(0), source_text="The train leaves at nine.", target_text="Le train part.")],
    )
    DubbingSession.objects.filter(pk=other.pk).update(state=SessionState.ENDED)
    index_words(other)
    both = [str(other.pk), str(train.pk)]
    assert ids(api.get("/api/sessions")) == both
    assert ids(api.get("/api/sessions?state=ended")) == [str(other.pk)]
    assert ids(api.get("/api/sessions?state=ended&state=created")) == both
    assert ids(api.get("/api/sessions?target_language=es")) == [str(train.pk)]
    assert ids(api.get("/api/sessions?q=train")) == both
    assert ids(api.get("/api/sessions?q=STATION")) == [str(train.pk)]
    assert ids(api.get("/api/sessions", {"q": "leaves at nine"})) == [str(other.pk)]
    assert ids(api.get("/api/sessions?q=leaves noon")) == []
    assert ids(api.get("/api/sessions?q=aeroplane")) == []
    soon = (timezone.now() + timedelta(hours=1)).isoformat()
    assert ids(api.get("/api/sessions", {"created_after": soon})) == []
    assert ids(api.get("/api/sessions", {"created_before": soon})) == both


@pytest.mark.parametrize(
    ("query", "field"),
    [
        ("state=asleep", "state"),
        ("created_after=yesterday", "created_after"),
        ("team=x", "team"),
        ("q=" + "x" * 201, "q"),
        ("order=title", "order"),
        ("limit=201", "limit"),
    ],
)
def test_a_filter_that_is_wrong_is_named(api: APIClient, query: str, field: str) -> None:
    body = problem(api.get(f"/api/sessions?{query}"), 400, "invalid")
    assert list(body["errors"]) == [field]
    if field == "state":
        told = ["Choose one of: created, live, ended, failed, interrupted."]
        assert body["errors"][field] == told


def test_pages_hold_while_sessions_are_added(ana: Person, api: APIClient) -> None:
    made = [str(services.create_session(ana.user).pk) for _ in range(5)]
    first = api.get("/api/sessions?limit=2").json()
    services.create_session(ana.user)
    rest = api.get(first["next"]).json()
    assert [one["id"] for one in first["results"] + rest["results"]] == made[:0:-1]


def test_a_session_is_renamed_while_it_is_dubbed(ana: Person, api: APIClient) -> None:
    session = services.create_session(ana.user, target_language="es")
    path = f"/api/sessions/{session.pk}"
    seen = api.get(path)["ETag"]
    # What the live side writes does not stand in the way of an edit, but a reader sees it.
    DubbingSession.objects.filter(pk=session.pk).update(media_s=12.5)
    assert api.get(path, HTTP_IF_NONE_MATCH=seen).status_code == 200
    answer = api.patch(path, {"title": "  A talk "}, HTTP_IF_MATCH=seen)
    assert (answer.status_code, answer.json()["title"]) == (200, "A talk")
    problem(api.patch(path, {"title": "Again"}, HTTP_IF_MATCH=seen), 412, "changed_meanwhile")
    for body in ({}, {"title": None}, {"title": "x" * 201}, {"team": 0}, {"team": 10**12}):
        problem(api.patch(path, body, HTTP_IF_MATCH="*"), 400, "invalid")


def test_a_team_sees_what_is_shared_and_its_editors_edit(
    ana: Person, ben: Person, make_person: MakePerson, team: Team, api: APIClient
) -> None:
    eva = make_person("eva")
    Membership.objects.create(team=team, user=ben.user, role=Role.EDITOR)
    Membership.objects.create(team=team, user=eva.user, role=Role.VIEWER)
    session = services.create_session(ana.user, target_language="es")
    holding.save_lines(session.pk, [line(0)])
    path = f"/api/sessions/{session.pk}"
    as_ben, as_eva = client_of(ben.user), client_of(eva.user)
    assert as_eva.get(path).status_code == 404
    assert api.patch(path, {"team": team.pk}, HTTP_IF_MATCH="*").json()["team"] == team.pk
    assert ids(as_eva.get(f"/api/sessions?team={team.pk}")) == [str(session.pk)]
    for part in ("", "/lines", "/lines/0", "/transcript", "/statistics"):
        assert as_eva.get(path + part).status_code == 200
    problem(as_eva.patch(path, {"title": "mine"}, HTTP_IF_MATCH="*"), 403, "forbidden")
    assert as_ben.patch(path, {"title": "ours"}, HTTP_IF_MATCH="*").status_code == 200
    problem(as_ben.patch(path, {"team": None}, HTTP_IF_MATCH="*"), 403, "forbidden")
    problem(as_ben.delete(path), 403, "forbidden")
    assert api.delete(path).status_code == 204
    assert not Line.objects.exists()


def test_a_session_is_shared_with_a_team_in_which_one_edits_only(
    ana: Person, ben: Person, team: Team
) -> None:
    Membership.objects.create(team=team, user=ben.user, role=Role.VIEWER)
    stranger = Team.objects.create(name="others")
    as_ben = client_of(ben.user)
    for wanted in (team.pk, stranger.pk):
        body = problem(
            as_ben.post("/api/sessions", {"target_language": "es", "team": wanted}), 400, "invalid"
        )
        assert body["errors"] == {"team": ["You edit in no team of this id."]}


def test_a_session_that_is_dubbed_is_not_deleted(ana: Person, api: APIClient) -> None:
    session = services.create_session(ana.user, target_language="es")
    hold = uuid.uuid4()
    holding.hold_session(session.pk, ana.user, hold=hold)
    problem(api.delete(f"/api/sessions/{session.pk}"), 409, "session_live")
    holding.release_session(session.pk, hold=hold, media_s=0, lost_lines=0)
    assert api.delete(f"/api/sessions/{session.pk}").status_code == 204


SAID = (
    replace(line(0), speaker="A", source_text="Good & <early>.", target_text="Hola.",
            start_s=1.0, end_s=2.0, cue_start_s=3.0, cue_duration_s=1.5),
    replace(line(1), speaker="B", source_text="Adiós.", target_text="", start_s=4.0, end_s=5.0,
            cue_start_s=None, cue_duration_s=None, latencies=None,
            skipped_reason="same_language"),
)  # fmt: skip


@pytest.mark.parametrize(
    ("query", "kind", "body"),
    [
        (
            "format=txt",
            "text/plain",
            "[00:00:01] A: Good & <early>.\n           Hola.\n[00:00:04] B: Adiós.\n",
        ),
        ("format=txt&text=target", "text/plain", "[00:00:01] A: Hola.\n[00:00:04] B: Adiós.\n"),
        (
            "format=srt&text=target&times=dub",
            "application/x-subrip",
            "1\n00:00:03,000 --> 00:00:03,960\nHola.\n\n2\n00:00:04,000 --> 00:00:05,000\nAdiós.\n",
        ),
        (
            "format=srt",
            "application/x-subrip",
            "1\n00:00:01,000 --> 00:00:02,000\nGood & <early>.\nHola.\n\n"
            "2\n00:00:04,000 --> 00:00:05,000\nAdiós.\n",
        ),
        (
            "format=vtt&text=source",
            "text/vtt",
            "WEBVTT\n\n00:00:01.000 --> 00:00:02.000\n<v A>Good &amp; &lt;early&gt;.\n\n"
            "00:00:04.000 --> 00:00:05.000\n<v B>Adiós.\n",
        ),
    ],
)
def test_what_was_said_is_taken_away_as_a_file(
    ana: Person, api: APIClient, query: str, kind: str, body: str
) -> None:
    session = services.create_session(ana.user, target_language="es", title="A talk: 1/2")
    holding.save_lines(session.pk, SAID)
    answer = api.get(f"/api/sessions/{session.pk}/transcript?{query}")
    assert answer["Content-Type"] == f"{kind}; charset=utf-8"
    assert 'filename="A-talk-1-2.' in answer["Content-Disposition"]
    assert answer.content.decode() == body


def test_a_transcript_in_json_has_the_texts_that_were_asked_for(
    ana: Person, api: APIClient
) -> None:
    session = services.create_session(ana.user, target_language="es")
    holding.save_lines(session.pk, SAID)
    path = f"/api/sessions/{session.pk}/transcript?format=json"
    assert api.get(path).json()["lines"][0]["target_text"] == "Hola."
    assert "source_text" not in api.get(f"{path}&text=target").json()["lines"][0]
    for query in ("format=pdf", "text=all", "times=never"):
        problem(api.get(f"/api/sessions/{session.pk}/transcript?{query}"), 400, "invalid")


def test_figures_are_those_of_the_lines(ana: Person, api: APIClient) -> None:
    session = services.create_session(ana.user, target_language="es")
    empty = api.get(f"/api/sessions/{session.pk}/statistics").json()
    assert (empty["lines"], empty["speakers"], empty["over_time"]) == (0, [], [])
    usual = line(0).latencies
    assert usual is not None
    spoken = [
        replace(
            line(n),
            speaker="A" if n < 3 else "B",
            start_s=n * 4.0,
            end_s=n * 4.0 + 2,
            latencies=msgspec.structs.replace(usual, total_ms=100.0 * (n + 1)),
        )
        for n in range(4)
    ]
    skipped = replace(line(4), speaker="B", start_s=70.0, end_s=72.0, latencies=None,
                      skipped_reason="backlog", cue_start_s=None)  # fmt: skip
    holding.save_lines(session.pk, [*spoken, skipped])
    found = api.get(f"/api/sessions/{session.pk}/statistics").json()
    assert (found["lines"], found["spoken"], found["skipped"]) == (5, 4, 1)
    assert found["skipped_reasons"] == {"backlog": 1}
    assert found["latencies"]["total_ms"] == {"count": 4, "p50": 250.0, "p95": 385.0, "max": 400.0}
    assert [(one["speaker"], one["share"]) for one in found["speakers"]] == [("A", 0.6), ("B", 0.4)]
    # By intervals that make a picture of as many points, whatever the session's length.
    told = [(one["start_s"], one["lines"], one["skipped"]) for one in found["over_time"]]
    assert sum(lines for _, lines, _ in told) == 5
    assert [start_s for start_s, _, _ in told] == sorted(start_s for start_s, _, _ in told)
    assert (told[0][0], told[-1]) == (0.0, (70.0, 1, 1))


def test_lines_are_filtered(ana: Person, api: APIClient) -> None:
    session = services.create_session(ana.user, target_language="es")
    holding.save_lines(session.pk, SAID)

    def found(query: str) -> list[int]:
        answer = api.get(f"/api/sessions/{session.pk}/lines?{query}").json()
        return [one["sequence"] for one in answer["results"]]

    assert found("speaker=B") == [1]
    assert found("after=0") == [1]
    assert found("from_s=3") == [1]
    assert found("until_s=4") == [0]
    assert found("q=hola") == [0]
    assert api.get(f"/api/sessions/{session.pk}/lines/1").json()["source_text"] == "Adiós."
    problem(api.get(f"/api/sessions/{session.pk}/lines/{10**12}"), 404, "not_found")


# What webhooks are told ---------------------------------------------------------------


def told(person: Person) -> list[tuple[str, dict[str, Any]]]:
    rows = WebhookDelivery.objects.filter(endpoint__owner=person.user).select_related("event")
    return [(one.event.type, one.event.data) for one in rows.order_by("created_at")]


@pytest.fixture
def listening(ana: Person) -> None:
    create_webhook(ana.user, url="https://receiver.example/", event_types=["*"], team=None)


def begun(ana: Person) -> tuple[uuid.UUID, uuid.UUID]:
    session_id, hold = uuid.uuid4(), uuid.uuid4()
    holding.hold_session(session_id, ana.user, hold=hold)
    holding.begin_run(session_id, hold=hold, source_language="en", target_language="es",
                       preserve_voice=True, engines={})  # fmt: skip
    return session_id, hold


def test_a_session_tells_of_its_beginning_and_its_end(ana: Person, listening: None) -> None:
    session_id, hold = begun(ana)
    holding.save_lines(session_id, SAID)
    holding.end_run(session_id, hold=hold, failed=False, media_s=5.0, errors=0, lost_lines=0)
    (started, first), (ended, last) = told(ana)
    assert (started, ended) == ("session.started", "session.ended")
    assert first["state"] == "live"
    assert (last["lines"], last["skipped"], last["media_s"]) == (2, 1, 5.0)
    assert last["session"] == str(session_id)
    assert "Hola" not in str(told(ana))


def test_a_session_that_fails_or_is_cut_off_is_told(ana: Person, listening: None) -> None:
    session_id, hold = begun(ana)
    holding.end_run(session_id, hold=hold, failed=True, media_s=1, errors=1, lost_lines=0)
    begun_too, hold = begun(ana)
    holding.release_session(begun_too, hold=hold, media_s=1, lost_lines=0)
    assert [(name, data["state"]) for name, data in told(ana) if name != "session.started"] == [
        ("session.failed", "failed"),
        ("session.failed", "interrupted"),
    ]


def test_a_day_that_is_nearly_used_up_is_told_once(
    ana: Person, listening: None, settings: Any
) -> None:
    settings.MAX_MINUTES_PER_DAY = 10
    session = services.create_session(ana.user, target_language="es")
    account = accounting.Account(uuid.uuid4(), session.pk, ana.user.pk)
    accounting.reserve(account)
    for number, heard_s in enumerate((300.0, 230.0, 30.0, 10.0), start=1):
        accounting.settle(account, accounting.Delta(number, usage.today(), heard_s, ()))
        near = [data for name, data in told(ana) if name == "quota.near"]
        assert len(near) == (heard_s < 100)
    assert near[0]["quota"] == "minutes"
    assert 0 < near[0]["left"] <= 1
    assert near[0]["limit"] == 10
