"""POST /v1/text-to-speech/{voice}, …/stream and …/stream/with-timestamps."""

from __future__ import annotations

import base64
import json
from collections.abc import Sequence
from contextlib import aclosing

from aiohttp import web

from pipeline.emulators.behaviour import Fault
from pipeline.emulators.elevenlabs.errors import Json, UnprocessableError, system_busy
from pipeline.emulators.elevenlabs.faults import extra_s, interrupt, is_due
from pipeline.emulators.elevenlabs.mouths import CharacterTime
from pipeline.emulators.elevenlabs.orders import Order, read_order, read_text
from pipeline.emulators.elevenlabs.speaking import SoundBlock, sound
from pipeline.emulators.elevenlabs.state import Vendor, vendor_of

_END_S = float("inf")


def routes() -> Sequence[web.AbstractRouteDef]:
    place = "/v1/text-to-speech/{voice_id}"
    return [
        web.post(place, _speech),
        web.post(place + "/stream", _speech),
        web.post(place + "/stream/with-timestamps", _speech),
    ]


async def _speech(request: web.Request) -> web.StreamResponse:
    vendor = vendor_of(request)
    vendor.counters.requests["speech"] += 1
    vendor.account.check(request.headers.get("xi-api-key"))
    fault = vendor.hit("speech")
    await interrupt(fault, request, 0.0)
    body = await _body(request)
    order = read_order(vendor.account, request.match_info["voice_id"], {**request.query, **body})
    text = read_text(body, order.model)
    async with vendor.account.place(order.model.family):
        cost = vendor.account.charge(text, order.model)
        vendor.counters.characters += len(text)
        answer = _Answer(request, vendor, order, fault, cost)
        blocks = sound(vendor.mouth, order, order.saying(text), vendor.pace, extra_s=extra_s(fault))
        async with aclosing(blocks):
            async for block in blocks:
                await answer.send(block)
        return await answer.end()


async def _body(request: web.Request) -> dict[str, object]:
    """Raises UnprocessableError."""
    try:
        body = await request.json()
    except ValueError:
        raise UnprocessableError([(("body",), "JSON decode error", "json_invalid")]) from None
    if not isinstance(body, dict):
        msg = "Input should be a valid dictionary"
        raise UnprocessableError([(("body",), msg, "model_attributes_type")])
    return body


class _Answer:
    """The body of one answer; its head leaves with the first block, as the vendor's does."""

    def __init__(
        self, request: web.Request, vendor: Vendor, order: Order, fault: Fault | None, cost: int
    ) -> None:
        self._request = request
        self._fault = fault
        self._order = order
        self._streams = "/stream" in request.path
        self._lines = request.path.endswith("with-timestamps")
        self._response: web.StreamResponse | None = None
        self._head = self._headers(vendor, cost)
        self._held = b""

    def _headers(self, vendor: Vendor, cost: int) -> dict[str, str]:
        family = self._order.model.family
        return {
            "Content-Type": "application/json" if self._lines else self._order.format.content_type,
            "character-cost": str(cost),
            "current-concurrent-requests": str(vendor.account.running[family]),
            "maximum-concurrent-requests": str(vendor.account.plan.places(family)),
        }

    async def send(self, block: SoundBlock) -> None:
        await interrupt(self._fault, self._request, block.start_s)
        if self._lines:
            await self._write(self._line(block))
        elif is_due(self._fault, "malformed", block.start_s):
            self._head["Content-Type"] = "text/html"
            await self._write(b"<html><body>upstream connect error</body></html>")
        elif is_due(self._fault, "odd_bytes", block.start_s):
            await self._write(block.audio[:-1])
        else:
            await self._write(block.audio)

    async def end(self) -> web.StreamResponse:
        await interrupt(self._fault, self._request, _END_S)
        if not self._streams:
            return web.Response(body=self._held, headers=self._head)
        response = await self._open()
        await response.write_eof()
        return response

    async def _write(self, data: bytes) -> None:
        if self._streams:
            await (await self._open()).write(data)
        else:
            self._held += data

    async def _open(self) -> web.StreamResponse:
        if self._response is None:
            self._response = web.StreamResponse(headers=self._head)
            await self._response.prepare(self._request)
        return self._response

    def _line(self, block: SoundBlock) -> bytes:
        audio = block.audio
        if is_due(self._fault, "malformed", block.start_s):
            return b'{"audio_base64": "AAAA\n'
        if is_due(self._fault, "error_in_band", block.start_s):
            return _json_line(system_busy().answer(newer=False, request_id="")[1])
        if is_due(self._fault, "odd_bytes", block.start_s):
            audio = audio[:-1]
        encoded = base64.b64encode(audio).decode()
        if is_due(self._fault, "bad_base64", block.start_s):
            encoded = "*" + encoded[1:]
        times = _times(block.times, block.start_s) if block.times else None
        line: Json = {
            "audio_base64": encoded,
            "alignment": times,
            "normalized_alignment": times,
            "voice_segments": [],
        }
        before = b""
        if is_due(self._fault, "unknown_message", block.start_s):
            before = _json_line({"type": "something_new"})
        return before + _json_line(line)


def _json_line(line: Json) -> bytes:
    return json.dumps(line).encode() + b"\n"


def _times(times: Sequence[CharacterTime], start_s: float) -> Json:
    """Over HTTP times count from the beginning of all the sound."""
    return {
        "characters": [time.character for time in times],
        "character_start_times_seconds": [round(start_s + time.start_s, 3) for time in times],
        "character_end_times_seconds": [
            round(start_s + time.start_s + time.duration_s, 3) for time in times
        ],
    }
