"""``/api/sessions``, ``/api/languages``, ``/api/voices``."""

from __future__ import annotations

from typing import Any

import pytest
from rest_framework.test import APIClient

from accounts.models import Membership, Role, Team
from sessions_app import holding, services
from sessions_app.tests.conftest import Person
from sessions_app.tests.test_record import line
from voices.models import VoiceClone
from voices.services import create_actor
from voices.tests.test_pages import clone_of


def client(person: Person) -> APIClient:
    api = APIClient()
    api.credentials(HTTP_AUTHORIZATION=f"Token {person.token}")
    return api


def test_a_session_is_made_and_says_where_its_socket_is(ana: Person) -> None:
    answer = client(ana).post("/api/sessions", {"target_language": "es"}, format="json")
    assert answer.status_code == 201
    body = answer.json()
    assert body["websocket_path"].endswith(body["id"])
    assert body["state"] == "created"
    listed = client(ana).get("/api/sessions").json()["results"]
    assert [one["id"] for one in listed] == [body["id"]]


def test_a_session_is_made_for_a_team_that_one_is_in(ana: Person, ben: Person) -> None:
    ours, theirs = Team.objects.create(name="Ours"), Team.objects.create(name="Theirs")
    Membership.objects.create(team=ours, user=ana.user, role=Role.EDITOR)
    Membership.objects.create(team=theirs, user=ben.user, role=Role.OWNER)
    made = {"target_language": "es", "team": ours.pk}
    answer = client(ana).post("/api/sessions", made, format="json")
    assert (answer.status_code, answer.json()["team"]) == (201, ours.pk)
    for team in (theirs.pk, 2**40):
        refused = client(ana).post("/api/sessions", {**made, "team": team}, format="json")
        assert refused.status_code == 400
        assert refused.json()["errors"] == {"team": ["You edit in no team of this id."]}


def test_lines_come_page_by_page(ana: Person) -> None:
    session = services.create_session(ana.user, target_language="es")
    holding.save_lines(session.pk, [line(n) for n in range(5)])
    api = client(ana)
    first = api.get(f"/api/sessions/{session.pk}/lines?limit=3")
    assert [each["sequence"] for each in first.json()["results"]] == [0, 1, 2]
    assert first.json()["results"][0]["latencies"]["total_ms"] == 5
    assert f'<{first.json()["next"]}>; rel="next"' in first["Link"]
    rest = api.get(first.json()["next"]).json()
    assert [each["sequence"] for each in rest["results"]] == [3, 4]
    assert rest["next"] is None
    before = api.get(rest["previous"]).json()
    assert [each["sequence"] for each in before["results"]] == [0, 1, 2]


def test_a_session_of_somebody_else_does_not_exist(ana: Person, ben: Person) -> None:
    session = services.create_session(ben.user)
    assert client(ana).get(f"/api/sessions/{session.pk}").status_code == 404
    assert client(ana).get("/api/sessions").json()["results"] == []


@pytest.mark.parametrize("path", ["/api/sessions", "/api/languages", "/api/voices", "/api/tokens"])
def test_nothing_is_shown_to_strangers(transactional_db: None, path: str) -> None:
    assert APIClient().get(path).status_code == 401


@pytest.mark.parametrize("query", ["limit=0", "limit=9999", "limit=x", "cursor=x", "offset=1"])
def test_wrong_pages_are_refused(ana: Person, query: str) -> None:
    assert client(ana).get(f"/api/sessions?{query}").status_code == 400


def test_languages_and_voices_are_those_of_the_engines(ana: Person, settings: Any) -> None:
    settings.DUBBING_ENGINES = "sessions_app.tests.engines.scripted_engines"
    api = client(ana)
    can = api.get("/api/languages").json()
    assert can["speaks"] == ["en", "es", "fr"]
    assert can["pairs"] == [{"source": "en", "target": "es"}, {"source": "en", "target": "fr"}]
    voices = api.get("/api/voices?language=es").json()["voices"]
    assert [voice["id"] for voice in voices] == ["hum-low", "hum-high", "hum-mid"]
    assert api.get("/api/voices?language=xx").status_code == 400


def test_clones_come_page_by_page_and_stock_voices_with_the_first(
    ana: Person, ben: Person, settings: Any
) -> None:
    settings.DUBBING_ENGINES = "sessions_app.tests.engines.scripted_engines"
    actor = create_actor(ana.user, by=ana.user, name="Ida")
    for name in ("Deep", "", "Bright", "Calm"):
        clone_of(actor, ana.user, name)
    clone_of(create_actor(ben.user, by=ben.user, name="Ben's"), ben.user, "Secret")
    VoiceClone.objects.filter(name="Deep").update(owner=None)
    api = client(ana)
    first = api.get("/api/voices?language=es&limit=2").json()
    names = [one["name"] for one in first["voices"]]
    assert names == ["Bright", "Calm", "Low hum", "High hum", "Middle hum"]
    assert first["previous"] is None
    second = api.get(first["next"]).json()
    # Of the catalogue last; one without a name is called after its actor.
    assert [(one["name"], one["whose"]) for one in second["voices"]] == [
        ("Ida", "own"),
        ("Deep", "catalogue"),
    ]
    assert second["next"] is None
    assert api.get("/api/voices?language=es&cursor=x").status_code == 400
    everything = api.get("/api/voices?language=es").json()
    assert (len(everything["voices"]), everything["next"]) == (7, None)
