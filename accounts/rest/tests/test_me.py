"""``PATCH /api/me``: what is set there holds, and nothing else can be."""

from __future__ import annotations

import pytest
from rest_framework.test import APIClient

from accounts.models import User
from accounts.rest.tests.conftest import client_of


@pytest.mark.parametrize("policy", ["off", "recognise", "remember"])
def test_what_becomes_of_speakers_is_set(api: APIClient, ana: User, ben: User, policy: str) -> None:
    answer = api.patch("/api/me", {"speakers": policy})
    assert answer.status_code == 200
    assert answer.json()["speakers"] == policy
    assert api.get("/api/me").json() == answer.json()
    for person in (ana, ben):
        person.refresh_from_db()
    assert (ana.speakers, ben.speakers) == (policy, "recognise")


@pytest.mark.parametrize("wrong", ["", "always", None, 1, ["off"]])
def test_what_is_no_policy_is_refused_and_named(api: APIClient, ana: User, wrong: object) -> None:
    answer = api.patch("/api/me", {"speakers": wrong})
    assert answer.status_code == 400
    assert list(answer.json()["errors"]) == ["speakers"]
    ana.refresh_from_db()
    assert ana.speakers == "recognise"


def test_nothing_else_of_oneself_is_changed_here(api: APIClient, ana: User) -> None:
    before = api.get("/api/me").json()
    answer = api.patch(
        "/api/me",
        {"email": "root@example.org", "is_staff": True, "id": 1, "scopes": ["*"], "teams": []},
    )
    assert answer.status_code == 200
    assert answer.json() == before
    ana.refresh_from_db()
    assert (ana.email, ana.is_staff) == ("ana@example.org", False)


def test_it_needs_the_scope_that_changes_voices(ana: User) -> None:
    reads = client_of(ana, "read:voices")
    assert reads.patch("/api/me", {"speakers": "off"}).status_code == 403
    assert client_of(ana, "write:voices").patch("/api/me", {"speakers": "off"}).status_code == 200
    assert APIClient().patch("/api/me", {"speakers": "off"}).status_code == 401
