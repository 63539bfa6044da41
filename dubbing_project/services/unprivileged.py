"""How to run Postgres when we are root, which it refuses to be run as.

First choice: a user namespace in which root is shown as an ordinary account. Files stay
ours, no folder changes its owner or mode. Where the kernel or a container forbids user
namespaces: the account `nobody`, provided that it can reach the folders as they are.
"""

from __future__ import annotations

import os
import pwd
import shlex
import stat
import subprocess
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

from dubbing_project.services.errors import ServiceError

SHOWN_AS = ("daemon", "nobody")
FALLBACK_ACCOUNT = "nobody"


@dataclass(frozen=True, slots=True)
class Launcher:
    """What stands before a command, and who must own the folders it writes to."""

    prefix: tuple[str, ...] = ()
    owner: pwd.struct_passwd | None = None

    def hand_over(self, folder: Path) -> None:
        if self.owner is not None:
            os.chown(folder, self.owner.pw_uid, self.owner.pw_gid)


def launcher(*, program: Path, folders: Sequence[Path]) -> Launcher:
    """The least invasive way to run the program so that it may write to the folders."""
    if os.geteuid() != 0:
        return Launcher()
    namespace = _namespace_prefix()
    if namespace and _reaches(namespace, program, folders):
        return Launcher(prefix=namespace)
    account = pwd.getpwnam(FALLBACK_ACCOUNT)
    blocked = _first_closed_folder([program, *folders], account)
    if blocked is None:
        user, group = f"--reuid={account.pw_uid}", f"--regid={account.pw_gid}"
        prefix = ("setpriv", user, group, "--clear-groups", "--")
        return Launcher(prefix=prefix, owner=account)
    raise ServiceError(
        "Postgres cannot be run by root here: user namespaces are refused, and the account "
        f"{FALLBACK_ACCOUNT} cannot enter {blocked}. Run as an ordinary user, set DUBBING_VAR to "
        "a folder everyone may enter, or set DATABASE_URL to a server of your own."
    )


def _namespace_prefix() -> tuple[str, ...]:
    """Empty when no ordinary account is known to be shown as."""
    for name in SHOWN_AS:
        try:
            account = pwd.getpwnam(name)
        except KeyError:
            continue
        user, group = f"--map-user={account.pw_uid}", f"--map-group={account.pw_gid}"
        return ("unshare", "--user", user, group, "--")
    return ()


def _reaches(prefix: Sequence[str], program: Path, folders: Sequence[Path]) -> bool:
    """Asked of the kernel itself: may a process started this way run and write there?"""
    questions = [f"test -x {shlex.quote(str(program))}"]
    questions += [f"test -w {shlex.quote(str(folder))}" for folder in folders]
    command = [*prefix, "sh", "-c", " && ".join(questions)]
    try:
        return subprocess.run(command, capture_output=True, timeout=10).returncode == 0
    except (OSError, subprocess.TimeoutExpired):
        return False


def _first_closed_folder(paths: Sequence[Path], account: pwd.struct_passwd) -> Path | None:
    """The first ancestor that the account may not enter with its mode as it is."""
    for path in paths:
        for ancestor in reversed(path.parents):
            found = ancestor.stat()
            if found.st_uid == account.pw_uid:
                needed = stat.S_IXUSR
            elif found.st_gid == account.pw_gid:
                needed = stat.S_IXGRP
            else:
                needed = stat.S_IXOTH
            if not found.st_mode & needed:
                return ancestor
    return None
