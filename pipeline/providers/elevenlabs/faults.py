"""What goes wrong at ElevenLabs → the codes that all engines share, in words that help.

Pure. The vendor names a failure in ``detail.status`` (``detail.code`` or ``.type`` in newer
answers, ``error`` on sockets); that name counts for more than the HTTP status, because one
status covers several: 401 is also sent when a quota is used up.
"""

from __future__ import annotations

import json
import re
from collections.abc import Mapping
from typing import Any

import httpx
from elevenlabs.core.api_error import ApiError
from websockets.exceptions import ConnectionClosed, InvalidHandshake, InvalidStatus

from pipeline.ports import EngineError

_KEY = "ElevenLabs does not accept the key; copy it again from your account there."
_MAY_NOT = "The ElevenLabs key may not do this; give it the permission in your account there."
_PLAN = "Your ElevenLabs plan does not include this; choose a larger one there."
_QUOTA = "The credits of your ElevenLabs account are used up; buy more or wait for its next month."
_BUSY = "ElevenLabs is busy, or too much is asked of it at once; it is tried again."
_AWAY = "ElevenLabs cannot be reached; check this server's connection to the internet."
_THEIRS = "ElevenLabs has a fault of its own; it is tried again."
_WRONG = "ElevenLabs takes the request for wrong; choose another model, voice or language."
_MALFORMED = "ElevenLabs answered with something that could not be read."
_SLOW = "ElevenLabs did not answer in time."
_GONE = "ElevenLabs does not have this voice any more; choose another one."
_FULL = "ElevenLabs stores no more voices for you; delete some there or choose a larger plan."
_LONG = "The text is too long for ElevenLabs; split it."

_SHARED: dict[str, tuple[str, bool]] = {
    "key_refused": (_KEY, False),
    "plan_too_small": (_PLAN, False),
    "quota_used_up": (_QUOTA, False),
    "vendor_busy": (_BUSY, True),
    "vendor_unreachable": (_AWAY, True),
    "vendor_failed": (_THEIRS, True),
    "vendor_refused": (_WRONG, False),
    "vendor_malformed": (_MALFORMED, True),
    "engine_timeout": (_SLOW, True),
    "voice_gone": (_GONE, False),
    "voices_full": (_FULL, False),
    "text_too_long": (_LONG, False),
}
"""Code → words, and whether asking again may help."""

_NAMED: dict[str, str] = {
    "invalid_api_key": "key_refused",
    "needs_authorization": "key_refused",
    "missing_api_key": "key_refused",
    "authentication_required": "key_refused",
    "unauthorized": "key_refused",
    "missing_permissions": "key_refused",
    "detected_unusual_activity": "key_refused",
    "quota_exceeded": "quota_used_up",
    "payment_required": "quota_used_up",
    "max_character_limit_exceeded": "text_too_long",
    "text_too_long": "text_too_long",
    "voice_not_found": "voice_gone",
    "voice_does_not_exist": "voice_gone",
    "voice_id_does_not_exist": "voice_gone",
    "voice_limit_reached": "voices_full",
    "voice_add_edit_limit_reached": "voices_full",
    "subscription_required": "plan_too_small",
    "paid_plan_required": "plan_too_small",
    "can_not_use_instant_voice_cloning": "plan_too_small",
    "output_format_not_allowed": "plan_too_small",
    "too_many_concurrent_requests": "vendor_busy",
    "concurrent_limit_exceeded": "vendor_busy",
    "already_running": "vendor_busy",
    "max_active_conversations": "vendor_busy",
    "system_busy": "vendor_busy",
    "rate_limit_exceeded": "vendor_busy",
    "input_timeout_exceeded": "vendor_unreachable",
    "internal_server_error": "vendor_failed",
}
_BY_HTTP: dict[int, str] = {
    401: "key_refused",
    402: "quota_used_up",
    403: "key_refused",
    408: "engine_timeout",
    429: "vendor_busy",
    504: "engine_timeout",
}
_BY_CLOSE: dict[int, str] = {
    1002: "vendor_malformed",
    1003: "vendor_refused",
    1007: "vendor_malformed",
    1008: "vendor_refused",
    1009: "vendor_malformed",
    1011: "vendor_failed",
    1013: "vendor_busy",
}
_MESSAGE_OF: dict[str, str] = {"missing_permissions": _MAY_NOT}
_SECRET = re.compile(r"[A-Za-z0-9_-]{20,}")
"""Keys and ids of the vendor; neither is for a log."""


