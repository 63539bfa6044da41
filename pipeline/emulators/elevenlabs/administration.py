"""Everything but speech: the account, the models, and the voices' addresses put together."""

from __future__ import annotations

from collections.abc import Sequence

from aiohttp import web

from pipeline.emulators.elevenlabs import cloning, listing
from pipeline.emulators.elevenlabs.account import models_json
from pipeline.emulators.elevenlabs.answers import admitted, json_answer


def routes() -> Sequence[web.AbstractRouteDef]:
    return [
        web.get("/v1/user", _user),
        web.get("/v1/user/subscription", _subscription),
        web.get("/v1/models", _models),
        *listing.routes(),
        *cloning.routes(),
    ]


async def _user(request: web.Request) -> web.Response:
    vendor, fault = await admitted(request, "account")
    return json_answer(vendor.account.user(), fault)


async def _subscription(request: web.Request) -> web.Response:
    vendor, fault = await admitted(request, "account")
    return json_answer(vendor.account.subscription(), fault)


async def _models(request: web.Request) -> web.Response:
    _, fault = await admitted(request, "account")
    return json_answer(models_json(), fault)
