"""People's own keys of vendors: sealed at rest, theirs alone, and never shown again."""

from __future__ import annotations

import logging
from io import StringIO
from typing import Any

import pytest
from django.core.management import CommandError, call_command
from django.db import connection
from django.test import Client
from rest_framework.test import APIClient

from accounts.models import EngineKey, User
from accounts.sealing import SealBrokenError, seal, unseal
from accounts.selectors import opened_keys
from accounts.services import create_token, create_user, keep_engine_key
from pipeline.tests.test_keys import account

pytestmark = pytest.mark.django_db
KEY = "sk_the-very-s3cret-key-of-ana-4711"
PASSWORD = "correct horse battery"


@pytest.fixture
def ana() -> User:
    return create_user(email="ana@example.org", password=PASSWORD)


@pytest.fixture
def ben() -> User:
    return create_user(email="ben@example.org", password=PASSWORD)


def client(user: User) -> APIClient:
    api = APIClient()
    token = create_token(user, name="test").token
    api.credentials(HTTP_AUTHORIZATION=f"Token {token}")
    return api


def put(api: APIClient, vendor: str, key: str) -> Any:
    return api.put("/api/engine-keys", {"vendor": vendor, "key": key}, format="json")


def raw_row() -> str:
    with connection.cursor() as cursor:
        cursor.execute("SELECT * FROM accounts_enginekey")
        return str(cursor.fetchall())


def test_a_key_is_kept_and_afterwards_known_by_its_end_alone(ana: User) -> None:
    api = client(ana)
    answer = put(api, "elevenlabs", KEY)
    assert answer.status_code == 200
    listed = api.get("/api/engine-keys")
    (shown,) = listed.json()["keys"]
    assert (shown["vendor"], shown["kind"], shown["hint"]) == ("elevenlabs", "api_key", "4711")
    assert shown["last_used_at"] is None
    assert KEY not in answer.content.decode() + listed.content.decode()
    assert opened_keys(ana.pk)["elevenlabs"].value == KEY


def test_it_is_sealed_in_the_database_itself(ana: User) -> None:
    keep_engine_key(ana, vendor="elevenlabs", text=KEY)
    row = raw_row()
    assert "4711" in row
    for part in (KEY, "s3cret", KEY[3:20]):
        assert part not in row


def test_it_is_in_no_log_repr_or_admin_page(ana: User, caplog: pytest.LogCaptureFixture) -> None:
    caplog.set_level(logging.DEBUG)
    put(client(ana), "elevenlabs", KEY)
    put(client(ana), "google", KEY + " no key")
    row = EngineKey.objects.get()
    staff = create_user(email="root@example.org", password=PASSWORD, is_staff=True)
    pages = Client()
    pages.force_login(staff)
    listed = pages.get("/admin/accounts/enginekey/").content.decode()
    page = pages.get(f"/admin/accounts/enginekey/{row.pk}/change/").content.decode()
    assert "4711" in listed
    assert "4711" in page
    for text in (listed, page):
        assert row.sealed not in text
    said = listed + page + caplog.text + repr(row) + repr(opened_keys(ana.pk))
    assert "s3cret" not in said


def test_a_new_key_takes_the_place_of_the_old_one(ana: User) -> None:
    api = client(ana)
    put(api, "elevenlabs", KEY)
    EngineKey.objects.update(status="key_refused")
    put(api, "elevenlabs", "sk_another-key-of-hers-0815")
    (shown,) = api.get("/api/engine-keys").json()["keys"]
    assert (shown["hint"], shown["status"]) == ("0815", "")


def test_a_service_account_is_taken_as_it_was_downloaded(ana: User) -> None:
    answer = put(client(ana), "google", account())
    assert (answer.json()["kind"], answer.json()["hint"]) == ("service_account", "cdef")


@pytest.mark.parametrize(
    "body",
    [
        {},
        {"vendor": "azure", "key": KEY},
        {"vendor": "elevenlabs", "key": ""},
        {"vendor": "elevenlabs", "key": "x" * 20_000},
        {"vendor": "google", "key": "{}"},
        {"vendor": "google", "key": ["x"]},
    ],
)
def test_what_is_no_key_is_refused(ana: User, body: dict[str, Any]) -> None:
    assert client(ana).put("/api/engine-keys", body, format="json").status_code == 400
    assert not EngineKey.objects.exists()


