"""What Google's services and their library raise, as an EngineError in plain words. Pure."""

from __future__ import annotations

import re
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

import grpc
from google.api_core import exceptions as api
from google.auth import exceptions as auth

from pipeline.ports import EngineError

Code = grpc.StatusCode
MASKED = "internal error from core"
"""How grpc.aio reports a status that it has lost; see ``status_guard``."""
_STREAM_ENDS = (
    "max duration of 5 minutes reached",
    "exceeded maximum allowed stream duration",
    "no more client requests",
    "audio timeout error",
)
_SECRETS = re.compile(r"AIza[\w-]{10,}|ya29\.[\w.-]+|eyJ[\w-]+\.[\w.-]+|key=[\w-]+")


@dataclass(frozen=True, slots=True)
class _Words:
    code: str
    message: str
    recoverable: bool = False


_KEY_WRONG = _Words(
    "key_refused",
    "Google does not accept the key: check that it was copied whole and not deleted or expired.",
)
_NO_PERMISSION = _Words(
    "key_refused",
    "The Google key may not use {service}: give its account the role “{role}” in this project, "
    "and check the project's id and the key's restrictions.",
)
_NOT_ENABLED = _Words(
    "key_refused",
    "{service} is not enabled in this Google project: enable it in the console's API library, "
    "then wait a few minutes.",
)
_NO_BILLING = _Words(
    "plan_too_small", "The Google project has no billing: link it to a billing account."
)
_QUOTA = _Words(
    "quota_used_up",
    "The Google project's quota for {service} is used up: wait for the next period, or raise it "
    "in the console under Quotas.",
)
_BUSY = _Words(
    "vendor_busy",
    "{service} takes no more requests at the moment: the project's quota per minute is reached.",
    True,
)
_UNREACHABLE = _Words(
    "vendor_unreachable",
    "{service} cannot be reached, or the connection broke: check this server's way to the "
    "internet.",
    True,
)
_FAILED = _Words("vendor_failed", "{service} says that it failed itself; it may soon work.", True)
_TOO_SLOW = _Words("engine_timeout", "{service} did not answer in time.", True)
_LOCATION = _Words(
    "vendor_refused",
    "{service} does not serve this from the region chosen: choose another region or model.",
)
_REFUSED = _Words("vendor_refused", "{service} refuses the request as it is.")
_NOT_FOUND = _Words(
    "vendor_refused",
    "{service} does not know the project, region or model: check the project's id and the region.",
)
_TOO_FAST = _Words("vendor_busy", "{service} was sent audio too fast.", True)
_MALFORMED = _Words("vendor_malformed", "{service} gave an answer that cannot be read.", True)

_BY_STATUS: Mapping[grpc.StatusCode, _Words] = {
    Code.UNAUTHENTICATED: _KEY_WRONG,
    Code.PERMISSION_DENIED: _NO_PERMISSION,
    Code.NOT_FOUND: _NOT_FOUND,
    Code.INVALID_ARGUMENT: _REFUSED,
    Code.FAILED_PRECONDITION: _REFUSED,
    Code.OUT_OF_RANGE: _REFUSED,
    Code.ALREADY_EXISTS: _REFUSED,
    Code.UNIMPLEMENTED: _REFUSED,
    Code.RESOURCE_EXHAUSTED: _BUSY,
    Code.UNAVAILABLE: _UNREACHABLE,
    Code.ABORTED: _UNREACHABLE,
    Code.CANCELLED: _UNREACHABLE,
    Code.DEADLINE_EXCEEDED: _TOO_SLOW,
    Code.INTERNAL: _FAILED,
    Code.UNKNOWN: _FAILED,
    Code.DATA_LOSS: _FAILED,
}
_BY_REASON = {
    "API_KEY_INVALID": _KEY_WRONG,
    "API_KEY_SERVICE_BLOCKED": _NO_PERMISSION,
    "API_KEY_HTTP_REFERRER_BLOCKED": _NO_PERMISSION,
    "API_KEY_IP_ADDRESS_BLOCKED": _NO_PERMISSION,
    "ACCOUNT_STATE_INVALID": _KEY_WRONG,
    "SERVICE_DISABLED": _NOT_ENABLED,
    "BILLING_DISABLED": _NO_BILLING,
    "RESOURCE_PROJECT_INVALID": _NOT_FOUND,
    "CONSUMER_INVALID": _NOT_FOUND,
}
_BY_TEXT: tuple[tuple[str, frozenset[grpc.StatusCode], _Words], ...] = (
    # A broken key is found while a call's headers are made, and looks like an outage.
    (r"refresherror|invalid_grant|invalid jwt", frozenset({Code.UNAVAILABLE}), _KEY_WRONG),
    (r"api key (not valid|expired|not found)", frozenset({Code.INVALID_ARGUMENT}), _KEY_WRONG),
    (
        r"resource location|location named|following locations",
        frozenset({Code.INVALID_ARGUMENT, Code.PERMISSION_DENIED}),
        _LOCATION,
    ),
    (r"too fast|real time", frozenset({Code.OUT_OF_RANGE}), _TOO_FAST),
    (r"billing", frozenset({Code.PERMISSION_DENIED, Code.FAILED_PRECONDITION}), _NO_BILLING),
    (r"has not been used|disabled", frozenset({Code.PERMISSION_DENIED}), _NOT_ENABLED),
    (
        r"daily|per day|perday",
        frozenset({Code.PERMISSION_DENIED, Code.RESOURCE_EXHAUSTED}),
        _QUOTA,
    ),
    (r"rate limit|per minute", frozenset({Code.PERMISSION_DENIED}), _BUSY),
    (r"quota", frozenset({Code.PERMISSION_DENIED}), _QUOTA),
    (MASKED, frozenset({Code.INTERNAL}), _UNREACHABLE),
)
_ROLES = {
    "Google Speech-to-Text": "Cloud Speech Client",
    "Google Translation": "Cloud Translation API User",
}