def fault(code: str, detail: str = "") -> EngineError:
    """The error of a shared code, in ElevenLabs' words for it."""
    message, recoverable = _SHARED[code]
    return EngineError(code, message, recoverable=recoverable, detail=_SECRET.sub("…", detail))


def fault_of(error: BaseException) -> EngineError:
    """Whatever the SDK, httpx, websockets or the system raised."""
    if isinstance(error, EngineError):
        return error
    if isinstance(error, ApiError):
        return fault_of_status(error.status_code or 0, error.body)
    if isinstance(error, InvalidStatus):
        return fault_of_status(error.response.status_code, _parsed(error.response.body))
    if isinstance(error, ConnectionClosed):
        # Without a close frame of theirs the connection broke.
        close = error.rcvd
        return fault_of_close(close.code, close.reason) if close else fault("vendor_unreachable")
    kind = type(error).__name__
    if isinstance(error, httpx.PoolTimeout):
        return fault("vendor_busy", kind)
    if isinstance(error, httpx.ConnectTimeout):
        return fault("vendor_unreachable", kind)
    if isinstance(error, TimeoutError | httpx.TimeoutException):
        return fault("engine_timeout", kind)
    if isinstance(error, httpx.UnsupportedProtocol | httpx.InvalidURL):
        return fault("vendor_refused", kind)
    if isinstance(error, httpx.DecodingError | InvalidHandshake):
        return fault("vendor_malformed", kind)
    if isinstance(error, OSError | httpx.HTTPError | EOFError):
        return fault("vendor_unreachable", kind)
    return fault("vendor_malformed", kind)


def fault_of_status(status: int, body: object) -> EngineError:
    """An HTTP answer that is no success. ``body`` is what it held, parsed or not."""
    detail: object = body.get("detail", body) if isinstance(body, Mapping) else body
    name, said = _read(detail)
    code = _code_of(name, "")
    if not code:
        if status == 404 and "voice" in name:
            code = "voice_gone"
        elif status >= 500:
            code = _BY_HTTP.get(status, "vendor_failed")
        elif 400 <= status < 500:
            code = _BY_HTTP.get(status, "vendor_refused")
        else:
            code = "vendor_malformed"
    return _named(code, name, f"HTTP {status} {name} {said}".strip())


def fault_of_frame(frame: Mapping[str, Any]) -> EngineError:
    """An error message of a socket: ``{"message", "error", "code"}``."""
    name = str(frame.get("error") or frame.get("status") or "")
    said = str(frame.get("message") or "")
    close = frame.get("code")
    code = _code_of(name, _code_of(said, ""))
    if not code:
        code = _BY_CLOSE.get(close, "vendor_refused") if isinstance(close, int) else "vendor_failed"
    return _named(code, name, f"socket {close} {name} {said}")


def fault_of_close(close_code: int, reason: str) -> EngineError:
    """A socket that the vendor closed while something was still to come."""
    code = _code_of(reason, _BY_CLOSE.get(close_code, "vendor_unreachable"))
    return _named(code, reason, f"close {close_code} {reason}")


def _code_of(name: str, otherwise: str) -> str:
    if name.startswith("only_for_"):
        return "plan_too_small"
    return _NAMED.get(name, otherwise)


def _named(code: str, name: str, detail: str) -> EngineError:
    made = fault(code, detail)
    if name in _MESSAGE_OF:
        return EngineError(code, _MESSAGE_OF[name], recoverable=False, detail=made.detail)
    return made


def _read(detail: object) -> tuple[str, str]:
    """(name of the failure, what else may be logged of it); never the request's own text."""
    if isinstance(detail, Mapping):
        names = [detail.get(key) for key in ("status", "code", "type")]
        known = [name for name in names if isinstance(name, str) and name]
        name = next((one for one in known if _code_of(one, "")), known[0] if known else "")
        return name, str(detail.get("message") or "")
    if isinstance(detail, list):
        # A refused field: where and why, but not the ``input`` that may be beside it.
        fields = [one for one in detail if isinstance(one, Mapping)]
        return "", "; ".join(f"{one.get('loc')} {one.get('type')}" for one in fields[:5])
    # Pages of proxies and the like say nothing that could be told safely.
    return "", ""


def _parsed(body: bytes | bytearray | None) -> object:
    try:
        return json.loads(body or b"")
    except ValueError:
        return None
