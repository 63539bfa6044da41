"""VoiceCloner on ElevenLabs' instant voice cloning.

The vendor recommends one to two minutes of clean speech; a live dub cannot wait for that.
Ten seconds give a recognisable voice, and the second, last clone is made at thirty: beyond
it the gain is small beside a speaker who keeps a stranger's voice for a minute.
"""

from __future__ import annotations

import asyncio
import io
import time
import wave
from contextlib import suppress
from dataclasses import replace

import numpy as np

from pipeline.bounds import CLONE_SAMPLE_MAX_S, ELEVENLABS_CLOSE_S
from pipeline.ports import EngineError
from pipeline.providers.elevenlabs import client
from pipeline.providers.elevenlabs.client import Account
from pipeline.providers.elevenlabs.creating import create
from pipeline.providers.elevenlabs.faults import fault
from pipeline.providers.elevenlabs.voices import ENGINE, Cloned, voice_id_of
from pipeline.providers.settings import ElevenLabsAccess
from pipeline.sound.prosody import voiced_share
from pipeline.types import SAMPLE_RATE_HZ, Pcm, Voice

SPEECH_LEVEL_DB = -45.0
"""RMS of the loud half below which speech drowns in noise, dB of full scale."""
ACTIVE_SHARE_MIN = 0.4
"""So much of a sample has to be within 30 dB of its loudest part."""
CLIPPED_SHARE = 0.01
VOICED_SHARE_MIN = 0.1
_FRAME = SAMPLE_RATE_HZ // 50


class ElevenLabsCloner:
    """Port VoiceCloner; shares the synthesiser's account."""

    needs_s = 10.0
    enough_s = 30.0
    needs_consent = True

    def __init__(self, access: ElevenLabsAccess) -> None:
        self._access = access
        self._account: Account | None = None
        self._joining = asyncio.Lock()
        self._made: set[str] = set()
        """Voices made and not forgotten: as many as ``Clones`` allows."""

    async def clone(self, pcm: Pcm, base: Voice) -> Voice:
        """Raises EngineError: ``speech_unusable``, ``voices_full``, those of the port."""
        voice_id_of(base)
        sample = await asyncio.to_thread(_wav_of, pcm, self.needs_s)
        account = await self._join()
        clones = account.clones
        if clones.full and not await clones.make_room():
            raise fault("voices_full", "no clone of ours to delete")
        try:
            made = await self._create(account, sample)
        except EngineError as error:
            if error.code != "voices_full" or not await clones.make_room():
                raise
            made = await self._create(account, sample)
        self._made = {one for one in self._made if not clones.is_lost(one)} | {made}
        return replace(
            base, id=f"{ENGINE}:{made}", profile=Cloned(made, _stock(base)), pitch_hz=0.0
        )

    def dump(self, voice: Voice) -> bytes | None:  # noqa: ARG002  # the port's
        """Nothing: the vendor's copy is deleted at the run's end."""
        return None

    def load(self, base: Voice, content: bytes) -> Voice | None:  # noqa: ARG002  # the port's
        return None

    async def forget(self, voice: Voice) -> None:
        if isinstance(voice.profile, Cloned) and voice.profile.voice_id in self._made:
            self._made.discard(voice.profile.voice_id)
            account = await self._join()
            await account.clones.forget(voice.profile.voice_id)

    async def aclose(self) -> None:
        """Deletes what this cloner made; what fails is found by its mark at a later start."""
        account, self._account = self._account, None
        if account is None:
            return
        with suppress(TimeoutError):
            async with asyncio.timeout(ELEVENLABS_CLOSE_S):
                await account.clones.forget_all(self._made)
        self._made.clear()
        await client.leave(account)

    async def _join(self) -> Account:
        async with self._joining:
            if self._account is None:
                self._account = await client.join(self._access)
            return self._account

    async def _create(self, account: Account, sample: bytes) -> str:
        now = time.time()
        voice_id = await create(
            account,
            [("speech.wav", sample, "audio/wav")],
            description=account.clones.description(now),
            labels=account.clones.labels(now),
        )
        account.clones.add(voice_id)
        return voice_id


def _stock(base: Voice) -> Voice:
    return base.profile.base if isinstance(base.profile, Cloned) else base


def _wav_of(pcm: Pcm, needs_s: float) -> bytes:
    """A WAV file of the sample; raises EngineError("speech_unusable")."""
    speech = pcm[: round(CLONE_SAMPLE_MAX_S * SAMPLE_RATE_HZ)]
    if len(speech) < needs_s * SAMPLE_RATE_HZ:
        raise _unusable(f"it is too short; at least {needs_s:g} seconds are needed")
    frames = speech[: len(speech) // _FRAME * _FRAME].astype(np.float32).reshape(-1, _FRAME)
    power = np.mean((frames / 32_768) ** 2, axis=1)
    loud = float(np.mean(np.sort(power)[len(power) // 2 :]))
    if 10 * np.log10(max(loud, 1e-12)) < SPEECH_LEVEL_DB:
        raise _unusable("it is too quiet")
    if float(np.mean(power > loud / 1000)) < ACTIVE_SHARE_MIN:
        raise _unusable("there is hardly any speech in it")
    if float(np.mean(np.abs(speech.astype(np.int32)) >= 32_700)) > CLIPPED_SHARE:
        raise _unusable("it is overdriven")
    # The vendor would make a voice of any noise, and keep a slot for it.
    if voiced_share(speech) < VOICED_SHARE_MIN:
        raise _unusable("no clear voice is heard in it")
    file = io.BytesIO()
    with wave.open(file, "wb") as out:
        out.setnchannels(1)
        out.setsampwidth(2)
        out.setframerate(SAMPLE_RATE_HZ)
        out.writeframes(speech.astype("<i2").tobytes())
    return file.getvalue()


def _unusable(why: str) -> EngineError:
    return EngineError("speech_unusable", f"The sample cannot serve for a voice: {why}.")
