"""VoiceBank on WORLD: a voice is a profile, which whoever asked for it keeps."""

from __future__ import annotations

import asyncio
import dataclasses
from collections.abc import Sequence
from typing import TYPE_CHECKING

import numpy as np

from pipeline.ports import BankedVoice
from pipeline.providers.offline.espeak_voices import ENGINE
from pipeline.providers.offline.voice_profile import VoiceProfile, build_profile, unusable
from pipeline.types import SAMPLE_RATE_HZ, Voice, VoiceTuning

if TYPE_CHECKING:
    from pipeline.sample_quality import Recording


class WorldBank:
    """Port VoiceBank. Nothing is stored here, so there is nothing to delete either."""

    name = ENGINE
    needs_s = 3.0

    async def make(self, recordings: Sequence[Recording], *, mark: str) -> BankedVoice:
        """Raises EngineError("speech_unusable")."""
        if not recordings:
            raise unusable("there is none")
        pcm = np.concatenate([one.speech_rate for one in recordings])
        if len(pcm) < self.needs_s * SAMPLE_RATE_HZ:
            raise unusable("it is too short; at least three seconds are needed")
        # WORLD releases the interpreter lock, so a thread does not hold up the loop.
        profile = await asyncio.to_thread(build_profile, pcm)
        return BankedVoice(f"world-{mark}", profile.to_bytes())

    async def delete(self, voice_id: str) -> None:
        pass

    async def delete_marked(self, mark: str) -> int:  # noqa: ARG002  # the port's
        return 0

    @staticmethod
    def voice(banked: BankedVoice, base: Voice, tuning: VoiceTuning) -> Voice | None:
        try:
            profile = VoiceProfile.from_bytes(banked.content)
        except ValueError:
            return None
        # The last part is the stock voice's key, as in every id of the engine.
        key = base.id.rsplit(":", 1)[-1]
        return dataclasses.replace(
            base,
            id=f"{ENGINE}:{banked.voice_id}:{key}",
            profile=profile,
            pitch_hz=profile.pitch_hz,
            tuning=tuning,
            lasting=banked.voice_id,
            stands_on=base,
        )

    async def aclose(self) -> None:
        pass