def test_nobody_sees_or_takes_away_the_key_of_somebody_else(ana: User, ben: User) -> None:
    keep_engine_key(ana, vendor="elevenlabs", text=KEY)
    api = client(ben)
    assert api.get("/api/engine-keys").json()["keys"] == []
    assert api.delete("/api/engine-keys?vendor=elevenlabs").status_code == 404
    assert opened_keys(ben.pk) == {}
    assert APIClient().get("/api/engine-keys").status_code == 401
    assert client(ana).delete("/api/engine-keys?vendor=elevenlabs").status_code == 204
    assert client(ana).delete("/api/engine-keys?vendor=x").status_code == 400
    assert not EngineKey.objects.exists()


def test_a_row_that_is_given_to_somebody_else_opens_for_nobody(ana: User, ben: User) -> None:
    keep_engine_key(ana, vendor="elevenlabs", text=KEY)
    EngineKey.objects.update(user=ben)
    assert opened_keys(ben.pk)["elevenlabs"].value is None


def test_a_key_outlives_a_change_of_the_servers_own(ana: User, settings: Any) -> None:
    keep_engine_key(ana, vendor="elevenlabs", text=KEY)
    before, settings.SECRET_KEY = settings.SECRET_KEY, "another" * 10
    settings.SECRET_KEY_FALLBACKS = [before]
    assert opened_keys(ana.pk)["elevenlabs"].value == KEY
    out = StringIO()
    call_command("reseal_engine_keys", stdout=out)
    assert "1 keys were sealed anew" in out.getvalue()
    settings.SECRET_KEY_FALLBACKS = []
    assert opened_keys(ana.pk)["elevenlabs"].value == KEY


def test_a_key_that_nothing_opens_must_be_entered_again(ana: User, settings: Any) -> None:
    keep_engine_key(ana, vendor="elevenlabs", text=KEY)
    settings.SECRET_KEY = "another" * 10
    (shown,) = client(ana).get("/api/engine-keys").json()["keys"]
    assert shown["status"] == "key_unreadable"
    assert "enter it again" in shown["message"]
    out = StringIO()
    call_command("reseal_engine_keys", stdout=out)
    assert "can no longer be read" in out.getvalue()
    put(client(ana), "elevenlabs", KEY)
    assert opened_keys(ana.pk)["elevenlabs"].value == KEY


def test_a_seal_is_for_one_purpose() -> None:
    sealed = seal("text", purpose="one")
    assert unseal(sealed, purpose="one") == "text"
    for wrong in (sealed[:-4], "", "ä", sealed.swapcase()):
        with pytest.raises(SealBrokenError):
            unseal(wrong, purpose="one")
    with pytest.raises(SealBrokenError):
        unseal(sealed, purpose="two")


def test_a_server_may_do_without_peoples_keys(ana: User, settings: Any) -> None:
    settings.ALLOW_USER_KEYS = False
    answer = put(client(ana), "elevenlabs", KEY)
    assert (answer.status_code, answer.json()["code"]) == (403, "user_keys_off")
    assert client(ana).get("/api/engine-keys").json() == {"allowed": False, "keys": []}


def test_the_command_reads_a_key_from_standard_input(
    ana: User, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("sys.stdin", StringIO(f"{KEY}\n"))
    out = StringIO()
    person = ("--email", "ANA@example.org", "--vendor", "elevenlabs")
    call_command("set_engine_key", *person, stdout=out)
    assert "…4711" in out.getvalue()
    assert "s3cret" not in out.getvalue()
    assert opened_keys(ana.pk)["elevenlabs"].value == KEY
    monkeypatch.setattr("sys.stdin", StringIO("no key\n"))
    with pytest.raises(CommandError, match="16 to 256"):
        call_command("set_engine_key", *person)
    call_command("set_engine_key", *person, "--remove", stdout=out)
    assert not EngineKey.objects.exists()
    with pytest.raises(CommandError, match="create_user"):
        call_command("set_engine_key", "--email", "nobody@example.org", "--vendor", "google")
