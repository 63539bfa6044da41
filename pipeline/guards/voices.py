"""Who speaks for a voice when its own engine cannot."""

from __future__ import annotations

import asyncio
import zlib
from collections.abc import Mapping, Sequence
from dataclasses import replace

import msgspec

from pipeline.ports import EngineError, Synthesizer, VoiceCloner
from pipeline.types import Pcm, Register, Voice
from pipeline.voices.casting import Casting

_TYPICAL_HZ: Mapping[Register, float] = {"low": 110.0, "mid": 160.0, "high": 210.0}


def with_stand_ins(voices: Sequence[Voice], others: Sequence[Voice]) -> tuple[Voice, ...]:
    """Each of ``voices`` with one of ``others`` to stand in, of its own while there are some
    and nearest in pitch. Always the same for the same voices."""
    if not others:
        return tuple(voices)
    casting = Casting(others)
    return tuple(
        replace(
            voice,
            stand_ins=(
                *voice.stand_ins,
                casting.assign(voice.id, voice.pitch_hz or _TYPICAL_HZ[voice.register]),
            ),
        )
        for voice in voices
    )


def voice_for(engine: Synthesizer, voice: Voice, language: str) -> Voice | None:
    """What ``engine`` speaks with for ``voice``; None when it has none for the language."""
    if voice.engine == engine.name:
        return voice
    for stand_in in voice.stand_ins:
        if stand_in.engine == engine.name:
            return stand_in
    voices = engine.voices(language)
    alike = [one for one in voices if one.register == voice.register] or list(voices)
    # Anyone's, but always the same one, and different ones for different people.
    return alike[zlib.crc32(voice.id.encode()) % len(alike)] if alike else None


class GuardedCloner:
    """Fills VoiceCloner: the first engine's clone, with the stand-ins shaped after the same
    person, so that who speaks stays recognisable through a change of engine."""

    def __init__(self, cloner: VoiceCloner, others: Mapping[str, VoiceCloner]) -> None:
        self._cloner = cloner
        self._others = others
        self.needs_s = cloner.needs_s
        self.enough_s = cloner.enough_s
        self.needs_consent = cloner.needs_consent

    async def clone(self, pcm: Pcm, base: Voice) -> Voice:
        """Raises EngineError when no engine could make anything of the sample."""
        made, *stand_ins = await asyncio.gather(
            self._cloner.clone(pcm, base),
            *(self._stand_in(pcm, voice) for voice in base.stand_ins),
            return_exceptions=True,
        )
        shaped = tuple(voice for voice in stand_ins if isinstance(voice, Voice))
        if isinstance(made, EngineError) and shaped != base.stand_ins:
            # The first engine speaks with its stock voice; those that stand in need not.
            made = base
        if isinstance(made, BaseException):
            raise made
        return replace(made, stand_ins=shaped)

    def dump(self, voice: Voice) -> bytes | None:
        parts = {
            f"{one.engine} {one.id}": content
            for one in (voice, *voice.stand_ins)
            if (content := self._dumped(one, voice)) is not None
        }
        return msgspec.msgpack.encode(parts) if parts else None

    def load(self, base: Voice, content: bytes) -> Voice | None:
        """Stand-ins alone will do: the first engine may keep nothing."""
        try:
            parts = msgspec.msgpack.decode(content, type=dict[str, bytes])
        except msgspec.DecodeError:
            return None
        made = self._loaded(base, parts, self._cloner)
        stand_ins = tuple(
            self._loaded(one, parts, self._others.get(one.engine)) or one for one in base.stand_ins
        )
        if made is None and all(one.profile is None for one in stand_ins):
            return None
        return replace(made or base, stand_ins=stand_ins)

    def _dumped(self, one: Voice, voice: Voice) -> bytes | None:
        cloner = self._cloner if one is voice else self._others.get(one.engine)
        return cloner.dump(one) if cloner is not None and one.profile is not None else None

    def _loaded(
        self, base: Voice, parts: Mapping[str, bytes], cloner: VoiceCloner | None
    ) -> Voice | None:
        content = parts.get(f"{base.engine} {base.id}")
        return None if content is None or cloner is None else cloner.load(base, content)

    async def forget(self, voice: Voice) -> None:
        await self._cloner.forget(voice)
        for stand_in in voice.stand_ins:
            if cloner := self._others.get(stand_in.engine):
                await cloner.forget(stand_in)

    async def aclose(self) -> None:
        """Engines belong to their set."""

    async def _stand_in(self, pcm: Pcm, voice: Voice) -> Voice:
        cloner = self._others.get(voice.engine)
        if cloner is None:
            return voice
        try:
            return await cloner.clone(pcm, voice)
        except EngineError:
            return voice
