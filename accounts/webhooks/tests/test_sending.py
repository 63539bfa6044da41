"""One request to a receiver: pinned to what was checked, bounded in all, fooled by nothing."""

from __future__ import annotations

import socket
import ssl
import time
from http.server import BaseHTTPRequestHandler
from pathlib import Path
from typing import Any

import pytest

from accounts.webhooks import sending
from accounts.webhooks.sending import send
from accounts.webhooks.tests.receiver import answers, receiving
from accounts.webhooks.tests.test_addresses import names
from pipeline.emulators.certificate import make_certificate


@pytest.fixture
def private(settings: Any) -> None:
    settings.WEBHOOKS_PRIVATE_ADDRESSES = True


def test_a_receiver_gets_the_body_and_the_headers(private: None) -> None:
    with receiving() as receiver:
        outcome = send(receiver.url, body=b'{"a":1}', headers={"webhook-id": "evt_1"})
    assert (outcome.code, outcome.error) == (204, "")
    (one,) = receiver.accepted
    assert one.body == b'{"a":1}'
    assert one.id == "evt_1"
    assert one.headers["host"] == f"127.0.0.1:{receiver.port}"


@pytest.mark.parametrize(
    ("code", "error"),
    [(200, ""), (299, ""), (400, "refused"), (410, "refused"), (500, "refused"),
     (302, "redirected")],
)  # fmt: skip
def test_only_success_counts(private: None, code: int, error: str) -> None:
    with receiving(behaviour=answers(code)) as receiver:
        outcome = send(receiver.url, body=b"{}", headers={})
    assert (outcome.code, outcome.error) == (code, error)


def test_a_redirect_leads_nowhere(private: None) -> None:
    with (
        receiving() as inside,
        receiving(behaviour=answers(307, Location=inside.url)) as receiver,
    ):
        outcome = send(receiver.url, body=b"{}", headers={})
    assert outcome.error == "redirected"
    assert inside.connections == 0


def test_nothing_is_sent_to_this_machine(settings: Any) -> None:
    assert settings.WEBHOOKS_PRIVATE_ADDRESSES is False
    with receiving() as receiver:
        by_number = send(f"https://127.0.0.1:{receiver.port}/", body=b"{}", headers={})
        by_name = send(f"https://localhost:{receiver.port}/", body=b"{}", headers={})
    assert by_number.error == by_name.error == "address_private"
    assert receiver.connections == 0


def test_a_name_that_leads_to_this_machine_is_refused(monkeypatch: pytest.MonkeyPatch) -> None:
    with receiving() as receiver:
        names(monkeypatch, "127.0.0.1")
        outcome = send(f"https://evil.example:{receiver.port}/", body=b"{}", headers={})
        monkeypatch.undo()
    assert outcome.error == "address_private"
    assert receiver.connections == 0


