"""Lets a stream's true status be seen where grpc.aio hides it.

When a server ends a stream while the client writes, ``grpc.aio`` 1.85 reports ``INTERNAL:
Internal error from Core`` instead of the status that the server sent: a refused key looks
like a broken library (grpc/grpc#36066; fixed by the change proposed in grpc/grpc#43486).
The guard waits for the true status, up to a second, before it gives up. It replaces a
private method, so it looks first whether the method is the one that it knows; with any
other release it does nothing, and ``faults`` then reads the masked status as "unreachable".
Delete it when the fix has been released.
"""

from __future__ import annotations

import asyncio
import inspect
import logging
from typing import Any

import grpc
from grpc.aio import _call

from pipeline.bounds import GOOGLE_STATUS_S

log = logging.getLogger(__name__)

KNOWN = ("1.84.", "1.85.", "1.86.")
"""Releases whose method has been read."""
MASK = "set_internal_error(str(err))"


def install() -> bool:
    """Put the guard in, once; whether it is in. Idempotent."""
    mixin: Any = getattr(_call, "_StreamRequestMixin", None)
    present = getattr(mixin, "_write", None)
    if getattr(present, "guards_status", False):
        return True
    if present is None or not _is_known(present):
        log.info("grpc is not of a release whose statuses are guarded")
        return False
    _guard(mixin)
    return True


def _is_known(method: Any) -> bool:
    try:
        source = inspect.getsource(method)
    except (OSError, TypeError):
        return False
    return grpc.__version__.startswith(KNOWN) and MASK in source and "wait_for(" not in source


def _guard(mixin: Any) -> None:
    call: Any = _call

    async def _write(self: Any, request: Any) -> None:
        # The released method line by line, but for the wait.
        if self.done():
            raise asyncio.InvalidStateError(call._RPC_ALREADY_FINISHED_DETAILS)
        if self._done_writing_flag:
            raise asyncio.InvalidStateError(call._RPC_HALF_CLOSED_DETAILS)
        if not self._metadata_sent.is_set():
            await self._metadata_sent.wait()
            if self.done():
                await self._raise_for_status()
        serialized = call._common.serialize(request, self._request_serializer)
        try:
            await self._cython_call.send_serialized_message(serialized)
        except call.cygrpc.InternalError as error:
            if not self.done():
                try:
                    status = asyncio.shield(self._cython_call.status())
                    await asyncio.wait_for(status, GOOGLE_STATUS_S)
                except TimeoutError:
                    self._cython_call.set_internal_error(str(error))
            await self._raise_for_status()
        except asyncio.CancelledError:
            if not self.cancelled():
                self.cancel()
            raise

    _write.guards_status = True  # type: ignore[attr-defined]  # a function takes attributes
    mixin._write = _write
