"""Webhooks go to the public internet only: every way of writing another address is refused."""

from __future__ import annotations

import ipaddress
import socket
from typing import Any

import pytest

from accounts.webhooks.addresses import AddressRefusedError, check_url, is_public, resolve

PRIVATE = """
0.0.0.0 10.0.0.1 100.64.0.1 127.0.0.1 127.255.255.254 169.254.169.254 172.16.0.1 172.31.255.255
192.0.0.1 192.0.2.1 192.88.99.1 192.168.1.1 198.18.0.1 198.51.100.1 203.0.113.1 224.0.0.1
239.255.255.255 240.0.0.1 255.255.255.255
:: ::1 ::127.0.0.1 ::10.0.0.1 ::ffff:127.0.0.1 ::ffff:10.1.2.3 ::ffff:169.254.169.254
64:ff9b::7f00:1 64:ff9b::a00:1 64:ff9b::a9fe:a9fe 64:ff9b:1::1 2002:7f00:1:: 2002:a00:1::1
2002:a9fe:a9fe:: 2002:808:808::1 2001:0:4136:e378:8000:63bf:3fff:fdd2 2001:db8::1 100::1
fc00::1 fd12:3456::1 fe80::1 fec0::1 ff02::1 3fff::1 5f00::1
""".split()
PUBLIC = """
1.1.1.1 8.8.8.8 93.184.216.34 172.32.0.1 192.169.0.1 100.128.0.1 2606:4700:4700::1111
2a00:1450:4001:81b::200e ::ffff:8.8.8.8 64:ff9b::808:808
""".split()


@pytest.mark.parametrize("text", PRIVATE)
def test_what_does_not_leave_for_the_internet_is_private(text: str) -> None:
    assert not is_public(ipaddress.ip_address(text))


@pytest.mark.parametrize("text", PUBLIC)
def test_what_leaves_for_the_internet_is_public(text: str) -> None:
    assert is_public(ipaddress.ip_address(text))


@pytest.mark.parametrize(
    "url",
    [
        "https://127.0.0.1/hook",
        "https://[::1]/hook",
        "https://[::ffff:10.0.0.1]/",
        "https://[64:ff9b::7f00:1]/",
        "https://[fe80::1%25eth0]/",
        "https://127.1/",
        "https://2130706433/",
        "https://0x7f000001/",
        "https://0177.0.0.1/",
        "https://localhost/",
        "https://LOCALHOST./",
        "https://db.localhost/",
        "https://printer.local/",
        "https://169.254.169.254/latest/meta-data/",
    ],
)
def test_a_private_address_is_refused_when_it_is_given(url: str) -> None:
    with pytest.raises(AddressRefusedError) as refused:
        check_url(url, private=False)
    assert refused.value.code == "address_private"
    assert "WEBHOOKS_PRIVATE_ADDRESSES" in str(refused.value)


@pytest.mark.parametrize(
    "url",
    [
        "",
        "hook",
        "http://example.org/",
        "ftp://example.org/",
        "file:///etc/passwd",
        "https://",
        "https:///path",
        "https://user:secret@example.org/",
        "https://user@example.org/",
        "https://example.org/#part",
        "https://example.org:0/",
        "https://example.org:99999/",
        "https://example.org:x/",
        "https://exam ple.org/",
        "https://example.org/\r\nHost: other",
        "https://[::1/",
        "https://ex\u00e4mple.org/",
        "javascript:alert(1)",
    ],
)
def test_what_is_no_address_of_a_receiver_is_refused(url: str) -> None:
    with pytest.raises(AddressRefusedError) as refused:
        check_url(url, private=False)
    assert refused.value.code == "address_invalid"


@pytest.mark.parametrize(
    "url", ["https://example.org", "https://example.org:8443/a?b=c", "https://[2606:4700::1111]/"]
)
def test_a_public_address_is_taken(url: str) -> None:
    assert check_url(url, private=False).scheme == "https"


def test_private_networks_are_open_where_the_server_allows_them() -> None:
    assert check_url("http://10.0.0.7:9000/hook", private=True).port == 9000
    with pytest.raises(AddressRefusedError):
        check_url("ftp://10.0.0.7/", private=True)


def names(monkeypatch: pytest.MonkeyPatch, *addresses: str) -> list[str]:
    """Have every name stand for these; gives the names that were looked up."""
    asked: list[str] = []

    def getaddrinfo(host: str, port: int, *_: Any, **__: Any) -> list[Any]:
        asked.append(host)
        kinds = {True: socket.AF_INET6, False: socket.AF_INET}
        return [(kinds[":" in one], socket.SOCK_STREAM, 6, "", (one, port)) for one in addresses]

    monkeypatch.setattr(socket, "getaddrinfo", getaddrinfo)
    return asked


def test_one_private_address_of_a_name_refuses_the_name(monkeypatch: pytest.MonkeyPatch) -> None:
    names(monkeypatch, "93.184.216.34", "2606:4700::1111", "10.0.0.1")
    with pytest.raises(AddressRefusedError) as refused:
        resolve("example.org", 443, private=False, timeout_s=30)
    assert refused.value.code == "address_private"
    names(monkeypatch, "93.184.216.34", "2606:4700::1111", "93.184.216.34")
    found = resolve("example.org", 443, private=False, timeout_s=30)
    assert [str(one) for one in found] == ["93.184.216.34", "2606:4700::1111"]


def test_a_name_that_stands_for_nothing_is_told() -> None:
    with pytest.raises(AddressRefusedError) as refused:
        resolve("no-such-name.invalid", 443, private=False, timeout_s=10)
    assert refused.value.code == "name_unresolved"


def test_a_resolver_that_hangs_is_not_waited_for(monkeypatch: pytest.MonkeyPatch) -> None:
    import threading

    released = threading.Event()
    monkeypatch.setattr(socket, "getaddrinfo", lambda *_, **__: released.wait(30) and [])
    with pytest.raises(AddressRefusedError) as refused:
        resolve("example.org", 443, private=False, timeout_s=0.05)
    released.set()
    assert refused.value.code == "name_unresolved"
