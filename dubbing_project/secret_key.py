"""A secret key made once and kept in a file that only its owner reads."""

from __future__ import annotations

import os
import secrets
from contextlib import suppress
from pathlib import Path


def kept_secret_key(file: Path) -> str:
    """The key in the file; made first (mode 0600) when there is none.

    Two processes starting together end with the same key: the key is written aside and
    linked into place, which only the first of them can do.
    """
    if not file.exists():
        file.parent.mkdir(parents=True, exist_ok=True)
        aside = file.with_name(f"{file.name}.{os.getpid()}.{secrets.token_hex(4)}")
        descriptor = os.open(aside, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600)
        with os.fdopen(descriptor, "w", encoding="utf-8") as handle:
            handle.write(secrets.token_urlsafe(64))
        with suppress(FileExistsError):
            os.link(aside, file)
        aside.unlink()
    return file.read_text(encoding="utf-8").strip()
