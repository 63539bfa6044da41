"""What can be a key of a vendor's, and what is kept of it."""

from __future__ import annotations

import json
from typing import Any

import pytest
from cryptography.hazmat.primitives import serialization
from cryptography.hazmat.primitives.asymmetric import ec

from pipeline.bounds import ENGINE_KEY_MAX_CHARS
from pipeline.providers.keys import KeyShapeError, kind_of, shaped


def account(**changes: Any) -> str:
    pem = ec.generate_private_key(ec.SECP256R1()).private_bytes(
        serialization.Encoding.PEM,
        serialization.PrivateFormat.PKCS8,
        serialization.NoEncryption(),
    )
    given = {
        "type": "service_account",
        "project_id": "a-project",
        "private_key_id": "0123456789abcdef",
        "private_key": pem.decode(),
        "client_email": "dub@a-project.iam.gserviceaccount.com",
        "token_uri": "https://oauth2.googleapis.com/token",
        "auth_uri": "https://accounts.google.com/o/oauth2/auth",
        "universe_domain": "googleapis.com",
        **changes,
    }
    return json.dumps({name: value for name, value in given.items() if value is not None})


def test_a_service_account_keeps_only_what_is_needed() -> None:
    key = shaped("google", f"\n{account(credential_source={'file': '/etc/passwd'})}\n")
    assert (key.kind, key.hint) == ("service_account", "cdef")
    assert kind_of(key.value) == "service_account"
    kept = json.loads(key.value)
    assert "credential_source" not in kept
    assert kept["project_id"] == "a-project"
    assert "PRIVATE" not in repr(key)


def test_the_address_for_tokens_is_googles_also_when_it_was_left_out() -> None:
    kept = json.loads(shaped("google", account(token_uri=None)).value)
    assert kept["token_uri"] == "https://oauth2.googleapis.com/token"


@pytest.mark.parametrize("vendor", ["google", "elevenlabs"])
def test_an_api_key_is_known_by_its_end(vendor: str) -> None:
    key = shaped(vendor, " sk_0123456789abcdef4711 ")
    assert (key.kind, key.value, key.hint) == ("api_key", "sk_0123456789abcdef4711", "4711")
    assert "0123456789" not in repr(key)


@pytest.mark.parametrize(
    ("vendor", "text", "says"),
    [
        ("azure", "x" * 32, "google, elevenlabs"),
        ("google", "", "empty"),
        ("google", "short", "16 to 256"),
        ("elevenlabs", "key with spaces in it", "16 to 256"),
        ("elevenlabs", "sk_\r\nxi-evil: header", "16 to 256"),
        ("elevenlabs", '{"type": "service_account"}', "16 to 256"),
        ("google", '{"type": ', "not JSON"),
        ("google", "{" * 10_000, "not JSON"),
        ("google", '{"type": "external_account"}', "service_account"),
        ("google", account(client_email=None), "client_email"),
        ("google", account(client_email=7), "client_email"),
        ("google", account(client_id=7), "not a text"),
        ("google", account(private_key="-----BEGIN PRIVATE KEY-----"), "damaged"),
        ("google", account(token_uri="http://169.254.169.254/token"), "token_uri"),
        ("google", account(universe_domain="example.org"), "universe"),
        ("google", "x" * (ENGINE_KEY_MAX_CHARS + 1), "at most"),
    ],
)
def test_what_is_no_key_is_refused_in_words_that_hold_nothing_of_it(
    vendor: str, text: str, says: str
) -> None:
    with pytest.raises(KeyShapeError, match=says) as refused:
        shaped(vendor, text)
    if len(text) > 16:
        assert text not in str(refused.value)
