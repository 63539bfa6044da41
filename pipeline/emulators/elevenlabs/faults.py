"""What can go wrong at the emulated ElevenLabs: the scenarios of ``Fault`` and their moments.

Any status in ``BY_STATUS`` refuses the call in the vendor's words;
``http_500``, ``http_502`` and ``http_503`` are its own failures. The others:

==================  ====================================================================
slow                the first sound comes ``after_s`` seconds later (default 1)
stall               nothing more is sent; before any sound, or ``after_s`` of it
drop                the TCP connection is cut; after the first block, or ``after_s`` of
                    sound; 0 is before any answer
close               a socket is closed with 1011 at the same moments
malformed           no JSON where JSON is due; of plain sound: a page of HTML instead
bad_base64          sound that is no base64 (sockets and with-timestamps)
odd_bytes           half a sample too little
unknown_message     a message of an unknown kind before the sound (sockets, with-timestamps)
error_in_band       an error object in the middle of sound (with-timestamps)
no_final            a context's ``isFinal`` never comes (sockets)
==================  ====================================================================

Legs: ``speech`` (HTTP), ``stream_input`` and ``multi_stream_input`` (opening a socket),
``stream_input.text`` and ``multi_stream_input.text`` (one text spoken on it), ``voices``
(list, search, one), ``clone``, ``edit``, ``delete``, ``preview``, ``account`` (user,
subscription, models).
"""

from __future__ import annotations

import asyncio
from collections.abc import Callable, Mapping
from contextlib import suppress
from functools import partial

from aiohttp import web

from pipeline.bounds import EMULATOR_STALL_S
from pipeline.emulators.behaviour import Fault
from pipeline.emulators.elevenlabs import errors
from pipeline.emulators.elevenlabs.catalog import Plan
from pipeline.emulators.elevenlabs.refusal import RefusalError

_FREE = Plan("free", 10_000, 3, clones=False, flash=4, multilingual=2)
BY_STATUS: Mapping[str, Callable[[], RefusalError]] = {
    make().status: make
    for make in (
        errors.no_key,
        errors.invalid_key,
        errors.unusual_activity,
        partial(errors.quota_exceeded, 10_000, 0, 91),
        partial(errors.voice_not_found, "notAVoice"),
        partial(errors.voice_limit_reached, 10, 10),
        partial(errors.text_too_long, 10_001, 10_000),
        errors.cloning_not_included,
        errors.only_for_creators,
        errors.already_running,
        partial(errors.missing, "body", "text"),
        partial(errors.too_many_requests, _FREE, 4),
        errors.system_busy,
        partial(errors.too_many_contexts, 5),
        partial(errors.input_timeout, 20.0),
    )
}
"""For faults: what a scenario can name → what makes the refusal."""
_FAILURES = {"http_500": 500, "http_502": 502, "http_503": 503}
_SOUND = frozenset(
    "slow stall drop close malformed bad_base64 odd_bytes unknown_message error_in_band "
    "no_final".split()
)
SCENARIOS = frozenset(BY_STATUS) | frozenset(_FAILURES) | _SOUND
_MOMENTS = {"drop": 1e-6, "close": 1e-6}
_SLOW_S = 1.0


class DroppedError(Exception):
    """The connection was cut on purpose; whoever serves it has nothing more to do."""


def require_known(fault: Fault) -> None:
    """Raises ValueError for a scenario that is not in the table."""
    if fault.scenario not in SCENARIOS:
        raise ValueError(f"no such scenario: {fault.scenario}; there are {sorted(SCENARIOS)}")


def refusal_of(fault: Fault) -> RefusalError | None:
    """What a fault answers, where it is a refusal."""
    if fault.scenario in _FAILURES:
        refusal = errors.failed(_FAILURES[fault.scenario])
    elif fault.scenario in BY_STATUS:
        refusal = BY_STATUS[fault.scenario]()
    else:
        return None
    if fault.message:
        refusal.message = refusal.socket_message = fault.message
    return refusal


def extra_s(fault: Fault | None) -> float:
    """Seconds on top of the wait for the first sound."""
    if fault is None or fault.scenario != "slow":
        return 0.0
    return _SLOW_S if fault.after_s is None else fault.after_s


def is_due(fault: Fault | None, scenario: str, at_s: float) -> bool:
    """Whether ``scenario`` is to happen now that ``at_s`` seconds of sound have been sent."""
    if fault is None or fault.scenario != scenario:
        return False
    moment = _MOMENTS.get(scenario, 0.0) if fault.after_s is None else fault.after_s
    return at_s >= moment


async def interrupt(fault: Fault | None, request: web.Request, at_s: float) -> None:
    """Cut the connection or fall silent, if that is what is due. Raises DroppedError."""
    if is_due(fault, "stall", at_s):
        await asyncio.sleep(EMULATOR_STALL_S)
    if is_due(fault, "drop", at_s):
        cut(request)
        raise DroppedError


def cut(request: web.Request) -> None:
    abort(request.transport)


def abort(transport: asyncio.BaseTransport | None) -> None:
    """Close a connection without a word."""
    if isinstance(transport, asyncio.Transport):
        # Python 3.11: a TLS transport that was closed twice has lost what abort needs; it is
        # on its way out then.
        with suppress(AttributeError):
            transport.abort()
