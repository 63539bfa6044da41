"""What every answer over HTTP has in common."""

from __future__ import annotations

import asyncio
import json
import logging
import secrets

from aiohttp import web
from aiohttp.typedefs import Handler

from pipeline.emulators.behaviour import Fault
from pipeline.emulators.elevenlabs.errors import RefusalError, failed
from pipeline.emulators.elevenlabs.faults import DroppedError, extra_s, interrupt
from pipeline.emulators.elevenlabs.state import Vendor, vendor_of

logger = logging.getLogger(__name__)

REGION = "emulated"
_REQUEST_ID: web.RequestKey[str] = web.RequestKey("request_id", str)


@web.middleware
async def answered(request: web.Request, handler: Handler) -> web.StreamResponse:
    """Refusals as the vendor words them; a connection cut on purpose stays cut."""
    vendor = vendor_of(request)
    request[_REQUEST_ID] = secrets.token_urlsafe(15)
    try:
        return await handler(request)
    except DroppedError:
        return web.Response()
    except web.HTTPException as error:
        return web.json_response({"detail": error.reason}, status=error.status)
    except RefusalError as one:
        refusal = one
    except ConnectionError:
        return web.Response()
    except Exception:
        logger.exception("the emulator failed")
        refusal = failed(500)
    vendor.counters.refusals[refusal.status] += 1
    status, body = refusal.answer(newer=vendor.newer_errors, request_id=request[_REQUEST_ID])
    return web.json_response(body, status=status)


async def add_headers(request: web.Request, response: web.StreamResponse) -> None:
    """On every answer: which request it was and where it was served."""
    if _REQUEST_ID in request:
        response.headers.setdefault("request-id", request[_REQUEST_ID])
        response.headers.setdefault("x-trace-id", request[_REQUEST_ID])
    response.headers["x-region"] = REGION


async def admitted(request: web.Request, leg: str) -> tuple[Vendor, Fault | None]:
    """For everything but speech: the key is right, the delay over and the fault chosen.

    Raises RefusalError and DroppedError.
    """
    vendor = vendor_of(request)
    vendor.counters.requests[leg] += 1
    vendor.account.check(request.headers.get("xi-api-key"))
    fault = vendor.hit(leg)
    await asyncio.sleep(vendor.pace.delays.draw("administration") + extra_s(fault))
    await interrupt(fault, request, float("inf"))
    return vendor, fault


def json_answer(body: object, fault: Fault | None) -> web.Response:
    text = json.dumps(body)
    if fault is not None and fault.scenario == "malformed":
        text = text[: len(text) // 2]
    return web.Response(text=text, content_type="application/json")
