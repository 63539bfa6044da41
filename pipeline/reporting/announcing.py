"""What the listener knows of speakers and their voices; each change is told once. Pure."""

from __future__ import annotations

from collections.abc import Mapping

from pipeline.events import SpeakerHeard
from pipeline.types import Line


class Announced:
    def __init__(self) -> None:
        self._told: dict[str, tuple[str, bool]] = {}

    def __len__(self) -> int:
        """Speakers that were told of."""
        return len(self._told)

    def news_of(self, line: Line) -> SpeakerHeard | None:
        """What the listener does not know yet of the line's speaker and their voice."""
        speaker, voice = line.speaker.speaker, line.voice
        cast = (voice.id, voice.profile is not None)
        if speaker is None or self._told.get(speaker) == cast:
            return None
        self._told[speaker] = cast
        return SpeakerHeard(
            speaker=speaker,
            voice=voice.id,
            voice_name=voice.name,
            similarity=round(line.speaker.similarity, 3),
            shaped=voice.profile is not None,
        )

    def export(self) -> dict[str, tuple[str, bool]]:
        return dict(self._told)

    def restore(self, told: Mapping[str, tuple[str, bool]]) -> None:
        self._told = dict(told)
