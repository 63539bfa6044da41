"""Pairing: a short code becomes a token, once, soon, and not by guessing."""

from __future__ import annotations

import re
from datetime import timedelta
from typing import Any

import pytest
from django.core.cache import cache
from django.test import Client
from django.utils import timezone
from rest_framework.test import APIClient

from accounts.models import ApiToken, PairingCode, User
from accounts.pairing import ALPHABET, issue_code
from accounts.services import create_token, create_user
from accounts.tests.owners import owner_of
from pipeline.bounds import PAIRING_CODES_MAX, TOKENS_MAX

pytestmark = pytest.mark.django_db

STATE = "s" * 24


@pytest.fixture(autouse=True)
def nobody_has_guessed_yet() -> None:
    cache.clear()


@pytest.fixture
def ana() -> User:
    return create_user(email="ana@example.org", password="correct horse battery")


def exchange(code: str, name: str = "Firefox on Linux") -> tuple[int, dict[str, Any]]:
    answer = APIClient().post("/api/pairing/exchange", {"code": code, "name": name}, format="json")
    return answer.status_code, answer.json()


def test_a_code_is_exchanged_for_a_token_named_after_the_extension(ana: User) -> None:
    status, body = exchange(issue_code(ana).code)
    assert status == 201
    assert owner_of(body["token"]) == ana
    assert (body["name"], body["account"]) == ("Firefox on Linux", "ana@example.org")
    record = ApiToken.objects.get(pk=body["id"])
    assert record.paired
    assert not PairingCode.objects.exists()


def test_a_code_is_read_however_it_is_typed(ana: User) -> None:
    code = issue_code(ana).code
    assert re.fullmatch(rf"[{ALPHABET}]{{4}}-[{ALPHABET}]{{4}}", code)
    assert exchange(f"  {code.lower().replace('-', ' ')} ")[0] == 201


def test_a_code_counts_once(ana: User) -> None:
    code = issue_code(ana).code
    assert exchange(code)[0] == 201
    status, body = exchange(code)
    assert (status, body["code"]) == (403, "pairing_code_wrong")
    assert ApiToken.objects.count() == 1


def test_a_code_expires(ana: User) -> None:
    code = issue_code(ana).code
    PairingCode.objects.update(expires_at=timezone.now() - timedelta(seconds=1))
    assert exchange(code)[0] == 403
    assert not ApiToken.objects.exists()


def test_the_code_is_stored_as_a_keyed_hash(ana: User) -> None:
    code = issue_code(ana).code
    stored = PairingCode.objects.get()
    assert code.replace("-", "") not in stored.digest
    assert len(stored.digest) == 64


def test_codes_of_one_person_are_bounded_and_the_oldest_goes(ana: User) -> None:
    codes = [issue_code(ana).code for _ in range(PAIRING_CODES_MAX + 1)]
    assert exchange(codes[0])[0] == 403
    assert exchange(codes[-1])[0] == 201


def test_somebody_who_was_locked_out_gets_no_token(ana: User) -> None:
    code = issue_code(ana).code
    User.objects.filter(pk=ana.pk).update(is_active=False)
    assert exchange(code)[0] == 403


def test_guessing_is_slowed(ana: User) -> None:
    code = issue_code(ana).code
    answers = [exchange("ABCD-EFGH")[0] for _ in range(12)]
    assert 429 in answers
    assert exchange(code)[0] == 429


def test_a_full_list_of_tokens_is_told_and_the_code_is_kept(ana: User) -> None:
    for number in range(TOKENS_MAX):
        create_token(ana, name=str(number))
    code = issue_code(ana).code
    status, body = exchange(code)
    assert (status, body["code"]) == (409, "token_limit")
    ApiToken.objects.first().auth_token.delete()  # type: ignore[union-attr]
    assert exchange(code)[0] == 201


@pytest.mark.parametrize(
    "body", [{}, {"code": "ABCD-EFGH"}, {"code": "", "name": "x"}, {"code": "A" * 99, "name": "x"}]
)
def test_a_request_that_lacks_something_is_told_what(body: dict[str, str]) -> None:
    answer = APIClient().post("/api/pairing/exchange", body, format="json")
    assert answer.status_code == 400
    assert answer.json()


def test_a_token_cannot_make_codes(ana: User) -> None:
    api = APIClient()
    api.credentials(HTTP_AUTHORIZATION=f"Token {create_token(ana, name='x').token}")
    assert api.post("/api/pairing/codes").status_code == 403
    api = APIClient()
    api.force_login(ana)
    assert exchange(api.post("/api/pairing/codes").json()["code"])[0] == 201


def test_the_page_hands_over_a_code_only_when_the_person_agrees(ana: User) -> None:
    client = Client()
    address = f"/account/pair-extension?name=Chrome&state={STATE}"
    assert "login" in client.get(address)["Location"]
    client.force_login(ana)
    asked = client.get(address)
    assert "data-pairing-code" not in asked.content.decode()
    assert not PairingCode.objects.exists()
    agreed = client.post(address)
    code = re.search(r'data-pairing-code="([^"]+)"', agreed.content.decode())
    assert code is not None
    assert f'data-pairing-state="{STATE}"' in agreed.content.decode()
    assert "no-store" in agreed["Cache-Control"]
    assert exchange(code[1])[0] == 201


@pytest.mark.parametrize("state", ["", "short", "a" * 16 + '"><script>'])
def test_the_page_needs_a_nonce_of_the_extension(ana: User, state: str) -> None:
    client = Client()
    client.force_login(ana)
    answer = client.post("/account/pair-extension", query_params={"state": state})
    assert answer["Location"] == "/settings/extension"
    assert not PairingCode.objects.exists()
