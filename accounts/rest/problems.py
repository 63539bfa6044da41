"""Errors as problem details (RFC 9457): one form, made in one place.

The standard's ``type``, ``title``, ``status``, ``detail`` and ``instance``, with our ``code``,
for programs, and ``errors``: the path of a field → what is wrong with it. ``type`` leads to
what ``/api/problems`` says of the code.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from django.core.exceptions import PermissionDenied as DjangoPermissionDenied
from django.core.exceptions import ValidationError as DjangoValidationError
from django.db import InterfaceError, OperationalError
from django.http import Http404
from rest_framework import exceptions
from rest_framework.response import Response

from accounts.rest.problem_codes import EXPLAINED
from accounts.rest.row_waits import waited_in_vain
from pipeline.ports import EngineError

MEDIA_TYPE = "application/problem+json"
WHOLE = "request"
"""The path in ``errors`` of what is wrong with several fields together."""


class Problem(exceptions.APIException):
    """An error of a code in ``EXPLAINED``, which decides its status.

    ``more`` are members of the answer beside the standard's.
    """

    def __init__(
        self,
        code: str,
        detail: str = "",
        *,
        errors: Mapping[str, list[str]] | None = None,
        headers: Mapping[str, str] | None = None,
        **more: Any,
    ) -> None:
        explained = EXPLAINED[code]
        self.status_code = explained.status
        super().__init__(detail or explained.remedy, code)
        self.code = code
        self.errors = dict(errors or {})
        self.headers = dict(headers or {})
        self.more = more


def members(
    code: str, detail: str, request: Any, *, status: int | None = None, **more: Any
) -> dict[str, Any]:
    """The members of a problem; empty ones of ``more`` are left out."""
    explained = EXPLAINED[code]
    return {
        "type": f"/api/problems#{code}",
        "title": explained.title,
        "status": status or explained.status,
        "detail": detail,
        # Which occurrence it was: the server's log has it under this id.
        "instance": f"urn:x-request-id:{getattr(request, 'request_id', '')}",
        "code": code,
        **{name: value for name, value in more.items() if value},
    }


def answer(error: Exception, context: Mapping[str, Any]) -> Response | None:
    """The framework's exception handler; None lets a fault of ours go on to the log."""
    known = _known(error)
    if known is None:
        return None
    body = members(
        known.code,
        str(known.detail),
        context["request"],
        errors=known.errors,
        **known.more,
    )
    return Response(body, status=known.status_code, headers=known.headers, content_type=MEDIA_TYPE)


def _known(error: Exception) -> Problem | None:
    if isinstance(error, Problem):
        return error
    if isinstance(error, EngineError):
        # Engines' codes are explained by the app that has the engines.
        return Problem(error.code if error.code in EXPLAINED else "engine_unavailable", str(error))
    if waited_in_vain(error):
        return Problem("row_busy", headers={"Retry-After": "1"})
    if isinstance(error, OperationalError | InterfaceError):
        return Problem("database_away", headers={"Retry-After": "5"})
    if isinstance(error, DjangoValidationError):
        error = exceptions.ValidationError(
            error.message_dict if hasattr(error, "error_dict") else error.messages
        )
    elif isinstance(error, Http404):
        error = exceptions.NotFound()
    elif isinstance(error, DjangoPermissionDenied):
        error = exceptions.PermissionDenied()
    return _of_framework(error) if isinstance(error, exceptions.APIException) else None


_CODES: tuple[tuple[type[exceptions.APIException], str], ...] = (
    (exceptions.ParseError, "malformed"),
    (exceptions.AuthenticationFailed, "credential_invalid"),
    (exceptions.NotAuthenticated, "not_authenticated"),
    (exceptions.PermissionDenied, "forbidden"),
    (exceptions.NotFound, "not_found"),
    (exceptions.MethodNotAllowed, "method_not_allowed"),
    (exceptions.NotAcceptable, "not_acceptable"),
    (exceptions.UnsupportedMediaType, "unsupported_media_type"),
    (exceptions.Throttled, "too_many_requests"),
)


def _of_framework(error: exceptions.APIException) -> Problem | None:
    headers: dict[str, str] = {}
    if isinstance(error, exceptions.ValidationError):
        errors = flattened(error.detail)
        detail = " ".join(
            (message if path == WHOLE else f"{path}: {message}")
            for path, messages in errors.items()
            for message in messages[:1]
        )
        return Problem("invalid", detail[:1000], errors=errors)
    code = next((code for kind, code in _CODES if isinstance(error, kind)), None)
    if code is None:
        return None
    if scheme := getattr(error, "auth_header", None):
        headers["WWW-Authenticate"] = scheme
    if (wait_s := getattr(error, "wait", None)) is not None:
        headers["Retry-After"] = str(max(1, round(wait_s)))
    # Its own words where it has some: they name the method or the media type.
    detail = str(error.detail) if code in {"method_not_allowed", "malformed"} else ""
    if isinstance(error, exceptions.PermissionDenied | exceptions.NotFound):
        given = str(error.detail)
        detail = "" if given == str(type(error).default_detail) else given
    found = Problem(code, detail, headers=headers)
    # Without a way to log in that HTTP knows, the framework answers 403 instead of 401.
    found.status_code = error.status_code
    return found


def flattened(detail: Any, path: str = "") -> dict[str, list[str]]:
    """Nested errors of a serializer by the path of their field: ``terms.0.source``."""
    if isinstance(detail, Mapping):
        found: dict[str, list[str]] = {}
        for name, inner in detail.items():
            own = path if name in {"non_field_errors", "__all__"} else f"{path}.{name}".strip(".")
            found.update(flattened(inner, own))
        return found
    if isinstance(detail, list):
        if all(not isinstance(one, Mapping | list) for one in detail):
            return {path or WHOLE: [str(one) for one in detail]}
        found = {}
        for number, inner in enumerate(detail):
            if inner:
                found.update(flattened(inner, f"{path}.{number}".strip(".")))
        return found
    return {path or WHOLE: [str(detail)]}
