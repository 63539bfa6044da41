"""Can the folders that the product writes to be written to, and how much room is left?"""

from __future__ import annotations

import errno
import os
import tempfile
from collections.abc import Iterable
from pathlib import Path
from typing import Any

from django.conf import settings

MEGABYTE = 1024 * 1024


class DiskTroubleError(OSError):
    """A folder is short of room or refuses; ``reason`` is the word for the report."""

    def __init__(self, reason: str) -> None:
        super().__init__(reason)
        self.reason = reason


def written_folders() -> list[Path]:
    """Where this process keeps something, as the settings have it."""
    folders = [Path(settings.DUBBING_VAR)]
    if settings.STORAGE == "local":
        folders.append(Path(settings.MEDIA_ROOT))
    return folders


def disk() -> dict[str, Any]:
    """Free room in the fullest folder, after a tiny file was really written in each."""
    return examine(written_folders(), free_min_bytes=settings.DISK_FREE_MIN_MB * MEGABYTE)


def examine(folders: Iterable[Path], *, free_min_bytes: int) -> dict[str, Any]:
    """Raises DiskTroubleError: little_room, full or not_writable."""
    free_bytes: int | None = None
    for folder in folders:
        try:
            folder.mkdir(mode=0o700, parents=True, exist_ok=True)
            write_a_little(folder)
            found = os.statvfs(folder)
        except OSError as error:
            full = error.errno in (errno.ENOSPC, errno.EDQUOT)
            raise DiskTroubleError("full" if full else "not_writable") from error
        here = found.f_bavail * found.f_frsize
        free_bytes = here if free_bytes is None else min(free_bytes, here)
    if free_bytes is not None and free_bytes < free_min_bytes:
        raise DiskTroubleError("little_room")
    return {"free_bytes": free_bytes}


def write_a_little(folder: Path) -> None:
    """A mount that is read-only, full, or gone bad refuses here, whatever it says of itself."""
    with tempfile.TemporaryFile(dir=folder, prefix=".health-") as file:
        file.write(b"\0" * 4096)
        file.flush()
        os.fsync(file.fileno())
