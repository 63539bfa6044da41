"""The emulated ElevenLabs on a thread of its own, for tests that block."""

from __future__ import annotations

import asyncio
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any

from pipeline.emulators.elevenlabs.server import ElevenLabsEmulator


@contextmanager
def running_vendor(**options: Any) -> Iterator[ElevenLabsEmulator]:
    """A vendor that answers at once unless told otherwise."""
    loop = asyncio.new_event_loop()
    thread = threading.Thread(target=loop.run_forever, name="elevenlabs emulator")
    thread.start()

    def on_loop(work: Any) -> Any:
        return asyncio.run_coroutine_threadsafe(work, loop).result(60)

    async def made() -> ElevenLabsEmulator:
        return ElevenLabsEmulator(**({"speed": 0.0} | options))

    vendor = on_loop(made())
    try:
        on_loop(vendor.__aenter__())
        try:
            yield vendor
        finally:
            on_loop(vendor.__aexit__(None, None, None))
    finally:
        loop.call_soon_threadsafe(loop.stop)
        thread.join(30)
        loop.close()


def stored(vendor: ElevenLabsEmulator) -> list[str]:
    """Ids of the voices that somebody cloned there."""
    return [voice.id for voice in vendor.account.voices if not voice.is_stock]
