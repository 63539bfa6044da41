"""/v1/text-to-speech/{voice}/stream-input and …/multi-stream-input: opening and closing."""

from __future__ import annotations

import asyncio
import json
from collections.abc import Sequence

from aiohttp import web

from pipeline.bounds import EMULATOR_CLOSE_S, EMULATOR_STALL_S, EMULATOR_TEXT_MESSAGE_BYTES
from pipeline.emulators.behaviour import Fault
from pipeline.emulators.elevenlabs import errors
from pipeline.emulators.elevenlabs.catalog import MODELS
from pipeline.emulators.elevenlabs.conversations import MultiSession, SingleSession
from pipeline.emulators.elevenlabs.faults import DroppedError, cut, extra_s
from pipeline.emulators.elevenlabs.session import INTERNAL, Session
from pipeline.emulators.elevenlabs.state import Vendor, vendor_of

_POLICY = 1008
_REASON_BYTES = 123
"""All that a close frame has room for."""


def routes() -> Sequence[web.AbstractRouteDef]:
    place = "/v1/text-to-speech/{voice_id}"
    return [
        web.get(place + "/stream-input", _stream_input),
        web.get(place + "/multi-stream-input", _multi_stream_input),
    ]


async def _stream_input(request: web.Request) -> web.StreamResponse:
    return await _serve(request, SingleSession)


async def _multi_stream_input(request: web.Request) -> web.StreamResponse:
    return await _serve(request, MultiSession)


async def _serve(request: web.Request, kind: type[Session]) -> web.StreamResponse:
    """A refusal is a message and a close: of all that can be wrong only the model and a
    failure of the vendor's own are answered to the handshake."""
    vendor = vendor_of(request)
    vendor.counters.requests[kind.leg] += 1
    model = MODELS.get(request.query.get("model_id", ""))
    if model is not None and not model.sockets:
        raise errors.no_sockets(model.id)
    refusal: errors.RefusalError | None = None
    fault: Fault | None = None
    try:
        fault = vendor.hit(kind.leg)
    except errors.RefusalError as one:
        if one.is_failure:
            raise
        refusal = one
    await _before(request, vendor, fault)
    socket = web.WebSocketResponse(
        timeout=EMULATOR_CLOSE_S, max_msg_size=EMULATOR_TEXT_MESSAGE_BYTES, compress=False
    )
    await socket.prepare(request)
    counters = vendor.counters
    counters.sockets += 1
    counters.sockets_open += 1
    counters.sockets_most = max(counters.sockets_most, counters.sockets_open)
    session = kind(vendor, request, socket)
    try:
        if refusal is not None:
            raise refusal
        if fault is not None and fault.scenario == "close":
            session.end(INTERNAL)
        code = await session.serve()
        await socket.close(code=code)
    except errors.RefusalError as one:
        counters.refusals[one.socket] += 1
        await _refuse(socket, one)
    finally:
        counters.sockets_open -= 1
        await session.aclose()
    return socket


async def _before(request: web.Request, vendor: Vendor, fault: Fault | None) -> None:
    """What happens to a handshake before it is answered."""
    await asyncio.sleep(vendor.pace.delays.draw("accept") + extra_s(fault))
    if fault is not None and fault.scenario == "stall":
        await asyncio.sleep(EMULATOR_STALL_S)
    if fault is not None and fault.scenario == "drop":
        cut(request)
        raise DroppedError


async def _refuse(socket: web.WebSocketResponse, refusal: errors.RefusalError) -> None:
    frame = refusal.frame()
    try:
        await socket.send_str(json.dumps(frame))
        reason = str(frame["message"]).encode()[:_REASON_BYTES].decode(errors="ignore")
        await socket.close(code=_POLICY, message=reason.encode())
    except ConnectionError:
        # The client was faster.
        pass
