"""What tests of emulated vendors share."""

from __future__ import annotations

import os
from collections.abc import Iterator
from pathlib import Path

import pytest

from pipeline.emulators.certificate import Certificate, make_certificate


@pytest.fixture(scope="session")
def emulator_certificate(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Certificate]:
    """One for all emulators of a run: grpc reads its roots once in a process."""
    folder: Path = tmp_path_factory.mktemp("certificate")
    certificate = make_certificate(folder)
    name = "GRPC_DEFAULT_SSL_ROOTS_FILE_PATH"
    before = os.environ.get(name)
    os.environ[name] = str(certificate.certificate)
    yield certificate
    if before is None:
        del os.environ[name]
    else:
        os.environ[name] = before
