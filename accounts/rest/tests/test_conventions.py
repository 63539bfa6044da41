"""What all addresses share: tags, keys of idempotency, scopes, rates, other origins."""

from __future__ import annotations

import threading
from datetime import timedelta
from typing import Any

import pytest
from django.db import connections
from django.utils import timezone
from rest_framework.test import APIClient

from accounts.models import ApiToken, IdempotentRequest, User
from accounts.rest import idempotency
from accounts.rest.idempotency import forget_old_answers
from accounts.rest.scopes import SCOPES
from accounts.rest.tests.conftest import client_of
from accounts.rest.tests.test_problems import problem
from accounts.services import create_token


def key(text: str) -> dict[str, Any]:
    return {"HTTP_IDEMPOTENCY_KEY": text}


# Tags ---------------------------------------------------------------------------------


def test_an_edit_names_what_it_edits(api: APIClient, ana: User) -> None:
    path = f"/api/tokens/{create_token(ana, name='old').record.pk}"
    problem(api.patch(path, {"name": "new"}), 428, "if_match_required")
    seen = api.get(path)["ETag"]
    changed = api.patch(path, {"name": "new"}, HTTP_IF_MATCH=seen)
    assert (changed.status_code, changed.json()["name"]) == (200, "new")
    assert changed["ETag"] != seen
    problem(api.patch(path, {"name": "newer"}, HTTP_IF_MATCH=seen), 412, "changed_meanwhile")
    problem(api.delete(path, HTTP_IF_MATCH=seen), 412, "changed_meanwhile")
    assert ApiToken.objects.filter(name="new").exists()
    several = f'"other.tag", W/{changed["ETag"]}'
    assert api.patch(path, {"name": "third"}, HTTP_IF_MATCH=several).status_code == 200
    assert api.patch(path, {"name": "fourth"}, HTTP_IF_MATCH="*").status_code == 200
    assert api.delete(path).status_code == 204


def test_what_one_has_already_is_not_sent_again(api: APIClient, ana: User) -> None:
    path = f"/api/tokens/{create_token(ana, name='old').record.pk}"
    seen = api.get(path)["ETag"]
    again = api.get(path, HTTP_IF_NONE_MATCH=seen)
    assert (again.status_code, again.content, again["ETag"]) == (304, b"", seen)
    api.patch(path, {"name": "new"}, HTTP_IF_MATCH="*")
    assert api.get(path, HTTP_IF_NONE_MATCH=seen).status_code == 200


def test_of_two_edits_of_the_same_one_is_told(ana: User) -> None:
    path = f"/api/tokens/{create_token(ana, name='old').record.pk}"
    clients = [client_of(ana) for _ in range(6)]
    seen = clients[0].get(path)["ETag"]
    found = at_once(
        [
            lambda client=client, n=n: (
                client.patch(  # type: ignore[misc]
                    path, {"name": str(n)}, HTTP_IF_MATCH=seen
                ).status_code
            )
            for n, client in enumerate(clients)
        ]
    )
    assert sorted(found) == [200] + 5 * [412]


def at_once(works: list[Any]) -> list[Any]:
    found: list[Any] = []

    def run(work: Any) -> None:
        try:
            found.append(work())
        finally:
            connections.close_all()

    threads = [threading.Thread(target=run, args=(work,)) for work in works]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join(30)
    return found


# Keys of idempotency ------------------------------------------------------------------


def test_a_creation_that_comes_twice_happens_once(api: APIClient, ana: User) -> None:
    first = api.post("/api/tokens", {"name": "robot", "scopes": ["dub"]}, **key("a-1"))
    again = api.post("/api/tokens", {"scopes": ["dub"], "name": "robot"}, **key('"a-1"'))
    assert first.status_code == again.status_code == 201
    assert first.json() == again.json()
    assert again["Idempotency-Replayed"] == "true"
    assert again["Location"] == first["Location"]
    assert again["Cache-Control"] == "no-store"
    assert "Idempotency-Replayed" not in first
    assert ApiToken.objects.filter(name="robot").count() == 1
    other = api.post("/api/tokens", {"name": "other"}, **key("a-1"))
    problem(other, 409, "idempotency_key_reused")
    problem(api.post("/api/sessions", {"target_language": "es"}, **key("a-1")), 409,
            "idempotency_key_reused")  # fmt: skip


def test_a_key_is_its_users_own(api: APIClient, ana: User, ben: User) -> None:
    mine = api.post("/api/tokens", {"name": "robot"}, **key("shared"))
    theirs = client_of(ben).post("/api/tokens", {"name": "robot"}, **key("shared"))
    assert mine.status_code == theirs.status_code == 201
    assert mine.json()["token"] != theirs.json()["token"]


