"""Vendors' keys by their shape: what can be a key, and how little of it may be shown.

A key that a person gives is used by the server, so nothing in it may choose where the
server calls: of a service account only known fields are kept, and its addresses must be
Google's.
"""

from __future__ import annotations

import json
import re
from dataclasses import dataclass, field
from typing import Any, Literal

from cryptography.exceptions import UnsupportedAlgorithm
from cryptography.hazmat.primitives.serialization import load_pem_private_key

from pipeline.bounds import ENGINE_KEY_MAX_CHARS
from pipeline.providers.catalogue import VENDORS

Kind = Literal["api_key", "service_account"]

HINT_CHARS = 4
TOKEN_ADDRESS = "https://oauth2.googleapis.com/token"  # noqa: S105 - an address
_API_KEY = re.compile(r"[A-Za-z0-9_.-]{16,256}")
_KEPT = (
    "type",
    "project_id",
    "private_key_id",
    "private_key",
    "client_email",
    "client_id",
    "token_uri",
)


class KeyShapeError(ValueError):
    """The text is no key of the vendor's; the message says why and holds nothing of it."""


@dataclass(frozen=True, slots=True)
class ShapedKey:
    vendor: str
    kind: Kind
    value: str = field(repr=False)
    """As it is to be kept."""
    hint: str
    """Its last characters, by which its owner knows it again."""


def shaped(vendor: str, text: str) -> ShapedKey:
    """The key in a text that somebody gave. Raises KeyShapeError."""
    if vendor not in VENDORS:
        raise KeyShapeError(f"The vendor is one of: {', '.join(VENDORS)}.")
    text = text.strip()
    if not text:
        raise KeyShapeError("The key is empty.")
    if len(text) > ENGINE_KEY_MAX_CHARS:
        raise KeyShapeError(f"A key has at most {ENGINE_KEY_MAX_CHARS} characters.")
    if vendor == "google" and text.startswith("{"):
        return _service_account(text)
    if not _API_KEY.fullmatch(text):
        raise KeyShapeError(
            "A key from Google is the JSON of a service account, or an API key of 16 to 256 "
            "letters, digits, “-”, “_” and “.”."
            if vendor == "google"
            else "A key from ElevenLabs has 16 to 256 letters, digits, “-”, “_” and “.”."
        )
    return ShapedKey(vendor, "api_key", text, text[-HINT_CHARS:])


def kind_of(value: str) -> Kind:
    """Of a key of Google's that has been shaped."""
    return "service_account" if value.startswith("{") else "api_key"


def _service_account(text: str) -> ShapedKey:
    try:
        given: Any = json.loads(text)
    except (ValueError, RecursionError):
        raise KeyShapeError(
            "The service account is not JSON: paste the whole file, from { to }."
        ) from None
    if not isinstance(given, dict) or given.get("type") != "service_account":
        raise KeyShapeError(
            "The JSON is not of a service account: its “type” must be “service_account”. Make a "
            "key for a service account in Google's console and take the file as it is."
        )
    kept = {name: given[name] for name in _KEPT if name in given}
    for name in ("project_id", "private_key", "client_email"):
        if not isinstance(kept.get(name), str) or not kept[name]:
            raise KeyShapeError(f"The service account has no “{name}”: take the whole file.")
    if not all(isinstance(value, str) for value in kept.values()):
        raise KeyShapeError("A field of the service account is not a text.")
    if kept.setdefault("token_uri", TOKEN_ADDRESS) != TOKEN_ADDRESS:
        raise KeyShapeError(f"The service account's “token_uri” must be {TOKEN_ADDRESS}.")
    if given.get("universe_domain", "googleapis.com") != "googleapis.com":
        raise KeyShapeError("The service account is of another universe than Google's own.")
    try:
        load_pem_private_key(kept["private_key"].encode(), password=None)
    except (ValueError, TypeError, UnsupportedAlgorithm):
        raise KeyShapeError(
            "The service account's “private_key” is damaged: download the file once more."
        ) from None
    known_by = kept.get("private_key_id") or kept["client_email"]
    return ShapedKey("google", "service_account", json.dumps(kept), known_by[-HINT_CHARS:])