def test_a_name_that_changes_after_the_check_changes_nothing(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    """The first look-up gives a public address, every later one this machine."""
    reached: list[str] = []
    looked_up: list[str] = []

    def getaddrinfo(host: str, port: int, *_: Any, **__: Any) -> list[Any]:
        looked_up.append(host)
        address = "93.184.216.34" if len(looked_up) == 1 else "127.0.0.1"
        return [(socket.AF_INET, socket.SOCK_STREAM, 6, "", (address, port))]

    def create_connection(address: tuple[str, int], *_: Any, **__: Any) -> socket.socket:
        reached.append(address[0])
        raise ConnectionRefusedError

    with receiving() as receiver:
        monkeypatch.setattr(socket, "getaddrinfo", getaddrinfo)
        monkeypatch.setattr(socket, "create_connection", create_connection)
        outcome = send(f"https://evil.example:{receiver.port}/", body=b"{}", headers={})
        monkeypatch.undo()
    assert outcome.error == "connection_failed"
    assert reached == ["93.184.216.34"]
    assert looked_up == ["evil.example"]
    assert receiver.connections == 0


def test_tls_is_the_names_although_the_connection_goes_to_the_address(
    private: None, settings: Any, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    made = make_certificate(tmp_path)
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    context.load_cert_chain(made.certificate, made.key)
    asked: list[str | None] = []
    context.sni_callback = lambda _, name, __: asked.append(name)
    with receiving(tls=context) as receiver:
        names(monkeypatch, "127.0.0.1")
        url = f"https://localhost:{receiver.port}/hook"
        untrusted = send(url, body=b"{}", headers={})
        settings.WEBHOOKS_ROOT_CERTIFICATES = made.certificate
        trusted = send(url, body=b"{}", headers={})
        other = send(f"https://other.example:{receiver.port}/", body=b"{}", headers={})
        monkeypatch.undo()
    assert untrusted.error == "tls_failed"
    assert (trusted.code, trusted.error) == (204, "")
    assert other.error == "tls_failed"
    assert asked == ["localhost", "localhost", "other.example"]
    assert [one.headers["host"] for one in receiver.accepted] == [f"localhost:{receiver.port}"]


def test_a_receiver_that_is_not_there_is_told(private: None) -> None:
    with socket.socket() as unused:
        unused.bind(("127.0.0.1", 0))
        port = unused.getsockname()[1]
        outcome = send(f"http://127.0.0.1:{port}/", body=b"{}", headers={})
    assert (outcome.code, outcome.error) == (None, "connection_failed")


def test_a_receiver_that_answers_by_the_drop_is_left(
    private: None, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(sending, "WEBHOOK_ANSWER_S", 0.4)

    def drops(request: BaseHTTPRequestHandler) -> None:
        for _ in range(400):
            request.wfile.write(b"H")
            request.wfile.flush()
            time.sleep(0.05)

    with receiving(behaviour=drops) as receiver:
        outcome = send(receiver.url, body=b"{}", headers={})
    assert outcome.error == "timeout"
    assert outcome.code is None
    # All of it would take twenty seconds.
    assert 300 < outcome.duration_ms < 15_000


def test_an_endless_answer_is_not_read_to_its_end(private: None) -> None:
    written = [0]

    def floods(request: BaseHTTPRequestHandler) -> None:
        request.send_response(200)
        request.end_headers()
        for _ in range(10_000):
            request.wfile.write(b"x" * 65_536)
            written[0] += 65_536

    with receiving(behaviour=floods) as receiver:
        outcome = send(receiver.url, body=b"{}", headers={})
    assert (outcome.code, outcome.error) == (200, "")
    assert written[0] < 100 * 1024 * 1024


def test_nonsense_instead_of_an_answer_is_a_failure(private: None) -> None:
    def nonsense(request: BaseHTTPRequestHandler) -> None:
        request.wfile.write(b"no http at all\r\n\r\n")

    with receiving(behaviour=nonsense) as receiver:
        outcome = send(receiver.url, body=b"{}", headers={})
    assert (outcome.code, outcome.error) == (None, "connection_failed")


def test_when_to_come_back_is_heard(private: None) -> None:
    with receiving(behaviour=answers(503, Retry_After="120")) as receiver:
        assert send(receiver.url, body=b"{}", headers={}).retry_after_s == 120
        receiver.behaviour = answers(503, Retry_After="Fri, 27 Nov 2026 15:00:00 GMT")
        assert send(receiver.url, body=b"{}", headers={}).retry_after_s is None


def test_the_proxy_of_the_environment_is_not_used(
    private: None, monkeypatch: pytest.MonkeyPatch
) -> None:
    with receiving() as receiver, receiving() as proxy:
        monkeypatch.setenv("HTTP_PROXY", f"http://127.0.0.1:{proxy.port}")
        monkeypatch.setenv("ALL_PROXY", f"http://127.0.0.1:{proxy.port}")
        assert send(receiver.url, body=b"{}", headers={}).error == ""
    assert proxy.connections == 0