def test_what_failed_may_be_tried_again_under_the_same_key(api: APIClient) -> None:
    problem(api.post("/api/tokens", {"name": ""}, **key("k")), 400, "invalid")
    assert not IdempotentRequest.objects.exists()
    assert api.post("/api/tokens", {"name": "robot"}, **key("k")).status_code == 201


@pytest.mark.parametrize("text", ["", " ", "a b", "x" * 256, "ä", '""'])
def test_a_key_of_a_wrong_form_is_refused(api: APIClient, text: str) -> None:
    answer = api.post("/api/tokens", {"name": "robot"}, **key(text))
    problem(answer, 400, "idempotency_key_invalid")
    assert not ApiToken.objects.filter(name="robot").exists()


def test_neither_the_key_nor_a_token_can_be_read_in_the_database(api: APIClient) -> None:
    made = api.post("/api/tokens", {"name": "robot"}, **key("my-own-key"))
    stored = str(IdempotentRequest.objects.values().get())
    assert made.json()["token"] not in stored
    assert "my-own-key" not in stored


def test_of_many_at_once_one_is_done(ana: User) -> None:
    clients = [client_of(ana) for _ in range(8)]
    before = ApiToken.objects.count()
    answers = at_once(
        [
            lambda client=client: client.post("/api/tokens", {"name": "robot"}, **key("once"))  # type: ignore[misc]
            for client in clients
        ]
    )
    codes = [answer.status_code for answer in answers]
    assert set(codes) <= {201, 409}
    assert len({answer.json()["id"] for answer in answers if answer.status_code == 201}) == 1
    assert ApiToken.objects.count() == before + 1
    for answer in answers:
        if answer.status_code == 409:
            problem(answer, 409, "idempotency_in_progress")
            assert answer["Retry-After"]


def test_a_creation_whose_process_died_is_done_by_the_next(api: APIClient, ana: User) -> None:
    api.post("/api/tokens", {"name": "robot"}, **key("k"))
    row = IdempotentRequest.objects.get()
    IdempotentRequest.objects.update(status=None, sealed_answer="")
    problem(api.post("/api/tokens", {"name": "robot"}, **key("k")), 409, "idempotency_in_progress")
    early = timezone.now() - timedelta(seconds=idempotency.IDEMPOTENT_RUN_S + 1)
    IdempotentRequest.objects.update(started_at=early)
    assert api.post("/api/tokens", {"name": "robot"}, **key("k")).status_code == 201
    assert IdempotentRequest.objects.get().attempt != row.attempt


def test_keys_are_forgotten_after_a_day_and_beyond_their_number(
    api: APIClient, monkeypatch: pytest.MonkeyPatch
) -> None:
    for n in range(4):
        api.post("/api/tokens", {"name": f"robot {n}"}, **key(f"k{n}"))
    monkeypatch.setattr(idempotency, "IDEMPOTENT_MAX", 3)
    assert forget_old_answers() == 1
    old = timezone.now() - timedelta(days=1, seconds=1)
    IdempotentRequest.objects.update(started_at=old)
    assert api.post("/api/tokens", {"name": "robot 3"}, **key("k3")).status_code == 201
    assert ApiToken.objects.filter(name="robot 3").count() == 2
    assert forget_old_answers() == 2


# Scopes -------------------------------------------------------------------------------


def test_a_token_does_what_its_scopes_say(ana: User) -> None:
    reads = client_of(ana, "read:sessions")
    assert reads.get("/api/sessions").status_code == 200
    assert reads.head("/api/sessions").status_code == 200
    body = problem(reads.post("/api/sessions", {"target_language": "es"}), 403, "scope_missing")
    assert "write:sessions" in body["detail"]
    problem(reads.get("/api/tokens"), 403, "scope_missing")
    problem(reads.post("/api/ticket"), 403, "scope_missing")
    assert reads.get("/api/me").json()["scopes"] == ["read:sessions"]
    assert client_of(ana, "dub").post("/api/ticket").status_code == 201


def test_a_token_gives_away_no_more_than_it_has(ana: User) -> None:
    narrow = client_of(ana, "write:tokens", "dub")
    wide = {"name": "wide", "scopes": ["dub", "read:usage"]}
    assert "read:usage" in problem(narrow.post("/api/tokens", wide), 403, "scope_missing")["detail"]
    problem(narrow.post("/api/tokens", {"name": "all"}), 403, "scope_missing")
    made = narrow.post("/api/tokens", {"name": "narrow", "scopes": ["dub"]})
    assert made.json()["scopes"] == ["dub"]
    everything = client_of(ana).post("/api/tokens", {"name": "x", "scopes": ["*", "dub"]})
    assert everything.json()["scopes"] == ["*"]


