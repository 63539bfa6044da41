"""GET /v1/voices, /v2/voices with search and pages, /v1/voices/{id} and previews."""

from __future__ import annotations

import asyncio
import base64
import binascii
from collections.abc import Sequence
from contextlib import aclosing

from aiohttp import web

from pipeline.emulators.elevenlabs.answers import admitted, json_answer
from pipeline.emulators.elevenlabs.catalog import DEFAULT_MODEL, MODELS
from pipeline.emulators.elevenlabs.faults import interrupt
from pipeline.emulators.elevenlabs.formats import DEFAULT_FORMAT, read_format
from pipeline.emulators.elevenlabs.orders import Order
from pipeline.emulators.elevenlabs.refusal import RefusalError, UnprocessableError
from pipeline.emulators.elevenlabs.speaking import sound
from pipeline.emulators.elevenlabs.state import vendor_of
from pipeline.emulators.elevenlabs.voices import PREVIEW_TEXT, StoredVoice, settings_json

_PAGE, _PAGE_LARGEST = 10, 100
_IDS = 100
_LABELS = {"gender": "gender", "age": "age", "accent": "accent"}
_MANY_LABELS = {"language": "language", "use_cases": "use_case"}


def routes() -> Sequence[web.AbstractRouteDef]:
    return [
        web.get("/v1/voices", _all),
        web.get("/v2/voices", _search),
        web.get("/v1/voices/{voice_id}", _one),
        web.get("/v1/voices/{voice_id}/settings", _settings),
        web.get("/previews/{name}.mp3", _preview),
    ]


async def _all(request: web.Request) -> web.Response:
    vendor, fault = await admitted(request, "voices")
    voices = [voice.as_json(vendor.base_url) for voice in vendor.account.voices]
    return json_answer({"voices": voices}, fault)


async def _one(request: web.Request) -> web.Response:
    vendor, fault = await admitted(request, "voices")
    voice = vendor.account.voices.get(request.match_info["voice_id"])
    return json_answer(voice.as_json(vendor.base_url), fault)


async def _settings(request: web.Request) -> web.Response:
    vendor, fault = await admitted(request, "voices")
    voice = vendor.account.voices.get(request.match_info["voice_id"])
    return json_answer(settings_json(voice.settings), fault)


async def _search(request: web.Request) -> web.Response:
    vendor, fault = await admitted(request, "voices")
    size = _page_size(request.query.get("page_size"))
    start = _start(request.query.get("next_page_token"))
    found = [voice for voice in vendor.account.voices if _matches(voice, request)]
    sort = request.query.get("sort")
    if sort in {"name", "created_at_unix"}:
        # Sorting is stable: what has no time keeps its order.
        found.sort(
            key=lambda voice: voice.name if sort == "name" else f"{voice.created_at_unix:020}",
            reverse=request.query.get("sort_direction") == "desc",
        )
    page = found[start : start + size]
    more = start + size < len(found)
    body = {
        "voices": [voice.as_json(vendor.base_url) for voice in page],
        "has_more": more,
        "total_count": len(found),
        "next_page_token": _token(start + size) if more else None,
    }
    return json_answer(body, fault)


def _matches(voice: StoredVoice, request: web.Request) -> bool:
    query = request.query
    text = query.get("search", "").lower()
    described = [voice.name, voice.description, voice.category, *voice.labels.values()]
    if text and text not in " ".join(described).lower():
        return False
    if (category := query.get("category")) and voice.category != category:
        return False
    kinds = {"default", "saved"} if voice.is_stock else {"personal", "workspace", "saved"}
    kinds |= {"non-community"} if not voice.is_stock else set()
    kinds |= {"non-default"} if not voice.is_stock else set()
    if (kind := query.get("voice_type")) and kind not in kinds:
        return False
    for name, label in _LABELS.items():
        if (wanted := query.get(name)) and voice.labels.get(label) != wanted:
            return False
    for name, label in _MANY_LABELS.items():
        if name in query and voice.labels.get(label) not in query.getall(name):
            return False
    ids = query.getall("voice_ids", [])
    if len(ids) > _IDS:
        raise UnprocessableError([(("query", "voice_ids"), "At most 100 items", "too_long")])
    return not ids or voice.id in ids


def _page_size(value: str | None) -> int:
    if value is None:
        return _PAGE
    if not value.isdecimal() or not 1 <= int(value) <= _PAGE_LARGEST:
        msg = "Input should be a valid integer from 1 to 100"
        raise UnprocessableError([(("query", "page_size"), msg, "less_than_equal")])
    return int(value)


def _token(start: int) -> str:
    return base64.urlsafe_b64encode(str(start).encode()).decode()


def _start(token: str | None) -> int:
    try:
        return int(base64.urlsafe_b64decode(token)) if token else 0
    except (ValueError, binascii.Error):
        raise RefusalError(400, "invalid_page_token", "The page token is unknown.") from None


async def _preview(request: web.Request) -> web.Response:
    """Open to everyone, as the real ones are."""
    vendor = vendor_of(request)
    vendor.counters.requests["preview"] += 1
    fault = vendor.hit("preview")
    await asyncio.sleep(vendor.pace.delays.draw("administration"))
    await interrupt(fault, request, float("inf"))
    voice = vendor.account.voices.get(request.match_info["name"])
    wanted = read_format(DEFAULT_FORMAT, vendor.account.plan)
    order = Order(voice, MODELS[DEFAULT_MODEL], wanted, "", voice.settings)
    blocks = sound(vendor.mouth, order, order.saying(PREVIEW_TEXT), vendor.pace)
    async with aclosing(blocks):
        audio = b"".join([block.audio async for block in blocks])
    return web.Response(body=audio, content_type=wanted.content_type)
