"""A file from its address: public addresses only, along every redirect, and bounded.

Each name is looked up here and every address of it checked; the connection goes to one of
those very addresses. A redirect is looked at like the first address.
"""

from __future__ import annotations

import ssl
import time
from collections.abc import Callable
from pathlib import Path
from urllib.parse import unquote, urljoin, urlsplit, urlunsplit

import httpcore
from django.conf import settings
from django.utils.encoding import iri_to_uri

from accounts.webhooks.addresses import AddressRefusedError, check_url
from accounts.webhooks.sending import checked_request
from pipeline.bounds import (
    FETCH_REDIRECTS_MAX,
    FETCH_S,
    MEDIA_MAX_BYTES,
)
from sessions_app.projects.errors import ProjectError
from sessions_app.projects.files import plain_name

_AGENT = "live-dubbing"


def refuse_address(url: str) -> None:
    """Raise ProjectError where no file is fetched from, as far as the address itself tells."""
    try:
        check_url(as_sent(url), private=settings.FETCH_PRIVATE_ADDRESSES)
    except AddressRefusedError as error:
        raise _refused(error) from None


def as_sent(url: str) -> str:
    """The address with nothing but what goes over the wire: hosts by IDNA, the rest by UTF-8 and
    percent signs (RFC 3987), as browsers do. Raises AddressRefusedError."""
    if url.isascii() and " " not in url:
        return url
    try:
        parts = urlsplit(url)
        host = (parts.hostname or "").encode("idna").decode()
        port = f":{parts.port}" if parts.port is not None else ""
    except ValueError:  # UnicodeError is one
        raise AddressRefusedError("address_invalid", "This is not an address.") from None
    if "@" in parts.netloc:
        return url  # is refused for it
    return urlunsplit((parts.scheme, f"{host}{port}", *map(iri_to_uri, parts[2:])))


def fetch(url: str, path: Path, *, check: Callable[[], None] = lambda: None) -> str:
    """Write what is there to ``path`` and return its name. ``check`` may raise meanwhile.

    Raises ProjectError: address_private, address_invalid, name_unresolved, fetch_failed,
    media_too_large.
    """
    deadline = time.monotonic() + FETCH_S
    for _ in range(FETCH_REDIRECTS_MAX + 1):
        check()
        refuse_address(url)
        try:
            onwards = _get(as_sent(url), path, deadline, check)
        except AddressRefusedError as error:
            raise _refused(error) from None
        except httpcore.TimeoutException:
            raise ProjectError("fetch_failed", "The server did not send it in time.") from None
        except (httpcore.NetworkError, httpcore.ProtocolError, ssl.SSLError, OSError):
            raise ProjectError(
                "fetch_failed", "The server cannot be reached, or broke the connection off."
            ) from None
        if onwards is None:
            # Of what the name hides may be a path, or what no database takes.
            return plain_name(unquote(urlsplit(url).path.rpartition("/")[2]), "fetched")
        try:
            url = urljoin(url, onwards)
        except ValueError:
            raise ProjectError(
                "fetch_failed", "It redirects to what is no address; give that of the file itself."
            ) from None
    raise ProjectError("fetch_failed", f"It redirects more than {FETCH_REDIRECTS_MAX} times.")


def _get(url: str, path: Path, deadline: float, check: Callable[[], None]) -> str | None:
    """Where it redirects to; None once the file is there."""
    with checked_request(
        "GET",
        url,
        headers={"User-Agent": _AGENT, "Accept": "*/*"},
        deadline=deadline,
        private=settings.FETCH_PRIVATE_ADDRESSES,
    ) as answer:
        given = {name.lower(): value for name, value in answer.headers}
        if 300 <= answer.status < 400 and b"location" in given:
            return _text(given[b"location"])
        if answer.status != 200:
            raise ProjectError(
                "fetch_failed", f"The server answers {answer.status} instead of the file."
            )
        length = given.get(b"content-length", b"")
        if length.isdigit() and int(length[:20]) > MEDIA_MAX_BYTES:
            raise _too_large()
        size = 0
        with path.open("wb") as file:
            for part in answer.iter_stream():
                check()
                size += len(part)
                if size > MEDIA_MAX_BYTES:
                    raise _too_large()
                file.write(part)
    return None


def _text(header: bytes) -> str:
    """What servers write that write more than ASCII: UTF-8 most of them."""
    try:
        return header.decode()
    except UnicodeDecodeError:
        return header.decode("latin-1")


def _too_large() -> ProjectError:
    return ProjectError(
        "media_too_large", f"The file is larger than {MEDIA_MAX_BYTES // 1024**3} GiB."
    )


def _refused(error: AddressRefusedError) -> ProjectError:
    if error.code == "address_private":
        return ProjectError(
            "address_private",
            "The address leads to this machine or a private network, from where nothing is "
            "fetched. Upload the file; or whoever runs the server can allow it with "
            "FETCH_PRIVATE_ADDRESSES.",
            field="url",
        )
    return ProjectError(error.code, str(error), field="url")
