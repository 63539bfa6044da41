"""A receiver of webhooks on this machine: it verifies what comes, and does as it is told."""

from __future__ import annotations

import json
import ssl
import threading
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import Any

from standardwebhooks import Webhook, WebhookVerificationError

Behaviour = Callable[[BaseHTTPRequestHandler], None]


@dataclass
class Received:
    headers: dict[str, str]
    body: bytes

    def verified(self, secret: str) -> bool:
        try:
            Webhook(secret).verify(self.body, self.headers)
        except WebhookVerificationError:
            return False
        return True

    @property
    def event(self) -> dict[str, Any]:
        body: dict[str, Any] = json.loads(self.body)
        return body

    @property
    def id(self) -> str:
        return self.headers["webhook-id"]


def answers(code: int, **headers: str) -> Behaviour:
    def answer(request: BaseHTTPRequestHandler) -> None:
        request.send_response(code)
        for name, value in {"Content-Length": "0", **headers}.items():
            request.send_header(name.replace("_", "-"), value)
        request.end_headers()

    return answer


@dataclass
class Receiver:
    url: str = ""
    port: int = 0
    behaviour: Behaviour = field(default_factory=lambda: answers(204))
    received: list[Received] = field(default_factory=list)
    """All that came, whatever the answer was."""
    accepted: list[Received] = field(default_factory=list)
    """What was answered with success."""
    connections: int = 0


@contextmanager
def receiving(
    *, port: int = 0, tls: ssl.SSLContext | None = None, behaviour: Behaviour | None = None
) -> Iterator[Receiver]:
    mine = Receiver()
    if behaviour is not None:
        mine.behaviour = behaviour

    class Handler(BaseHTTPRequestHandler):
        def do_POST(self) -> None:
            body = self.rfile.read(int(self.headers["Content-Length"]))
            headers = {name.lower(): value for name, value in self.headers.items()}
            self.one = Received(headers, body)
            mine.received.append(self.one)
            mine.behaviour(self)

        def send_response(self, code: int, message: str | None = None) -> None:
            # Before the sender has the answer, and looks.
            if 200 <= code < 300:
                mine.accepted.append(self.one)
            super().send_response(code, message)

        def log_message(self, *_: Any) -> None:
            pass

    class Server(ThreadingHTTPServer):
        def get_request(self) -> Any:
            mine.connections += 1
            return super().get_request()

        def handle_error(self, *_: Any) -> None:
            pass

    server = Server(("127.0.0.1", port), Handler)
    if tls is not None:
        server.socket = tls.wrap_socket(server.socket, server_side=True)
    mine.port = server.server_address[1]
    mine.url = f"{'https' if tls else 'http'}://127.0.0.1:{mine.port}/hook"
    thread = threading.Thread(target=server.serve_forever, args=(0.02,))
    thread.start()
    try:
        yield mine
    finally:
        server.shutdown()
        thread.join(60)
        server.server_close()