def test_who_is_staff_looks_inside_with_a_token_for_everything_only(ana: User) -> None:
    ana.is_staff = True
    ana.save()
    assert client_of(ana).get("/api/metrics").status_code == 200
    assert client_of(ana, "read:usage").get("/api/metrics").status_code == 403


def test_every_scope_says_what_it_is_for() -> None:
    assert all(text.endswith(".") for text in SCOPES.values())


# Rates --------------------------------------------------------------------------------


def test_answers_say_how_many_requests_are_left(ana: User, settings: Any) -> None:
    settings.API_RATES = settings.API_RATES | {"token": 3}
    client = client_of(ana)
    for left in (2, 1, 0):
        answer = client.get("/api/me")
        assert answer["RateLimit-Policy"] == '"token";q=3;w=60'
        assert answer["RateLimit"].startswith(f'"token";r={left};t=')
    refused = client.get("/api/me")
    problem(refused, 429, "too_many_requests")
    assert 1 <= int(refused["Retry-After"]) <= 60
    # Another token of the same person is counted by itself.
    assert client_of(ana).get("/api/me").status_code == 200


def test_what_costs_money_has_a_rate_of_its_own(ana: User, settings: Any) -> None:
    settings.API_RATES = settings.API_RATES | {"engine_check": 1}
    client = client_of(ana)
    assert client.post("/api/engine-keys/check").status_code == 200
    assert client.post("/api/engine-keys/check").status_code == 429
    assert client.get("/api/me").status_code == 200


def test_without_redis_everybody_is_let_through(api: APIClient, settings: Any) -> None:
    from django.core.cache import caches

    settings.CACHES = {
        "default": settings.CACHES["default"] | {"LOCATION": "redis://127.0.0.1:1/0"}
    }
    if hasattr(caches._connections, "default"):  # type: ignore[attr-defined]
        del caches["default"]
    assert api.get("/api/me").status_code == 200
    del caches["default"]


# Other origins ------------------------------------------------------------------------

ORIGIN = "chrome-extension://abc"


def test_an_origin_that_is_allowed_may_ask(api: APIClient, settings: Any) -> None:
    settings.ALLOWED_ORIGINS = [ORIGIN, "moz-extension://*"]
    asks = {"HTTP_ORIGIN": ORIGIN, "HTTP_ACCESS_CONTROL_REQUEST_METHOD": "PATCH"}
    preflight = APIClient().options("/api/tokens/1", **asks)
    assert preflight.status_code == 204
    assert preflight["Access-Control-Allow-Origin"] == ORIGIN
    assert "PATCH" in preflight["Access-Control-Allow-Methods"]
    for name in ("Authorization", "If-Match", "Idempotency-Key"):
        assert name in preflight["Access-Control-Allow-Headers"]
    answer = api.get("/api/me", HTTP_ORIGIN="moz-extension://1f-2e")
    assert answer["Access-Control-Allow-Origin"] == "moz-extension://1f-2e"
    assert "ETag" in answer["Access-Control-Expose-Headers"]
    assert "Access-Control-Allow-Credentials" not in answer
    # Also where the answer is an error: pages must be able to read why.
    refused = APIClient().get("/api/me", HTTP_ORIGIN=ORIGIN)
    assert refused["Access-Control-Allow-Origin"] == ORIGIN


def test_any_other_origin_may_not(api: APIClient, settings: Any) -> None:
    settings.ALLOWED_ORIGINS = [ORIGIN]
    for origin in ("https://evil.example", "chrome-extension://abcd", "null"):
        answer = api.get("/api/me", HTTP_ORIGIN=origin)
        assert "Access-Control-Allow-Origin" not in answer
        assert "Origin" in answer["Vary"]
    assert "Access-Control-Allow-Origin" not in api.get("/", HTTP_ORIGIN=ORIGIN)


def test_the_login_cookie_counts_without_a_token_but_with_its_csrf_token(ana: User) -> None:
    browser = APIClient(enforce_csrf_checks=True)
    browser.force_login(ana)
    assert browser.get("/api/tokens").status_code == 200
    refused = browser.post("/api/tokens", {"name": "robot"}, format="json")
    assert "CSRF" in problem(refused, 403, "forbidden")["detail"]
