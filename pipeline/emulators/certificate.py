"""A throw-away certificate, so that clients speak TLS to an emulator as they do in earnest."""

from __future__ import annotations

import datetime
import ipaddress
import os
from dataclasses import dataclass
from pathlib import Path

from cryptography import x509
from cryptography.hazmat.primitives import hashes, serialization
from cryptography.hazmat.primitives.asymmetric import ec
from cryptography.x509.oid import NameOID

VALID_DAYS = 7


@dataclass(frozen=True, slots=True)
class Certificate:
    """A self-signed certificate for ``localhost`` and ``127.0.0.1``, and its key, as PEM."""

    certificate: Path
    key: Path


def make_certificate(folder: Path) -> Certificate:
    """Write ``cert.pem`` and ``key.pem`` (mode 0600) into an existing folder.

    Clients that are to trust it are given the path of ``cert.pem`` as their only root.
    """
    key = ec.generate_private_key(ec.SECP256R1())
    name = x509.Name([x509.NameAttribute(NameOID.COMMON_NAME, "localhost")])
    now = datetime.datetime.now(datetime.UTC)
    names = x509.SubjectAlternativeName(
        [x509.DNSName("localhost"), x509.IPAddress(ipaddress.IPv4Address("127.0.0.1"))]
    )
    certificate = (
        x509.CertificateBuilder()
        .subject_name(name)
        .issuer_name(name)
        .public_key(key.public_key())
        .serial_number(x509.random_serial_number())
        # A clock that was set back by a little does not make it invalid.
        .not_valid_before(now - datetime.timedelta(hours=1))
        .not_valid_after(now + datetime.timedelta(days=VALID_DAYS))
        .add_extension(names, critical=False)
        .add_extension(x509.BasicConstraints(ca=True, path_length=0), critical=True)
        .sign(key, hashes.SHA256())
    )
    made = Certificate(folder / "cert.pem", folder / "key.pem")
    made.certificate.write_bytes(certificate.public_bytes(serialization.Encoding.PEM))
    write_private(
        made.key,
        key.private_bytes(
            serialization.Encoding.PEM,
            serialization.PrivateFormat.PKCS8,
            serialization.NoEncryption(),
        ),
    )
    return made


def kept_certificate(folder: Path) -> Certificate:
    """That of the folder, made there when there is none or it ends within a day.

    An emulator that is started again is then trusted by who trusted it before.
    """
    kept = Certificate(folder / "cert.pem", folder / "key.pem")
    if kept.certificate.exists() and kept.key.exists():
        found = x509.load_pem_x509_certificate(kept.certificate.read_bytes())
        tomorrow = datetime.datetime.now(datetime.UTC) + datetime.timedelta(days=1)
        if found.not_valid_after_utc > tomorrow:
            return kept
    return make_certificate(folder)


def write_private(path: Path, content: bytes) -> None:
    """Write a file that nobody else could read at any moment."""
    path.unlink(missing_ok=True)
    descriptor = os.open(path, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600)
    with os.fdopen(descriptor, "wb") as file:
        file.write(content)
