"""One answer to one request: credentials, faults and delays, the same for every method."""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable, Callable
from typing import Any, TypeVar

import grpc

from pipeline.bounds import EMULATOR_STALL_S
from pipeline.emulators.behaviour import Delays, Faults
from pipeline.emulators.google.access import Access
from pipeline.emulators.google.counts import GoogleCounts
from pipeline.emulators.google.status import RefusalError, abort, refusal_of

Asked = TypeVar("Asked")
Answer = TypeVar("Answer")

_AFTER_IT_WAS_TAKEN = frozenset({"internal", "unknown", "deadline_exceeded", "stall", "empty"})
"""Google bills what was sent to be translated, whether or not it then fails at it."""


class Unary:
    """Wraps the methods of one service.

    Scenarios: those of ``google_status.SCENARIOS``; ``stall``, no answer for as long as the
    client waits; ``empty``, an answer of the right kind with nothing in it.
    """

    def __init__(
        self,
        service: str,
        *,
        access: Access,
        delays: Delays,
        faults: Faults,
        counts: GoogleCounts,
    ) -> None:
        self._service = service
        self._access = access
        self._delays = delays
        self._faults = faults
        self._counts = counts

    def method(
        self,
        leg: str,
        does: Callable[[Asked], Awaitable[Answer]],
        *,
        reads: Callable[[bytes], Asked],
        writes: Callable[[Answer], bytes],
        empty: Callable[[], Answer],
    ) -> Any:
        """A handler for grpc; ``leg`` names both the faults and the delay."""

        async def answer(request: Asked, context: Any) -> Answer:
            self._counts.call(does.__name__.strip("_"), context.peer())
            try:
                return await self._answer(leg, does, empty, request, context)
            except RefusalError as refusal:
                self._counts.statuses[refusal.status.name] += 1
                await abort(context, refusal)

        return grpc.unary_unary_rpc_method_handler(
            answer, request_deserializer=reads, response_serializer=writes
        )

    async def _answer(
        self,
        leg: str,
        does: Callable[[Asked], Awaitable[Answer]],
        empty: Callable[[], Answer],
        request: Asked,
        context: Any,
    ) -> Answer:
        fault = self._faults.pick(leg)
        self._access.check_caller(context, self._service)
        began = asyncio.get_running_loop().time()
        delay_s = self._delays.draw(leg)
        if fault and leg == "translation" and fault.scenario in _AFTER_IT_WAS_TAKEN:
            await does(request)
        if fault and fault.after_s:
            await asyncio.sleep(fault.after_s)
        if fault and (refusal := refusal_of(fault, self._service)):
            raise refusal
        if fault and fault.scenario == "stall":
            await asyncio.sleep(EMULATOR_STALL_S)
            raise RefusalError(grpc.StatusCode.DEADLINE_EXCEEDED, "Deadline exceeded.")
        if fault and fault.scenario != "empty":
            raise ValueError(f"{leg} has no scenario {fault.scenario}")
        made = empty() if fault else await does(request)
        # What the engine inside took is part of the delay, not on top of it.
        took_s = asyncio.get_running_loop().time() - began
        await asyncio.sleep(max(0.0, delay_s - took_s))
        return made
