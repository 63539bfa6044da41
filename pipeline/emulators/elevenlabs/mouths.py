"""Who speaks inside the emulator: the contract, and a hum that costs next to nothing."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncGenerator, Sequence
from dataclasses import dataclass
from typing import Protocol

import numpy as np

from pipeline.emulators.elevenlabs.voices import StoredVoice, VoiceSettings
from pipeline.sound.prosody import measure
from pipeline.types import SAMPLE_RATE_HZ, Pcm

CHARACTER_S = 0.065
"""A character's share of a hum."""
_HUM_LEVEL = 6000.0
_HUM_BLOCK_S = 0.5


@dataclass(frozen=True, slots=True)
class Saying:
    """What is to be said. ``language`` is ISO 639-1, "" where it is to be heard from the text."""

    text: str
    language: str
    voice: StoredVoice
    settings: VoiceSettings
    rate_hz: int


@dataclass(frozen=True, slots=True)
class CharacterTime:
    character: str
    start_s: float
    duration_s: float


@dataclass(frozen=True, slots=True)
class Utterance:
    """Speech being made: ``blocks`` give mono PCM at the rate that was asked for and have to
    be closed by whoever took them."""

    times: tuple[CharacterTime, ...]
    blocks: AsyncGenerator[Pcm]


class Mouth(Protocol):
    """The engine inside. What it raises goes out as an internal error of the vendor."""

    async def connect(self) -> None: ...

    async def speak(self, saying: Saying) -> Utterance: ...

    async def learn(self, pcm: Pcm) -> object:
        """Of a person's samples (16 kHz) what ``StoredVoice.profile`` then holds.

        Raises ValueError when they cannot serve.
        """

    async def aclose(self) -> None: ...


class HumMouth:
    """A hum at the voice's pitch, as long as the text has characters."""

    async def connect(self) -> None:
        pass

    async def speak(self, saying: Saying) -> Utterance:
        duration_s = len(saying.text.strip()) * CHARACTER_S / saying.settings.speed
        pitch_hz = saying.voice.pitch_hz
        if isinstance(saying.voice.profile, float):
            pitch_hz = saying.voice.profile
        return Utterance(
            times=spread(saying.text, duration_s),
            blocks=_hum(pitch_hz, round(duration_s * saying.rate_hz), saying.rate_hz),
        )

    async def learn(self, pcm: Pcm) -> float:
        """The pitch, Hz."""
        if len(pcm) < SAMPLE_RATE_HZ:
            raise ValueError("at least one second is needed")
        return (await asyncio.to_thread(measure, pcm, 0)).pitch_hz or 150.0

    async def aclose(self) -> None:
        pass


async def _hum(pitch_hz: float, samples: int, rate_hz: int) -> AsyncGenerator[Pcm]:
    step = round(_HUM_BLOCK_S * rate_hz)
    for start in range(0, samples, step):
        at = np.arange(start, min(start + step, samples)) * (2 * np.pi * pitch_hz / rate_hz)
        yield np.asarray(_HUM_LEVEL * (np.sin(at) + 0.4 * np.sin(2 * at)), np.int16)


def spread(text: str, duration_s: float, *, start_s: float = 0.0) -> tuple[CharacterTime, ...]:
    """Every character an even share, white space half of one."""
    weights = [0.5 if character.isspace() else 1.0 for character in text]
    total = sum(weights) or 1.0
    times: list[CharacterTime] = []
    at = start_s
    for character, weight in zip(text, weights, strict=True):
        share = duration_s * weight / total
        times.append(CharacterTime(character, at, share))
        at += share
    return tuple(times)


def pieces_of(text: str, most: int) -> Sequence[str]:
    """``text`` cut at sentence ends or spaces into pieces of at most ``most`` characters."""
    pieces: list[str] = []
    while len(text) > most:
        ends = [text.rfind(mark, 0, most) for mark in (". ", "! ", "? ")]
        cut = max(ends) + 1 or text.rfind(" ", 0, most) or most
        cut = cut if cut > 0 else most
        pieces.append(text[:cut])
        text = text[cut:]
    return [*pieces, text]
