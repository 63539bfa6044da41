"""One stream of text on a socket: gathered by the vendor's rules, spoken text by text.

Text is held until there is enough of it (``chunk_length_schedule``), until it is flushed or
until the end; with ``auto_mode`` every message is spoken at once.
"""

from __future__ import annotations

import asyncio
import base64
import json
from collections.abc import Awaitable, Callable, Sequence
from contextlib import aclosing

from pipeline.bounds import EMULATOR_STALL_S, EMULATOR_TEXTS_MAX
from pipeline.emulators.behaviour import Fault
from pipeline.emulators.elevenlabs.faults import extra_s, is_due
from pipeline.emulators.elevenlabs.mouths import CharacterTime
from pipeline.emulators.elevenlabs.orders import Order
from pipeline.emulators.elevenlabs.refusal import Json
from pipeline.emulators.elevenlabs.speaking import SoundBlock, sound
from pipeline.emulators.elevenlabs.state import DurationsKey, Vendor
from pipeline.emulators.elevenlabs.voices import VoiceSettings

DEFAULT_SCHEDULE = (120, 160, 250, 290)
TRIGGER_CHARACTERS = 50
"""``try_trigger_generation`` does nothing below."""

Send = Callable[[str], Awaitable[None]]
Break = Callable[[str], Awaitable[None]]
"""Called with ``drop`` or ``close``: the socket is to end that way."""


class TextContext:
    """``id`` is None on a socket that has one context only, and is then in no message.

    ``run`` has to be a task of its own; it ends when everything was spoken after ``end``.
    """

    def __init__(
        self,
        vendor: Vendor,
        order: Order,
        *,
        leg: str,
        id: str | None,
        settings: VoiceSettings,
        schedule: Sequence[float],
        auto_mode: bool,
        send: Send,
        break_off: Break,
    ) -> None:
        self.id = id
        self.settings = settings
        self.heard = asyncio.get_running_loop().time()
        """When the last message came, on the loop's clock."""
        self._vendor = vendor
        self._order = order
        self._leg = leg
        self._schedule = tuple(schedule) or DEFAULT_SCHEDULE
        self._auto_mode = auto_mode
        self._send = send
        self._break_off = break_off
        self._buffer = ""
        self._spoken = 0
        self._texts: asyncio.Queue[str | None] = asyncio.Queue(EMULATOR_TEXTS_MAX)
        self._final = True

    async def add(self, text: str, *, flush: bool = False, trigger: bool = False) -> None:
        """Waits where too many texts are still to be spoken."""
        self.heard = asyncio.get_running_loop().time()
        self._buffer += text
        enough = self._schedule[min(self._spoken, len(self._schedule) - 1)]
        length = len(self._buffer)
        speaks = flush or (self._auto_mode and bool(text.strip())) or length >= enough
        if speaks or (trigger and length >= TRIGGER_CHARACTERS):
            await self._speak_buffer()

    async def end(self, *, discard: bool) -> None:
        """No more text comes; what was not flushed is spoken, or thrown away."""
        if not discard:
            await self._speak_buffer()
        self._buffer = ""
        await self._texts.put(None)

    async def run(self) -> None:
        """Raises RefusalError when a text is refused: quota, places, faults."""
        while (text := await self._texts.get()) is not None:
            await self._speak(text)
        if self._final:
            await self._send(
                json.dumps(
                    {"audio": None, "isFinal": True, "alignment": None, "normalizedAlignment": None}
                    | self._address()
                )
            )

    async def _speak_buffer(self) -> None:
        text, self._buffer = self._buffer.strip(), ""
        if text:
            self._spoken += 1
            await self._texts.put(text + " ")

    async def _speak(self, text: str) -> None:
        vendor, model = self._vendor, self._order.model
        fault = vendor.hit(f"{self._leg}.text")
        if fault is not None and fault.scenario == "no_final":
            self._final = False
        async with vendor.account.place(model.family):
            # The space that ends a text on a socket separates it, and is not spoken.
            vendor.account.charge(text.rstrip(), model)
            vendor.counters.characters += len(text.rstrip())
            vendor.counters.generations += 1
            saying = self._order.saying(text, self.settings)
            blocks = sound(vendor.mouth, self._order, saying, vendor.pace, extra_s=extra_s(fault))
            async with aclosing(blocks):
                async for block in blocks:
                    await self._interrupt(fault, block.start_s)
                    await self._send_block(block, fault)
            await self._interrupt(fault, float("inf"))

    async def _interrupt(self, fault: Fault | None, at_s: float) -> None:
        if is_due(fault, "stall", at_s):
            await asyncio.sleep(EMULATOR_STALL_S)
        for how in ("drop", "close"):
            if is_due(fault, how, at_s):
                await self._break_off(how)

    async def _send_block(self, block: SoundBlock, fault: Fault | None) -> None:
        if is_due(fault, "malformed", block.start_s):
            await self._send('{"audio": "AAAA')
            return
        if is_due(fault, "unknown_message", block.start_s):
            await self._send(json.dumps({"type": "something_new", "level": 3} | self._address()))
        audio = block.audio[:-1] if is_due(fault, "odd_bytes", block.start_s) else block.audio
        encoded = base64.b64encode(audio).decode()
        if is_due(fault, "bad_base64", block.start_s):
            encoded = "*" + encoded[1:]
        key = self._vendor.durations_key
        frame: Json = {
            "audio": encoded,
            "isFinal": None,
            "alignment": alignment(block.times, key),
            # What is really spoken has a space in front of it.
            "normalizedAlignment": alignment(
                _with_space(block.times) if block.start_s == 0 else block.times, key
            ),
        }
        await self._send(json.dumps(frame | self._address()))

    def _address(self) -> Json:
        return {} if self.id is None else {"contextId": self.id}


def alignment(times: Sequence[CharacterTime], durations_key: DurationsKey) -> Json | None:
    """Times in whole milliseconds from the beginning of the block; None without characters."""
    if not times:
        return None
    starts_key = durations_key.replace("Durations", "StartTimes")
    return {
        "chars": [time.character for time in times],
        starts_key: [round(time.start_s * 1000) for time in times],
        durations_key: [round(time.duration_s * 1000) for time in times],
    }


def _with_space(times: Sequence[CharacterTime]) -> Sequence[CharacterTime]:
    if not times:
        return times
    first, half_s = times[0], times[0].duration_s / 2
    return (
        CharacterTime(" ", first.start_s, half_s),
        CharacterTime(first.character, first.start_s + half_s, half_s),
        *times[1:],
    )
