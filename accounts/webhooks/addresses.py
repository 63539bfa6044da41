"""Where no webhook may go: this machine, private networks, and whatever leads into them.

An address is judged by what it reaches, not by how it is written: IPv4 inside IPv6 (mapped,
compatible, NAT64) counts as the IPv4 that it carries; tunnels out of use (6to4, Teredo) are
refused.
"""

from __future__ import annotations

import ipaddress
import socket
import threading
from urllib.parse import SplitResult, urlsplit

Address = ipaddress.IPv4Address | ipaddress.IPv6Address

_NAT64 = ipaddress.ip_network("64:ff9b::/96")
_NEVER = tuple(
    ipaddress.ip_network(text)
    for text in (
        # Beside what Python's versions differ about.
        "0.0.0.0/8",
        "100.64.0.0/10",
        "192.0.0.0/24",
        "192.88.99.0/24",
        "198.18.0.0/15",
        "240.0.0.0/4",
        "64:ff9b:1::/48",
        "100::/64",
        "2001::/23",
        "2002::/16",
        "3fff::/20",
        "5f00::/16",
        "fec0::/10",
    )
)


class AddressRefusedError(Exception):
    """Nothing may be sent there: a code and plain words."""

    def __init__(self, code: str, message: str) -> None:
        super().__init__(message)
        self.code = code


PRIVATE = AddressRefusedError(
    "address_private",
    "The address leads to this machine or a private network, where webhooks do not go. Whoever "
    "runs the server can allow it with WEBHOOKS_PRIVATE_ADDRESSES.",
)


def check_url(url: str, *, private: bool) -> SplitResult:
    """The parts of an address that a webhook may have. Raises AddressRefusedError.

    A name is not looked up here: what it stands for may change, and is looked at anew by
    every delivery. ``private``: this server lets webhooks go into private networks.
    """
    if not url.isascii() or not url.isprintable() or " " in url:
        raise AddressRefusedError("address_invalid", "The address has characters that none has.")
    try:
        parts = urlsplit(url)
        port = parts.port
    except ValueError:
        raise AddressRefusedError("address_invalid", "This is not an address.") from None
    schemes = ("https", "http") if private else ("https",)
    if parts.scheme not in schemes or not parts.hostname:
        raise AddressRefusedError("address_invalid", "The address begins with https:// and a host.")
    if parts.username is not None or parts.password is not None:
        raise AddressRefusedError("address_invalid", "Leave name and password out of the address.")
    if parts.fragment or "#" in url:
        raise AddressRefusedError("address_invalid", "Leave out # and what follows.")
    if port == 0:
        raise AddressRefusedError("address_invalid", "Port 0 is no port.")
    if private:
        return parts
    host = parts.hostname.rstrip(".").lower()
    literal = _literal(host)
    if literal is not None and not is_public(literal):
        raise PRIVATE
    if literal is None and (host == "localhost" or host.endswith((".localhost", ".local"))):
        raise PRIVATE
    return parts


def resolve(host: str, port: int, *, private: bool, timeout_s: float) -> list[Address]:
    """Every address of the host, each allowed. Raises AddressRefusedError.

    One private address among public ones refuses them all: whoever answers so for a name
    means no good.
    """
    found: list[Address] = []
    failed = threading.Event()

    def look_up() -> None:
        try:
            answers = socket.getaddrinfo(host, port, type=socket.SOCK_STREAM)
        except (OSError, UnicodeError):
            failed.set()
            return
        found.extend(ipaddress.ip_address(str(one[4][0]).partition("%")[0]) for one in answers)

    # The resolver has no timeout of its own; a thread that hangs in it ends with it.
    thread = threading.Thread(target=look_up, name="webhook name", daemon=True)
    thread.start()
    thread.join(timeout_s)
    if thread.is_alive() or failed.is_set() or not found:
        raise AddressRefusedError("name_unresolved", "The host's name stands for no address.")
    addresses = list(dict.fromkeys(found))
    if not private and not all(is_public(one) for one in addresses):
        raise PRIVATE
    return addresses


def is_public(address: Address) -> bool:
    """Whether a packet to it leaves for the public internet, as far as can be told."""
    if isinstance(address, ipaddress.IPv6Address):
        for carried in _carried(address):
            if not is_public(carried):
                return False
        if address.ipv4_mapped is not None:
            return True
    return (
        address.is_global
        and not address.is_multicast
        and not address.is_reserved
        and not address.is_unspecified
        and not any(address in network for network in _NEVER)
    ) or (isinstance(address, ipaddress.IPv6Address) and address in _NAT64)


def _carried(address: ipaddress.IPv6Address) -> list[ipaddress.IPv4Address]:
    """The IPv4 addresses that an IPv6 address leads to."""
    found = [address.ipv4_mapped] if address.ipv4_mapped is not None else []
    # Compatible ones are out of use, but some systems still take them.
    if address in _NAT64 or int(address) >> 32 == 0:
        found.append(ipaddress.IPv4Address(int(address) & 0xFFFFFFFF))
    return found


def _literal(host: str) -> Address | None:
    """The address that a host is written as; also as some resolvers read it: 127.1, 0x7f000001."""
    try:
        return ipaddress.ip_address(host.strip("[]").partition("%")[0])
    except ValueError:
        pass
    try:
        return ipaddress.IPv4Address(socket.inet_aton(host))
    except OSError:
        return None
