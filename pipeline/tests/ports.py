"""Ports for what cannot be told to choose one itself."""

from __future__ import annotations

import socket
from collections.abc import Iterator
from contextlib import contextmanager


@contextmanager
def kept_port() -> Iterator[int]:
    """A port of 127.0.0.1 where connections are refused until somebody listens there.

    Nobody is given it by chance meanwhile: the system hands out no port that is bound. Whoever
    binds it with SO_REUSEADDR, as servers do, may listen there, and may do so again.
    """
    with socket.socket() as keeper:
        keeper.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        keeper.bind(("127.0.0.1", 0))
        yield int(keeper.getsockname()[1])
