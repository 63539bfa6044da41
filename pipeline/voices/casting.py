"""Who is dubbed with which voice: pure, decided at once and kept for the session."""

from __future__ import annotations

import math
from collections.abc import Collection, Mapping, Sequence

from pipeline.handover.snapshot import CastVoice
from pipeline.types import Register, Voice

LOW_BELOW_HZ = 140.0
HIGH_FROM_HZ = 185.0
_REGISTERS: tuple[Register, ...] = ("low", "mid", "high")
_OCTAVES_PER_REGISTER = 0.6
"""What one step of register costs a voice whose own pitch is not known."""


def register_of(pitch_hz: float) -> Register:
    """The register of a median F0; "mid" where it is unknown (0 or less)."""
    if not pitch_hz > 0 or LOW_BELOW_HZ <= pitch_hz < HIGH_FROM_HZ:
        return "mid"
    return "low" if pitch_hz < LOW_BELOW_HZ else "high"


class Casting:
    """Stock voices handed to speakers.

    Each speaker gets a voice of their own while voices last, nearest in pitch first, and
    keeps it: a later, better pitch changes nothing. When all are taken the one that was
    heard longest ago is shared. None stands for the unknown speaker, whose narrator's
    voice is given to others only when no other is left.

    ``voices`` come best first. ``pinned`` maps speakers to voices chosen by a person.
    """

    def __init__(self, voices: Sequence[Voice], pinned: Mapping[str, Voice] | None = None) -> None:
        if not voices:
            raise ValueError("casting needs at least one voice")
        self._voices = tuple(voices)
        self._stock: dict[str | None, Voice] = {}
        self._stock.update((pinned or {}).items())
        self._pinned: set[str | None] = set(self._stock)
        self._shaped: dict[str | None, Voice] = {}
        self._own: dict[str | None, Voice | None] = {}
        """What those had who speak with the voice of a known actor."""
        self._last_heard: dict[str, int] = {}
        self._assignments = 0
        self._narrator = self._voices[-1]

    def assign(self, speaker: str | None, pitch_hz: float = 0.0) -> Voice:
        """The voice of ``speaker``, cast now if they are new.

        ``pitch_hz`` is the median F0 heard, 0 where unknown; it counts on the first call.
        """
        if speaker not in self._stock:
            self._stock[speaker] = self._choose(speaker, pitch_hz)
        voice = self._shaped.get(speaker, self._stock[speaker])
        self._assignments += 1
        self._last_heard[self._stock[speaker].id] = self._assignments
        return voice

    def has(self, speaker: str | None) -> bool:
        """Whether ``speaker`` has a voice already."""
        return speaker in self._stock

    def stock_voice(self, speaker: str | None) -> Voice:
        """The unshaped voice that ``speaker`` was cast with; KeyError before ``assign``."""
        return self._stock[speaker]

    def cast_voice(self, speaker: str) -> Voice | None:
        """As ``stock_voice``, None before ``assign``."""
        return self._stock.get(speaker)

    def replace(self, speaker: str | None, voice: Voice) -> None:
        """From now on ``speaker`` speaks with ``voice``: their own voice, shaped or cloned.

        Nothing happens when a person has pinned the speaker's voice.
        """
        if speaker not in self._pinned:
            self._shaped[speaker] = voice

    def pin(self, speaker: str | None, voice: Voice) -> None:
        """A person chose ``voice`` for ``speaker``; nothing but another pin changes it."""
        self._shaped.pop(speaker, None)
        self._stock[speaker] = voice
        self._pinned.add(speaker)

    def adopt(self, speaker: str, voice: Voice, *, pinned: bool = False) -> bool:
        """``speaker`` turned out to be somebody whose voice is ``voice``; until ``release``.

        A pinned one is spoken as it is, another may be shaped. False when nothing changes: it
        is theirs already, or a person has pinned another one in this session.
        """
        if speaker in self._pinned and speaker not in self._own:
            return False
        before = self._stock.get(speaker)
        self._own.setdefault(speaker, before)
        if pinned:
            self._pinned.add(speaker)
        else:
            self._pinned.discard(speaker)
        if before is not None and before.id == voice.id and not pinned:
            return False
        self._shaped.pop(speaker, None)
        self._stock[speaker] = voice
        return True

    def unshape(self, speaker: str) -> Voice | None:
        """``speaker`` has the stock voice from now on; gives the shaped one they had."""
        return self._shaped.pop(speaker, None)

    def speaking_with(self, gone: Collection[tuple[str, str]]) -> list[str]:
        """Speakers who have one of these lasting voices, each an engine and its bank's id."""
        return [
            speaker
            for speaker, voice in self._stock.items()
            if speaker is not None and voice.lasting and (voice.engine, voice.lasting) in gone
        ]

    def release(self, speaker: str) -> bool:
        """``speaker`` is not that person after all: they get back what they had before."""
        if speaker not in self._own:
            return False
        own, adopted = self._own.pop(speaker), self._stock.pop(speaker)
        self._pinned.discard(speaker)
        if own is not None:
            self._stock[speaker] = own
        if own is not None and own.id == adopted.id:
            return False
        self._shaped.pop(speaker, None)
        return True

    def export(self) -> tuple[CastVoice, ...]:
        """Who has which stock voice; the one heard longest ago comes first."""
        heard = self._last_heard
        cast = sorted(self._stock.items(), key=lambda one: heard.get(one[1].id, 0))
        return tuple(CastVoice(who, voice.id, who in self._pinned) for who, voice in cast)

    def restore(self, cast: Sequence[CastVoice]) -> None:
        """Give the voices of ``export`` back. One that is gone is chosen again when needed."""
        for one in cast:
            if (voice := self.by_id(one.voice)) is None:
                continue
            self._stock[one.speaker] = voice
            if one.pinned:
                self._pinned.add(one.speaker)
            self._assignments += 1
            self._last_heard[voice.id] = self._assignments

    def by_id(self, voice: str) -> Voice | None:
        """The stock voice of this id, if there is one."""
        return next((one for one in self._voices if one.id == voice), None)

    def _choose(self, speaker: str | None, pitch_hz: float) -> Voice:
        taken = {voice.id for voice in self._stock.values()}
        free = [voice for voice in self._voices if voice.id not in taken]
        if speaker is None and free:
            # A voice from the end of the list costs the speakers to come the least.
            return self._narrator if self._narrator in free else free[-1]
        for_people = [voice for voice in free if voice.id != self._narrator.id] or free
        if for_people:
            return min(for_people, key=lambda voice: _distance(voice, pitch_hz))
        narrator_only = self._stock[None].id if None in self._stock else None
        shared = [voice for voice in self._voices if voice.id != narrator_only] or self._voices
        return min(shared, key=lambda voice: self._last_heard.get(voice.id, 0))


def _distance(voice: Voice, pitch_hz: float) -> float:
    """Octaves between a voice and a pitch; equal ones keep the order of the list."""
    if not pitch_hz > 0:
        return 0.0
    steps = abs(_REGISTERS.index(voice.register) - _REGISTERS.index(register_of(pitch_hz)))
    if voice.pitch_hz > 0:
        return steps * _OCTAVES_PER_REGISTER + abs(math.log2(voice.pitch_hz / pitch_hz))
    return steps * _OCTAVES_PER_REGISTER
