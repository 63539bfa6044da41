"""Voices that one run had shaped, kept for as long as somebody speaks with them."""

from __future__ import annotations

import asyncio

from pipeline.ports import VoiceCloner
from pipeline.types import Voice


class MadeVoices:
    """The run itself is the first user; those who follow it in the same process are others."""

    def __init__(self, cloner: VoiceCloner) -> None:
        self._cloner = cloner
        self._voices: list[Voice] = []
        self._users = 1

    def add(self, voice: Voice) -> None:
        self._voices.append(voice)

    async def forget(self, voice: Voice) -> None:
        """It is not spoken with any more, whoever used it; what fails is tried again by the
        engine itself."""
        if voice in self._voices:
            self._voices.remove(voice)
        await asyncio.gather(self._cloner.forget(voice), return_exceptions=True)

    def use(self) -> None:
        """One more speaks with them, until ``release``."""
        self._users += 1

    async def release(self) -> None:
        """One user less. After the last one what they take at a vendor is freed; that may
        fail, and is then tried again by the engine itself."""
        self._users -= 1
        if not self._users:
            made, self._voices = self._voices, []
            await asyncio.gather(*map(self._cloner.forget, made), return_exceptions=True)
