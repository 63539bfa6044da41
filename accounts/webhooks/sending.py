"""One request to somebody else's server, such as a webhook's receiver: to an address that was
checked, and to no other.

The name is looked up here, every address is checked, and the connection goes to one of those
very addresses: what the name stands for a moment later changes nothing. TLS and ``Host`` still
are the name's. Redirects are not followed, proxies of the environment not used, and time and
the size of the answer are bounded in all, not by step.
"""

from __future__ import annotations

import functools
import ssl
import time
from collections.abc import Iterable, Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import httpcore
from django.conf import settings

from accounts.webhooks.addresses import AddressRefusedError, check_url, resolve
from pipeline.bounds import WEBHOOK_ANSWER_MAX_BYTES, WEBHOOK_ANSWER_S, WEBHOOK_CONNECT_S


@dataclass(frozen=True, slots=True)
class Outcome:
    code: int | None
    """HTTP status; None: no answer came."""
    error: str
    """Empty when the receiver has it."""
    duration_ms: int
    retry_after_s: int | None = None
    """When the receiver wants to be asked again."""


def send(url: str, *, body: bytes, headers: Mapping[str, str]) -> Outcome:
    """POST the body; never raises for what a receiver or the way to it can do."""
    begun = time.monotonic()
    code: int | None = None
    retry_after_s: int | None = None
    try:
        check_url(url, private=settings.WEBHOOKS_PRIVATE_ADDRESSES)
        code, retry_after_s = _post(url, body, headers, begun + WEBHOOK_ANSWER_S)
        error = _fault_of(code)
    except AddressRefusedError as refused:
        error = refused.code
    except httpcore.TimeoutException:
        error = "timeout"
    except ssl.SSLError:
        error = "tls_failed"
    except httpcore.ConnectError as failed:
        error = "tls_failed" if _is_tls(failed) else "connection_failed"
    except (httpcore.NetworkError, httpcore.ProtocolError, OSError):
        error = "connection_failed"
    return Outcome(code, error, round(1000 * (time.monotonic() - begun)), retry_after_s)


def _post(
    url: str, body: bytes, headers: Mapping[str, str], deadline: float
) -> tuple[int, int | None]:
    with checked_request(
        "POST",
        url,
        headers=headers,
        content=body,
        deadline=deadline,
        private=settings.WEBHOOKS_PRIVATE_ADDRESSES,
    ) as answer:
        read = 0
        for part in answer.iter_stream():
            read += len(part)
            # What counts is the status; a receiver that talks on is not listened to.
            if read > WEBHOOK_ANSWER_MAX_BYTES:
                break
        return answer.status, _retry_after(answer.headers)


@contextmanager
def checked_request(
    method: str,
    url: str,
    *,
    headers: Mapping[str, str],
    content: bytes | None = None,
    deadline: float,
    private: bool,
) -> Iterator[httpcore.Response]:
    """The answer to one request to somebody else's server, to be read before ``deadline`` (of
    ``time.monotonic``). ``private``: the address may be in a private network.

    It goes to an address that was checked, over one connection, once, and follows no redirect.
    Raises AddressRefusedError and httpcore's errors.
    """
    limits = {"connect": WEBHOOK_CONNECT_S, "read": WEBHOOK_ANSWER_S, "write": WEBHOOK_ANSWER_S}
    with (
        httpcore.ConnectionPool(
            ssl_context=_trusted_roots(settings.WEBHOOKS_ROOT_CERTIFICATES),
            max_connections=1,
            retries=0,
            network_backend=_CheckedBackend(deadline, private=private),
        ) as pool,
        pool.stream(
            method,
            url,
            headers=[(name.encode(), value.encode()) for name, value in headers.items()],
            content=content,
            extensions={"timeout": {**limits, "pool": WEBHOOK_CONNECT_S}},
        ) as answer,
    ):
        yield answer


@functools.lru_cache(maxsize=2)
def _trusted_roots(roots: Path | None) -> ssl.SSLContext:
    """The system's roots and the operator's own; reading them takes a while."""
    context = ssl.create_default_context()
    if roots is not None:
        context.load_verify_locations(roots)
    return context


def _fault_of(code: int) -> str:
    if 200 <= code < 300:
        return ""
    return "redirected" if 300 <= code < 400 else "refused"


def _is_tls(error: BaseException) -> bool:
    cause: BaseException | None = error
    while cause is not None:
        if isinstance(cause, ssl.SSLError):
            return True
        cause = cause.__cause__ or cause.__context__
    return False


def _retry_after(headers: Iterable[tuple[bytes, bytes]]) -> int | None:
    text = next((value for name, value in headers if name.lower() == b"retry-after"), b"")
    return int(text) if text.isdigit() and len(text) < 9 else None


class _CheckedBackend(httpcore.NetworkBackend):
    """Connects to checked addresses only, and lets nothing last beyond the deadline."""

    def __init__(self, deadline: float, *, private: bool) -> None:
        self._deadline = deadline
        self._private = private
        self._sockets = httpcore.SyncBackend()

    def connect_tcp(
        self,
        host: str,
        port: int,
        timeout: float | None = None,
        local_address: str | None = None,
        socket_options: Iterable[Any] | None = None,
    ) -> httpcore.NetworkStream:
        limit_s = min(timeout or WEBHOOK_CONNECT_S, WEBHOOK_CONNECT_S)
        until = min(self._deadline, time.monotonic() + limit_s)
        addresses = resolve(host, port, private=self._private, timeout_s=limit_s)
        failure: Exception = httpcore.ConnectTimeout()
        for address in addresses:
            left_s = until - time.monotonic()
            if left_s <= 0:
                break
            try:
                stream = self._sockets.connect_tcp(
                    str(address), port, left_s, local_address, socket_options
                )
            except (httpcore.ConnectError, httpcore.ConnectTimeout) as error:
                failure = error
                continue
            return _Deadlined(stream, self._deadline)
        raise failure

    def connect_unix_socket(self, *_: Any, **__: Any) -> httpcore.NetworkStream:
        raise httpcore.ConnectError("webhooks go over the network only")


class _Deadlined(httpcore.NetworkStream):
    """A receiver that sends a byte now and then does not hold a worker."""

    def __init__(self, stream: httpcore.NetworkStream, deadline: float) -> None:
        self._stream = stream
        self._deadline = deadline

    def _left(self, timeout: float | None, late: type[httpcore.TimeoutException]) -> float:
        left_s = self._deadline - time.monotonic()
        if left_s <= 0:
            raise late
        return left_s if timeout is None else min(timeout, left_s)

    def read(self, max_bytes: int, timeout: float | None = None) -> bytes:
        return self._stream.read(max_bytes, self._left(timeout, httpcore.ReadTimeout))

    def write(self, buffer: bytes, timeout: float | None = None) -> None:
        self._stream.write(buffer, self._left(timeout, httpcore.WriteTimeout))

    def close(self) -> None:
        self._stream.close()

    def start_tls(
        self,
        ssl_context: ssl.SSLContext,
        server_hostname: str | None = None,
        timeout: float | None = None,
    ) -> httpcore.NetworkStream:
        left_s = self._left(timeout, httpcore.ConnectTimeout)
        return _Deadlined(
            self._stream.start_tls(ssl_context, server_hostname, left_s), self._deadline
        )

    def get_extra_info(self, info: str) -> Any:
        return self._stream.get_extra_info(info)
