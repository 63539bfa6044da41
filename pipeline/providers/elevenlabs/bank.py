"""VoiceBank on ElevenLabs: instant clones that stay at the vendor until they are deleted.

A clone takes one of the few slots of the plan. It carries a mark, so that a worker that was
killed between the vendor's answer and its own note finds it again instead of making another.
"""

from __future__ import annotations

import asyncio
import io
from collections.abc import Sequence
from dataclasses import replace
from typing import TYPE_CHECKING

import soundfile

from pipeline.bounds import CLONE_SAMPLE_MAX_S
from pipeline.ports import BankedVoice, EngineError
from pipeline.providers.elevenlabs import client
from pipeline.providers.elevenlabs.client import Account
from pipeline.providers.elevenlabs.creating import File, create
from pipeline.providers.elevenlabs.faults import fault
from pipeline.providers.elevenlabs.voices import ENGINE, Cloned
from pipeline.providers.settings import ElevenLabsAccess
from pipeline.types import Voice, VoiceTuning

if TYPE_CHECKING:
    from pipeline.sample_quality import Recording


class ElevenLabsBank:
    """Port VoiceBank; shares the account with engines of the same access on the same loop."""

    name = ENGINE
    needs_s = 10.0

    def __init__(self, access: ElevenLabsAccess) -> None:
        self._access = access
        self._account: Account | None = None
        self._joining = asyncio.Lock()

    async def make(self, recordings: Sequence[Recording], *, mark: str) -> BankedVoice:
        if sum(one.duration_s for one in recordings) < self.needs_s:
            raise EngineError(
                "speech_unusable",
                f"There is too little speech for a clone; at least {self.needs_s:g} s are needed.",
                recoverable=False,
            )
        account = await self._join()
        # Read anew: what another worker made was not there when this account was joined.
        there = [
            one.voice_id
            for one in await account.read_voices()
            if one.voice_id and account.clones.has_mark(one, mark)
        ]
        if there:
            for extra in there[1:]:
                await account.delete_voice(extra)
            return BankedVoice(there[0])
        if account.clones.full and not await account.clones.make_room():
            raise fault("voices_full", "no clone of a run to delete")
        files = await asyncio.to_thread(_files_of, recordings)
        made = await create(
            account,
            files,
            description=account.clones.lasting_description(mark),
            labels=account.clones.lasting_labels(mark),
        )
        return BankedVoice(made)

    async def delete(self, voice_id: str) -> None:
        account = await self._join()
        await account.delete_voice(voice_id)

    async def delete_marked(self, mark: str) -> int:
        account = await self._join()
        marked = [
            one.voice_id
            for one in await account.read_voices()
            if one.voice_id and account.clones.has_mark(one, mark)
        ]
        for voice_id in marked:
            await account.delete_voice(voice_id)
        return len(marked)

    @staticmethod
    def voice(banked: BankedVoice, base: Voice, tuning: VoiceTuning) -> Voice | None:
        return replace(
            base,
            id=f"{ENGINE}:{banked.voice_id}",
            profile=Cloned(banked.voice_id, base),
            pitch_hz=0.0,
            tuning=tuning,
            lasting=banked.voice_id,
            stands_on=base,
        )

    async def aclose(self) -> None:
        account, self._account = self._account, None
        if account is not None:
            await client.leave(account)

    async def _join(self) -> Account:
        async with self._joining:
            if self._account is None:
                self._account = await client.join(self._access)
            return self._account


def _files_of(recordings: Sequence[Recording]) -> list[File]:
    """FLAC files at the recordings' own rates, without tags; the rest beyond the bound goes."""
    files: list[File] = []
    left_s = CLONE_SAMPLE_MAX_S
    for number, one in enumerate(recordings, 1):
        samples = one.samples[: round(left_s * one.rate_hz)]
        if not len(samples):
            break
        left_s -= len(samples) / one.rate_hz
        content = io.BytesIO()
        soundfile.write(content, samples, one.rate_hz, format="FLAC", subtype="PCM_16")
        files.append((f"speech{number}.flac", content.getvalue(), "audio/flac"))
    return files
