from __future__ import annotations

import asyncio
import inspect
from collections.abc import Callable
from typing import Any

import grpc
import pytest
from google.api_core import exceptions as api_core
from google.auth import exceptions as google_auth
from google.rpc import error_details_pb2
from grpc.aio import _call

from pipeline.bounds import DETAIL_MAX_CHARS
from pipeline.ports import EngineError
from pipeline.providers.google import status_guard
from pipeline.providers.google.faults import fault_of, is_stream_end
from pipeline.providers.google.languages import (
    LOCALES,
    TRANSLATION_LANGUAGES,
    asked_for,
    iso_of,
    translation_code,
)
from pipeline.providers.google.translator import SERVICE

Code = grpc.StatusCode
# Their constructors have no types.
api: Any = api_core
auth: Any = google_auth


def refusal(kind: Any, message: str, reason: str = "", **metadata: str) -> Exception:
    info = error_details_pb2.ErrorInfo(reason=reason, metadata=metadata) if reason else None
    error: Exception = kind(message, error_info=info)
    return error


TABLE = [
    (refusal(api.Unauthenticated, "no"), "key_refused", False),
    (refusal(api.InvalidArgument, "API key not valid. Please pass one."), "key_refused", False),
    (refusal(api.InvalidArgument, "no", "API_KEY_INVALID"), "key_refused", False),
    (refusal(api.PermissionDenied, "no"), "key_refused", False),
    (refusal(api.PermissionDenied, "no", "SERVICE_DISABLED"), "key_refused", False),
    (refusal(api.PermissionDenied, "has not been used in project"), "key_refused", False),
    (refusal(api.PermissionDenied, "no", "BILLING_DISABLED"), "plan_too_small", False),
    (refusal(api.FailedPrecondition, "billing must be enabled"), "plan_too_small", False),
    (refusal(api.PermissionDenied, "User Rate Limit Exceeded"), "vendor_busy", True),
    (refusal(api.PermissionDenied, "Daily Limit Exceeded"), "quota_used_up", False),
    (refusal(api.ResourceExhausted, "Quota exceeded, per minute"), "vendor_busy", True),
    (
        refusal(api.ResourceExhausted, "no", "RATE", quota_limit="CharactersPerDayPerProject"),
        "quota_used_up",
        False,
    ),
    (refusal(api.InvalidArgument, "Expected resource location to be us"), "vendor_refused", False),
    (refusal(api.InvalidArgument, "no"), "vendor_refused", False),
    (refusal(api.NotFound, "no"), "vendor_refused", False),
    (refusal(api.OutOfRange, "streamed too fast"), "vendor_busy", True),
    (refusal(api.OutOfRange, "no"), "vendor_refused", False),
    (refusal(api.Aborted, "no"), "vendor_unreachable", True),
    (refusal(api.Cancelled, "no"), "vendor_unreachable", True),
    (refusal(api.ServiceUnavailable, "no"), "vendor_unreachable", True),
    (refusal(api.ServiceUnavailable, "RefreshError: invalid_grant"), "key_refused", False),
    (refusal(api.DeadlineExceeded, "no"), "engine_timeout", True),
    (refusal(api.InternalServerError, "no"), "vendor_failed", True),
    (refusal(api.InternalServerError, "Internal error from Core"), "vendor_unreachable", True),
    (refusal(api.Unknown, "no"), "vendor_failed", True),
    (refusal(api.MethodNotImplemented, "no"), "vendor_refused", False),
    (api.RetryError("gave up", api.ServiceUnavailable("no")), "vendor_unreachable", True),
    (auth.RefreshError("no"), "key_refused", False),
    (auth.TransportError("no"), "vendor_unreachable", True),
    (TimeoutError(), "engine_timeout", True),
    (ConnectionResetError(), "vendor_unreachable", True),
    (asyncio.InvalidStateError(), "vendor_unreachable", True),
    (ValueError("unreadable"), "vendor_malformed", True),
]


@pytest.mark.parametrize(("error", "code", "recoverable"), TABLE)
def test_every_failure_has_its_code(error: Exception, code: str, recoverable: bool) -> None:
    fault = fault_of(error, SERVICE)
    assert (fault.code, fault.recoverable) == (code, recoverable)
    assert len(str(fault)) > 30
    assert "{" not in str(fault)


def test_raw_statuses_of_grpc_are_known_too() -> None:
    metadata = grpc.aio.Metadata()
    error = grpc.aio.AioRpcError(Code.UNAUTHENTICATED, metadata, metadata, details="no")
    assert fault_of(error, SERVICE).code == "key_refused"


def test_an_engine_error_stays_what_it_is() -> None:
    error = EngineError("text_too_long", "too long")
    assert fault_of(error, SERVICE) is error


def test_details_are_bounded_and_without_keys() -> None:
    said = f"key=AIza{'x' * 30} ya29.abc.def {'long ' * 400}"
    detail = fault_of(api.InvalidArgument(said), SERVICE).detail
    assert len(detail) <= DETAIL_MAX_CHARS
    assert "AIza" not in detail
    assert "ya29" not in detail
    assert detail.startswith("INVALID_ARGUMENT")


@pytest.mark.parametrize(
    ("error", "ends"),
    [
        (api.Aborted("Max duration of 5 minutes reached for stream."), True),
        (api.Aborted("Stream timed out after receiving no more client requests."), True),
        (api.OutOfRange("Exceeded maximum allowed stream duration of 305 seconds."), True),
        (api.OutOfRange("Audio data is being streamed too fast."), False),
        (api.ServiceUnavailable("Max duration of 5 minutes reached"), False),
        (ValueError(), False),
    ],
)
def test_planned_ends_of_streams_are_told_from_failures(error: Exception, ends: bool) -> None:
    assert is_stream_end(error) is ends


def test_the_guard_is_put_in_once_and_only_where_it_knows_the_method(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    assert status_guard.install()
    first = _call._StreamRequestMixin._write
    assert status_guard.install()
    assert _call._StreamRequestMixin._write is first

    class Other:
        async def _write(self, request: Any) -> None:
            """Another release's."""

    monkeypatch.setattr(_call, "_StreamRequestMixin", Other)
    present = Other._write
    assert not status_guard.install()
    assert Other._write is present
    assert "Another" in inspect.getsource(present)


def test_codes_go_to_google_and_back() -> None:
    for language, code in LOCALES.items():
        assert iso_of(code) == language
    for language in TRANSLATION_LANGUAGES:
        assert iso_of(translation_code(language)) == language
    assert iso_of("ceb") == ""
    assert set(LOCALES) <= TRANSLATION_LANGUAGES


def test_candidates_choose_model_and_codes() -> None:
    def asked(
        *languages: str, model: str = "", region: str = "eu", configured: str = "long"
    ) -> Any:
        return asked_for(languages, model=model, configured=configured, region=region, name="g")

    assert (asked("es").model, asked("es").codes) == ("long", ("es-ES",))
    assert asked("es", "zh").codes == ("es-ES", "cmn-Hans-CN")
    assert asked("es", model="telephony").model == "telephony"
    assert (asked().model, asked().codes) == ("chirp_3", ("auto",))
    assert asked(configured="chirp_2", region="us-central1").model == "chirp_2"
    refusals: tuple[Callable[[], Any], ...] = (
        lambda: asked("xx"),
        lambda: asked("en", "es", "fr", "de", "it"),
        lambda: asked("en", "es", region="us-central1"),
        lambda: asked(model="long"),
        lambda: asked(region="us-central1"),
    )
    for refused in refusals:
        with pytest.raises(EngineError) as caught:
            refused()
        assert caught.value.code == "source_language_unsupported"
