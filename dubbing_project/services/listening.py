"""The one socket that every server process accepts connections from."""

from __future__ import annotations

import socket

from dubbing_project.services.errors import ServiceError

BACKLOG = 512
"""Connections that wait while a server process is started again."""


def listen(host: str, port: int) -> socket.socket:
    name = host.strip("[]")
    family = socket.AF_INET6 if ":" in name else socket.AF_INET
    listener = socket.socket(family, socket.SOCK_STREAM)
    listener.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
    try:
        listener.bind((name, port))
        listener.listen(BACKLOG)
    except OSError as error:
        listener.close()
        # Of a name that is not found, errno is a number of the resolver's own.
        reason = error.strerror or str(error)
        raise ServiceError(
            f"cannot listen on {host} port {port} ({reason}): set HOST and PORT to others."
        ) from None
    return listener