def is_stream_end(error: BaseException) -> bool:
    """Whether a stream ended because it has to end some time, and another may go on."""
    if status_of(error) not in (Code.ABORTED, Code.OUT_OF_RANGE):
        return False
    said = said_by(error).lower()
    return any(text in said for text in _STREAM_ENDS)


def status_of(error: BaseException) -> grpc.StatusCode | None:
    """The gRPC status of an exception of grpc or of Google's library; None: it has none."""
    if isinstance(error, api.GoogleAPICallError):
        status: grpc.StatusCode | None = error.grpc_status_code
        return status
    if isinstance(error, grpc.aio.AioRpcError):
        return error.code()
    return None


def said_by(error: BaseException) -> str:
    """What the service said, without keys."""
    said: object = str(error)
    if isinstance(error, api.GoogleAPICallError):
        said = error.message
    elif isinstance(error, grpc.aio.AioRpcError):
        said = error.details()
    return _SECRETS.sub("…", str(said or ""))


def fault_of(error: BaseException, service: str) -> EngineError:
    """``service`` is the product's name, such as “Google Translation”."""
    if isinstance(error, EngineError):
        return error
    if isinstance(error, api.RetryError) and error.cause is not None:
        return fault_of(error.cause, service)
    words = _words_for(error)
    message = words.message.format(service=service, role=_ROLES.get(service, "user"))
    status, reason = status_of(error), _reason_of(error)
    named = " ".join(part for part in (status.name if status else type(error).__name__, reason))
    detail = f"{named}: {said_by(error)}"
    return EngineError(words.code, message, recoverable=words.recoverable, detail=detail)


def _words_for(error: BaseException) -> _Words:
    if isinstance(error, auth.TransportError):
        return _UNREACHABLE
    if isinstance(error, auth.GoogleAuthError):
        return _KEY_WRONG
    if isinstance(error, TimeoutError | api.RetryError):
        return _TOO_SLOW
    if isinstance(error, OSError):
        return _UNREACHABLE
    status = status_of(error)
    if status is None:
        # grpc says with these that a call is over, whatever ended it.
        ended = type(error).__name__ in ("InvalidStateError", "CancelledError", "UsageError")
        return _UNREACHABLE if ended else _MALFORMED
    if words := _BY_REASON.get(_reason_of(error)):
        return words
    said = f"{said_by(error)} {_quota_of(error)}".lower()
    for pattern, statuses, words in _BY_TEXT:
        if status in statuses and re.search(pattern, said):
            return words
    return _BY_STATUS.get(status, _FAILED)


def _reason_of(error: BaseException) -> str:
    reason: Any = getattr(error, "reason", None)
    return reason if isinstance(reason, str) else ""


def _quota_of(error: BaseException) -> str:
    """Which limit was met, where the service names it."""
    metadata: Any = getattr(error, "metadata", None)
    # A protobuf map, which calls itself no Mapping.
    return str(metadata.get("quota_limit", "")) if hasattr(metadata, "get") else ""
