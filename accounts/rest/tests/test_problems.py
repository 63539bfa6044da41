"""Every error has one form, whoever makes it."""

from __future__ import annotations

import json
import re
from pathlib import Path
from typing import Any

import pytest
from django.db import OperationalError
from django.test import Client
from rest_framework.test import APIClient

from accounts.rest.problem_codes import EXPLAINED, IN_RECORDS
from accounts.rest.problems import flattened

MEMBERS = {"type", "title", "status", "detail", "instance", "code"}


def problem(answer: Any, status: int, code: str) -> dict[str, Any]:
    assert answer.status_code == status, answer.content
    assert answer["Content-Type"] == "application/problem+json"
    body: dict[str, Any] = json.loads(answer.content)
    assert set(body) >= MEMBERS
    assert (body["status"], body["code"]) == (status, code)
    assert body["type"] == f"/api/problems#{code}"
    assert body["title"] == EXPLAINED[code].title
    assert body["instance"] == f"urn:x-request-id:{answer['X-Request-Id']}"
    return body


def test_fields_that_are_wrong_are_named(api: APIClient) -> None:
    answer = api.post("/api/tokens", {"name": "", "expires_in_days": 0, "scopes": ["all", "dub"]})
    body = problem(answer, 400, "invalid")
    assert set(body["errors"]) == {"name", "expires_in_days", "scopes.0"}
    assert "name: This field may not be blank." in body["detail"]
    assert body["errors"]["scopes.0"][0].startswith("Choose one of: *, dub, ")


@pytest.mark.parametrize(
    ("method", "path", "body", "kind", "status", "code"),
    [
        ("post", "/api/tokens", "{", "application/json", 400, "malformed"),
        ("post", "/api/tokens", "[1", "application/json", 400, "malformed"),
        ("post", "/api/tokens", b"\xff{}", "application/json", 400, "malformed"),
        ("post", "/api/tokens", "[]", "application/json", 400, "invalid"),
        ("post", "/api/tokens", '"x"', "application/json", 400, "invalid"),
        ("post", "/api/tokens", "name=x", "text/plain", 415, "unsupported_media_type"),
        ("put", "/api/tokens", "{}", "application/json", 405, "method_not_allowed"),
        ("get", "/api/tokens/999", "", "application/json", 404, "not_found"),
        ("get", "/api/nothing", "", "application/json", 404, "not_found"),
        ("get", "/api/tokens/word", "", "application/json", 404, "not_found"),
        ("get", "/api/tokens?limit=0", "", "application/json", 400, "invalid"),
        ("get", "/api/tokens?limit=1e3", "", "application/json", 400, "invalid"),
        ("get", "/api/tokens?cursor=nonsense", "", "application/json", 400, "cursor_invalid"),
        ("get", "/api/tokens?cursor=cD1ub3doZW4=", "", "application/json", 400, "cursor_invalid"),
        ("get", "/api/tokens?cursor=bz0xZTk5", "", "application/json", 400, "cursor_invalid"),
    ],
)
def test_what_cannot_be_done_is_told_in_the_same_form(
    api: APIClient, method: str, path: str, body: Any, kind: str, status: int, code: str
) -> None:
    problem(api.generic(method.upper(), path, body, content_type=kind), status, code)


def test_strangers_are_told_how_to_come_in(transactional_db: None) -> None:
    answer = APIClient().get("/api/tokens")
    problem(answer, 401, "not_authenticated")
    assert answer["WWW-Authenticate"] == "Token"
    wrong = APIClient()
    wrong.credentials(HTTP_AUTHORIZATION="Token " + "f" * 64)
    problem(wrong.get("/api/tokens"), 401, "credential_invalid")


@pytest.mark.parametrize("accept", ["text/html", "application/json; version=2"])
def test_forms_and_versions_that_there_are_not_are_refused(api: APIClient, accept: str) -> None:
    problem(api.get("/api/tokens", HTTP_ACCEPT=accept), 406, "not_acceptable")


@pytest.mark.parametrize("accept", ["*/*", "application/json", "application/json; version=1"])
def test_the_version_that_there_is_is_given(api: APIClient, accept: str) -> None:
    assert api.get("/api/tokens", HTTP_ACCEPT=accept).status_code == 200


def test_what_django_refuses_by_itself_has_the_form_too(transactional_db: None) -> None:
    answer = Client(headers={"Host": "other.example"}).get("/api/tokens")
    assert answer.status_code == 400
    assert json.loads(answer.content)["code"] == "malformed"
    # Pages stay pages.
    assert "html" in Client().get("/nothing")["Content-Type"]


def test_a_database_that_is_away_is_said(api: APIClient, monkeypatch: pytest.MonkeyPatch) -> None:
    def away(_: Any) -> Any:
        raise OperationalError

    monkeypatch.setattr("accounts.api.tokens_of", away)
    answer = api.get("/api/tokens")
    problem(answer, 503, "database_away")
    assert answer["Retry-After"] == "5"


def test_errors_inside_of_lists_and_objects_have_a_path() -> None:
    nested = {"terms": [{}, {"source": ["Too long."]}], "non_field_errors": ["Both."]}
    assert flattened(nested) == {"terms.1.source": ["Too long."], "request": ["Both."]}


def test_every_code_in_the_source_is_explained() -> None:
    root = Path(__file__).resolve().parents[3]
    raised = {
        code
        for app in ("accounts", "voices", "sessions_app")
        for path in (root / app).rglob("*.py")
        if "tests" not in path.parts
        for code in re.findall(r"\bProblem\(\s*\"([a-z_]+)\"", path.read_text(encoding="utf-8"))
    }
    assert raised
    assert raised <= set(EXPLAINED)


def test_the_page_explains_every_code(transactional_db: None) -> None:
    page = Client().get("/api/problems")
    assert page.status_code == 200
    assert {"worker_lost", "media_without_audio", "speakers_differ"} <= set(IN_RECORDS)
    for code in EXPLAINED.keys() | IN_RECORDS.keys():
        assert f'id="{code}"' in page.content.decode()
