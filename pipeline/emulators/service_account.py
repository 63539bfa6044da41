"""A service account of Google's shape, made here: its JSON file, and the check of its tokens."""

from __future__ import annotations

import json
import uuid
from collections.abc import Collection
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from cryptography.hazmat.primitives import serialization
from cryptography.hazmat.primitives.asymmetric import rsa
from google.auth import jwt

from pipeline.emulators.certificate import write_private

CLOUD_SCOPE = "https://www.googleapis.com/auth/cloud-platform"


class TokenError(Exception):
    """A token is not this account's, not for this service, or not valid now."""


@dataclass(frozen=True, slots=True)
class ServiceAccount:
    """``path`` is what ``GOOGLE_APPLICATION_CREDENTIALS`` may name."""

    project: str
    email: str
    path: Path
    public_key: bytes
    """PEM; what the vendor would keep."""

    def verify(self, token: str, audiences: Collection[str]) -> None:
        """Check a self-signed JWT: signature, issuer, times, and for whom it is.

        google-auth names the service (``aud``) or, where a client insists on scopes,
        the scope; either serves. Raises TokenError.
        """
        try:
            claims: dict[str, Any] = jwt.decode(  # type: ignore[no-untyped-call]
                token, certs=self.public_key
            )
        except (ValueError, KeyError) as error:
            raise TokenError(str(error)) from error
        if claims.get("iss") != self.email:
            raise TokenError("the issuer is another account")
        scopes = str(claims.get("scope", "")).split()
        if claims.get("aud") not in audiences and CLOUD_SCOPE not in scopes:
            raise TokenError(f"the token is for {claims.get('aud')}")


def make_service_account(folder: Path, project: str = "emulated-project") -> ServiceAccount:
    """Write ``service-account.json`` (mode 0600) into an existing folder."""
    key = rsa.generate_private_key(public_exponent=65_537, key_size=2048)
    private = key.private_bytes(
        serialization.Encoding.PEM,
        serialization.PrivateFormat.PKCS8,
        serialization.NoEncryption(),
    )
    public = key.public_key().public_bytes(
        serialization.Encoding.PEM, serialization.PublicFormat.SubjectPublicKeyInfo
    )
    email = f"dubbing@{project}.iam.gserviceaccount.com"
    path = folder / "service-account.json"
    content = {
        "type": "service_account",
        "project_id": project,
        "private_key_id": uuid.uuid4().hex,
        "private_key": private.decode(),
        "client_email": email,
        "client_id": "100000000000000000000",
        # Self-signed tokens need no exchange: nothing is ever sent there.
        "token_uri": "https://oauth2.googleapis.com/token",
        "universe_domain": "googleapis.com",
    }
    write_private(path, json.dumps(content, indent=2).encode())
    return ServiceAccount(project, email, path, public)


def kept_service_account(folder: Path) -> ServiceAccount:
    """That of the folder, made there when there is none: its JSON file stays valid."""
    path = folder / "service-account.json"
    if not path.exists():
        return make_service_account(folder)
    content = json.loads(path.read_bytes())
    key = serialization.load_pem_private_key(content["private_key"].encode(), password=None)
    public = key.public_key().public_bytes(
        serialization.Encoding.PEM, serialization.PublicFormat.SubjectPublicKeyInfo
    )
    return ServiceAccount(content["project_id"], content["client_email"], path, public)
