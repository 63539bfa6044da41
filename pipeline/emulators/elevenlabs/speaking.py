"""From an order and a text to timed blocks of encoded sound, at the vendor's pace."""

from __future__ import annotations

import asyncio
import bisect
from collections.abc import AsyncGenerator, AsyncIterator
from contextlib import aclosing
from dataclasses import dataclass
from operator import attrgetter

import numpy as np

from pipeline.emulators.behaviour import Delays
from pipeline.emulators.elevenlabs.formats import encoder_for
from pipeline.emulators.elevenlabs.mouths import CharacterTime, Mouth, Saying
from pipeline.emulators.elevenlabs.orders import Order
from pipeline.types import Pcm


@dataclass(frozen=True, slots=True)
class SoundBlock:
    """``audio`` is encoded; ``times`` are the characters that begin in it, from its start."""

    audio: bytes
    times: tuple[CharacterTime, ...]
    start_s: float
    duration_s: float


@dataclass(frozen=True, slots=True)
class Pace:
    """``delays`` give the wait before the first block and between later ones; ``speed`` is how
    many seconds of sound are made in a second, 0 for as many as can be."""

    delays: Delays
    block_s: float = 0.25
    speed: float = 10.0


async def sound(
    mouth: Mouth, order: Order, saying: Saying, pace: Pace, *, extra_s: float = 0.0
) -> AsyncGenerator[SoundBlock]:
    """Blocks in order; to be closed by whoever iterates. ``extra_s`` comes on top of the
    wait for the first."""
    loop = asyncio.get_running_loop()
    asked = loop.time()
    utterance = await mouth.speak(saying)
    encoder = encoder_for(order.format)
    # What the engine inside takes counts towards what the vendor is to take.
    begin = asked + pace.delays.draw("first_sound") + extra_s
    rate_hz, at, first = order.format.rate_hz, 0, 0
    times = utterance.times
    async with aclosing(utterance.blocks) as blocks:
        async for pcm in _of_length(blocks, round(pace.block_s * rate_hz)):
            if at:
                begin += pace.delays.draw("next_sound")
            due = begin + (at / rate_hz / pace.speed if pace.speed else 0.0)
            await asyncio.sleep(max(0.0, due - loop.time()))
            start_s, end_s = at / rate_hz, (at + len(pcm)) / rate_hz
            last = bisect.bisect_left(times, end_s, lo=first, key=attrgetter("start_s"))
            inside = tuple(
                CharacterTime(time.character, time.start_s - start_s, time.duration_s)
                for time in times[first:last]
            )
            first = last
            yield SoundBlock(encoder.push(pcm), inside, start_s, end_s - start_s)
            at += len(pcm)
    if tail := encoder.flush():
        yield SoundBlock(tail, (), at / rate_hz, 0.0)


async def _of_length(blocks: AsyncIterator[Pcm], samples: int) -> AsyncIterator[Pcm]:
    """``blocks`` joined and cut anew; the last one may be shorter."""
    held: list[Pcm] = []
    count = 0
    async for block in blocks:
        held.append(block)
        count += len(block)
        if count < samples:
            continue
        joined = np.concatenate(held)
        whole = len(joined) - len(joined) % samples
        for start in range(0, whole, samples):
            yield joined[start : start + samples]
        held, count = [joined[whole:]], len(joined) - whole
    if count:
        yield np.concatenate(held)
