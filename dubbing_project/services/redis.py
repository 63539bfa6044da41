"""The embedded Redis: Debian's redis-server on a private socket, without a port."""

from __future__ import annotations

import shutil

from dubbing_project.services.errors import ServiceError
from dubbing_project.services.folders import private_folder
from dubbing_project.services.locations import ServiceLocations

MEMORY = "256mb"


def prepare(locations: ServiceLocations) -> None:
    if shutil.which("redis-server") is None:
        raise ServiceError("redis-server is not installed: run `make setup`, or set REDIS_URL.")
    private_folder(locations.sockets)
    private_folder(locations.redis_data)


def command(locations: ServiceLocations, *, durable: bool) -> list[str]:
    """Queued tasks survive a restart; when memory is full, only entries that expire go."""
    options = {
        "port": "0",
        "unixsocket": str(locations.redis_socket),
        "unixsocketperm": "700",
        "dir": str(locations.redis_data),
        "daemonize": "no",
        "save": "",
        "appendonly": "yes" if durable else "no",
        "maxmemory": MEMORY,
        "maxmemory-policy": "volatile-lru",
        "loglevel": "notice",
    }
    arguments = [word for name, value in options.items() for word in (f"--{name}", value)]
    return ["setpriv", "--pdeathsig", "TERM", "--", "redis-server", *arguments]
