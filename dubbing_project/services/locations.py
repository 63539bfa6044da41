"""Where the embedded services keep their data, sockets and logs: pure path arithmetic."""

from __future__ import annotations

import hashlib
import os
from dataclasses import dataclass
from pathlib import Path

from dubbing_project.service_urls import socket_database_url

DATABASE_USER = "dubbing"
DATABASE_NAME = "dubbing"
LONGEST_SOCKET_PATH = 100
"""Linux allows 107 bytes for a socket's path; Postgres adds a lock file's ending."""


@dataclass(frozen=True, slots=True)
class ServiceLocations:
    """Everything below one folder, except sockets when its path is too long for them."""

    root: Path

    @property
    def postgres_data(self) -> Path:
        return self.root / "postgres"

    @property
    def redis_data(self) -> Path:
        return self.root / "redis"

    @property
    def logs(self) -> Path:
        return self.root / "logs"

    @property
    def pids(self) -> Path:
        return self.root / "pids"

    @property
    def readiness(self) -> Path:
        """One file for every server process that is as ready as it will be."""
        return self.root / "readiness"

    @property
    def lock(self) -> Path:
        return self.root / "lock"

    @property
    def sockets(self) -> Path:
        """A folder of mode 0700: under the root, or in /tmp when the root's path is too long.

        Not $XDG_RUNTIME_DIR: commands started from another login would look elsewhere.
        """
        below = self.root / "run"
        if len(os.fsencode(below / ".s.PGSQL.5432.lock")) <= LONGEST_SOCKET_PATH:
            return below
        mark = hashlib.sha256(os.fsencode(self.root)).hexdigest()[:16]
        return Path("/tmp") / f"dubbing-{os.getuid()}-{mark}"  # noqa: S108 - checked to be ours and 0700 before use

    @property
    def redis_socket(self) -> Path:
        return self.sockets / "redis.sock"

    @property
    def database_url(self) -> str:
        return socket_database_url(
            folder=str(self.sockets), user=DATABASE_USER, database=DATABASE_NAME
        )

    @property
    def redis_url(self) -> str:
        return f"unix://{self.redis_socket}?db=0"
