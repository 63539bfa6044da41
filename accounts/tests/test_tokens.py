"""API tokens: made once, stored hashed, revocable, expiring."""

from __future__ import annotations

from datetime import timedelta
from io import StringIO

import pytest
from django.core.exceptions import ValidationError
from django.core.management import CommandError, call_command
from django.utils import timezone
from knox.models import AuthToken
from rest_framework.test import APIClient

from accounts.models import ApiToken, User
from accounts.services import TokenLimitReachedError, create_token, create_user
from accounts.tests.owners import owner_of
from pipeline.bounds import TOKENS_MAX

pytestmark = pytest.mark.django_db


@pytest.fixture
def ana() -> User:
    return create_user(email="Ana@Example.org", password="correct horse battery")


def client(token: str, scheme: str = "Token") -> APIClient:
    api = APIClient()
    api.credentials(HTTP_AUTHORIZATION=f"{scheme} {token}")
    return api


@pytest.mark.parametrize("scheme", ["Token", "Bearer", "bearer"])
def test_a_token_opens_the_interface(ana: User, scheme: str) -> None:
    token = create_token(ana, name="laptop").token
    listed = client(token, scheme).get("/api/tokens").json()["results"]
    assert [entry["name"] for entry in listed] == ["laptop"]
    assert token not in str(listed)


def test_the_token_is_shown_once_and_stored_only_as_a_hash(ana: User) -> None:
    first = create_token(ana, name="laptop").token
    made = client(first).post("/api/tokens", {"name": "extension"}, format="json")
    assert made.status_code == 201
    token = made.json()["token"]
    assert owner_of(token) == ana
    record = AuthToken.objects.get(label__name="extension")
    assert token not in {record.digest, record.token_key}


def test_a_revoked_token_opens_nothing(ana: User) -> None:
    keep, drop = create_token(ana, name="a"), create_token(ana, name="b")
    assert client(keep.token).delete(f"/api/tokens/{drop.record.pk}").status_code == 204
    assert owner_of(drop.token) is None
    assert owner_of(keep.token) == ana
    assert client(drop.token).get("/api/tokens").status_code == 401
    assert client(keep.token).delete(f"/api/tokens/{drop.record.pk}").status_code == 404


def test_nobody_revokes_the_token_of_somebody_else(ana: User) -> None:
    ben = create_user(email="ben@example.org", password=None)
    theirs = create_token(ben, name="b")
    mine = create_token(ana, name="a")
    assert client(mine.token).delete(f"/api/tokens/{theirs.record.pk}").status_code == 404
    assert owner_of(theirs.token) == ben


def test_an_expired_token_opens_nothing(ana: User) -> None:
    new = create_token(ana, name="short", lasts=timedelta(hours=1))
    assert owner_of(new.token) == ana
    AuthToken.objects.filter(label=new.record).update(expiry=timezone.now() - timedelta(seconds=1))
    assert owner_of(new.token) is None


def test_tokens_of_the_inactive_open_nothing(ana: User) -> None:
    token = create_token(ana, name="a").token
    ana.is_active = False
    ana.save()
    assert owner_of(token) is None


@pytest.mark.parametrize("token", ["", "x", "\0" * 64, "ä" * 64, "a" * 10_000])
def test_what_is_no_token_opens_nothing(token: str) -> None:
    assert owner_of(token) is None


def test_tokens_are_limited_and_named(ana: User) -> None:
    for n in range(TOKENS_MAX):
        create_token(ana, name=str(n))
    with pytest.raises(TokenLimitReachedError):
        create_token(ana, name="one more")
    with pytest.raises(ValidationError):
        create_token(ana, name="  ")


def test_the_commands_make_a_person_and_a_token(monkeypatch: pytest.MonkeyPatch) -> None:
    call_command("create_user", "--email", "Cy@example.org", "--no-password", stdout=StringIO())
    out = StringIO()
    call_command("create_token", "--email", "cy@EXAMPLE.org", stdout=out)
    assert owner_of(out.getvalue().strip()) == User.objects.get(email="cy@example.org")
    assert ApiToken.objects.get().name == "command line"
    with pytest.raises(CommandError, match="create_user"):
        call_command("create_token", "--email", "nobody@example.org")
    monkeypatch.setattr("sys.stdin", StringIO("123\n"))
    with pytest.raises(CommandError, match="too short"):
        call_command("create_user", "--email", "di@example.org")
