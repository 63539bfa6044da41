"""Private folders, the lock of a running instance, and the ends of log files."""

from __future__ import annotations

import fcntl
import os
import pwd
import stat
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from dubbing_project.services.errors import ServiceError
from dubbing_project.services.locations import ServiceLocations
from dubbing_project.services.unprivileged import FALLBACK_ACCOUNT


def private_folder(folder: Path) -> Path:
    """Makes the folder with mode 0700; refuses one that somebody else prepared.

    Sockets in it grant full access to the database, so it may not be a link, nor another
    account's.
    """
    folder.parent.mkdir(parents=True, exist_ok=True)
    try:
        folder.mkdir(mode=0o700)
    except FileExistsError:
        found = folder.lstat()
        if not stat.S_ISDIR(found.st_mode) or found.st_uid not in _trusted_owners():
            raise ServiceError(
                f"{folder} exists and is not this account's own folder: remove it."
            ) from None
    if stat.S_IMODE(folder.stat().st_mode) != 0o700:
        folder.chmod(0o700)
    return folder


def _trusted_owners() -> set[int]:
    """Us and root; for root also the account that it may have handed Postgres's folders to."""
    owners = {os.geteuid(), 0}
    if os.geteuid() == 0:
        owners.add(pwd.getpwnam(FALLBACK_ACCOUNT).pw_uid)
    return owners


@contextmanager
def only_instance(locations: ServiceLocations) -> Iterator[None]:
    """Holds the lock of these locations; the kernel lets go of it however we end."""
    locations.root.mkdir(parents=True, exist_ok=True)
    with locations.lock.open("a+", encoding="ascii") as lock:
        try:
            fcntl.flock(lock, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except BlockingIOError:
            lock.seek(0)
            owner = lock.read().strip() or "unknown"
            raise ServiceError(
                f"already running from {locations.root} (process {owner}): stop that one first, "
                "or set DUBBING_VAR to another folder."
            ) from None
        lock.truncate(0)
        lock.write(str(os.getpid()))
        lock.flush()
        yield


def tail(file: Path, *, lines: int = 15) -> str:
    """The last lines of a log, or a word that there is none."""
    try:
        with file.open("rb") as handle:
            handle.seek(0, os.SEEK_END)
            handle.seek(max(0, handle.tell() - 200 * lines))
            text = handle.read().decode("utf-8", errors="replace")
    except OSError:
        return "(no log was written)"
    return "\n".join(f"    {line}" for line in text.splitlines()[-lines:])
