"""How Google refuses: a status, a text, and rich details beside it."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any, NoReturn

import grpc
from google.protobuf.any_pb2 import Any as Packed
from google.rpc import error_details_pb2, status_pb2
from grpc_status import rpc_status

from pipeline.emulators.behaviour import Fault


@dataclass(eq=False)
class RefusalError(Exception):
    """A call ends with this status. ``reason`` and ``metadata`` become an ``ErrorInfo``,
    ``retry_s`` a ``RetryInfo``; without them the status is bare."""

    status: grpc.StatusCode
    message: str
    reason: str = ""
    metadata: Mapping[str, str] = field(default_factory=dict)
    retry_s: float | None = None

    def __str__(self) -> str:
        return f"{self.status.name} {self.message}"


SCENARIOS: Mapping[str, RefusalError] = {
    "cancelled": RefusalError(grpc.StatusCode.CANCELLED, "The operation was cancelled."),
    "unknown": RefusalError(grpc.StatusCode.UNKNOWN, "Unknown error."),
    "invalid_argument": RefusalError(
        grpc.StatusCode.INVALID_ARGUMENT,
        "Invalid resource field value in the request.",
        "RESOURCE_PROJECT_INVALID",
    ),
    "deadline_exceeded": RefusalError(grpc.StatusCode.DEADLINE_EXCEEDED, "Deadline exceeded."),
    "not_found": RefusalError(grpc.StatusCode.NOT_FOUND, "Requested entity was not found."),
    "permission_denied": RefusalError(
        grpc.StatusCode.PERMISSION_DENIED,
        "The caller does not have permission",
        "IAM_PERMISSION_DENIED",
    ),
    "billing_disabled": RefusalError(
        grpc.StatusCode.PERMISSION_DENIED,
        "This API method requires billing to be enabled.",
        "BILLING_DISABLED",
    ),
    "resource_exhausted": RefusalError(
        grpc.StatusCode.RESOURCE_EXHAUSTED,
        "Quota exceeded for quota metric 'Requests' and limit 'Requests per minute'.",
        "RATE_LIMIT_EXCEEDED",
        {"quota_limit": "RequestsPerMinutePerProject", "quota_limit_value": "300"},
        retry_s=0.2,
    ),
    "aborted": RefusalError(grpc.StatusCode.ABORTED, "The operation was aborted."),
    "out_of_range": RefusalError(
        grpc.StatusCode.OUT_OF_RANGE,
        "Audio data is being streamed too fast. "
        "Please stream audio data approximately at real time.",
    ),
    "internal": RefusalError(grpc.StatusCode.INTERNAL, "Internal error encountered."),
    "unavailable": RefusalError(
        grpc.StatusCode.UNAVAILABLE, "The service is currently unavailable.", retry_s=0.1
    ),
    "unauthenticated": RefusalError(
        grpc.StatusCode.UNAUTHENTICATED,
        "Request had invalid authentication credentials. Expected OAuth 2 access token, "
        "login cookie or other valid authentication credential.",
        "ACCESS_TOKEN_TYPE_UNSUPPORTED",
    ),
    # What a client sees of a connection that broke, without breaking those beside it.
    "drop": RefusalError(grpc.StatusCode.UNAVAILABLE, "Socket closed"),
}
"""Scenarios of a ``Fault`` that end a call, for every method."""


def refusal_of(fault: Fault, service: str) -> RefusalError | None:
    """What a fault ends a call with; None: its scenario is not one of those."""
    found = SCENARIOS.get(fault.scenario)
    if found is None:
        return None
    metadata = {"service": service, **found.metadata} if found.reason else {}
    message = fault.message or found.message
    return RefusalError(found.status, message, found.reason, metadata, found.retry_s)


async def abort(context: Any, refusal: RefusalError) -> NoReturn:
    """End the call; raises grpc's own exception, as its servers expect."""
    status = status_pb2.Status(code=refusal.status.value[0], message=refusal.message)
    details: list[Any] = []
    if refusal.reason:
        details.append(
            error_details_pb2.ErrorInfo(
                reason=refusal.reason, domain="googleapis.com", metadata=dict(refusal.metadata)
            )
        )
    if refusal.retry_s is not None:
        retry = error_details_pb2.RetryInfo()
        retry.retry_delay.FromMilliseconds(round(refusal.retry_s * 1000))
        details.append(retry)
    for detail in details:
        packed = Packed()
        packed.Pack(detail)
        status.details.append(packed)
    if details:
        await context.abort_with_status(rpc_status.to_status(status))
    await context.abort(refusal.status, refusal.message)
    raise AssertionError("abort always raises")
