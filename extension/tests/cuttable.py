"""A network that can be cut: a TCP relay in front of the server."""

from __future__ import annotations

import socket
import threading
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from urllib.parse import urlsplit

BLOCK = 65_536


class Network:
    """``hang`` swallows what is sent, as a lost radio link does; ``cut`` breaks connections and
    refuses new ones; ``mend`` ends both."""

    def __init__(self, server_url: str) -> None:
        parts = urlsplit(server_url)
        self._server = (parts.hostname or "", parts.port or 80)
        self._listener = socket.create_server(("127.0.0.1", 0))
        self._open: list[socket.socket] = []
        self._flows = threading.Event()
        self._flows.set()
        self._refuses = False
        self.url = f"http://127.0.0.1:{self._listener.getsockname()[1]}"
        self._accepting = threading.Thread(target=self._accept, daemon=True)
        self._accepting.start()

    def hang(self) -> None:
        self._flows.clear()

    def cut(self) -> None:
        self._refuses = True
        self._break()

    def mend(self) -> None:
        self._refuses = False
        self._flows.set()

    def close(self) -> None:
        self._flows.set()
        with suppress(OSError):
            self._listener.shutdown(socket.SHUT_RDWR)
        self._listener.close()
        self._break()
        self._accepting.join(5)

    def _break(self) -> None:
        for one in self._open:
            with suppress(OSError):
                one.shutdown(socket.SHUT_RDWR)
            one.close()
        self._open.clear()

    def _accept(self) -> None:
        while True:
            try:
                client, _ = self._listener.accept()
            except OSError:
                return
            if self._refuses:
                client.close()
                continue
            try:
                server = socket.create_connection(self._server)
            except OSError:
                client.close()
                continue
            self._open += [client, server]
            for one, other in ((client, server), (server, client)):
                threading.Thread(target=self._relay, args=(one, other), daemon=True).start()

    def _relay(self, one: socket.socket, other: socket.socket) -> None:
        with suppress(OSError):
            while data := one.recv(BLOCK):
                self._flows.wait()
                other.sendall(data)
        for either in (one, other):
            with suppress(OSError):
                either.shutdown(socket.SHUT_RDWR)
            either.close()


@contextmanager
def cuttable(server_url: str) -> Iterator[Network]:
    network = Network(server_url)
    try:
        yield network
    finally:
        network.close()
