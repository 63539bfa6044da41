"""A clause's speech as the pipeline reads it."""

from __future__ import annotations

from collections.abc import AsyncIterator, Awaitable, Callable
from dataclasses import dataclass

from pipeline.ports import EngineError
from pipeline.providers.elevenlabs.feed import Feed
from pipeline.providers.elevenlabs.speaking import Stop
from pipeline.types import Pcm, Voice, Word


@dataclass(frozen=True, slots=True)
class Asked:
    """A clause that the vendor has."""

    feed: Feed
    stop: Stop


class ElevenLabsSpeech:
    """Port SpeechStream, with ``alignment``.

    ``base`` is the voice that ``instead`` asks for, when the vendor has lost ``voice``.
    """

    def __init__(
        self,
        asked: Asked,
        *,
        characters: int,
        estimate_s: float,
        rate: float,
        tempo_left: float,
        voice: Voice,
        base: Voice,
        instead: Callable[[], Awaitable[Asked]] | None,
    ) -> None:
        self.sample_rate_hz = asked.feed.sample_rate_hz
        self.rate = rate
        self.tempo_left = tempo_left
        self.voice = voice
        self._base = base
        self._asked = asked
        self._characters = characters
        self._estimate_s = estimate_s
        self._instead = instead

    @property
    def expected_s(self) -> float:
        """The whole clip's duration: exact once all of it has come, else by the times of its
        characters, else by the voice's usual pace."""
        feed = self._asked.feed
        if feed.ended:
            return feed.received_s
        aligned_s = feed.alignment.whole_s(self._characters)
        return max(aligned_s or self._estimate_s, feed.received_s)

    @property
    def alignment(self) -> tuple[Word, ...]:
        """The words that have come with their times in seconds from the clip's beginning."""
        return self._asked.feed.alignment.words()

    async def __aiter__(self) -> AsyncIterator[Pcm]:
        begun = False
        while True:
            try:
                block = await self._asked.feed.read()
            except EngineError as error:
                if begun or error.code != "voice_gone" or self._instead is None:
                    raise
                instead, self._instead = self._instead, None
                self._asked = await instead()
                self.voice = self._base
                continue
            if block is None:
                return
            begun = True
            yield block

    async def aclose(self) -> None:
        """Cancels at the vendor what is still being made."""
        if not self._asked.feed.ended:
            await self._asked.stop()
