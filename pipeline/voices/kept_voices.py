"""Shaped voices kept beside a run, so that whoever goes on with it need not shape them anew.

The store is whoever runs the server's; keys are digests that contain the owner, so nobody
can find out by asking whose voice there is.
"""

from __future__ import annotations

import hashlib
import hmac
from dataclasses import dataclass
from typing import Protocol

import msgspec

from pipeline import metrics
from pipeline.bounds import KEPT_VOICE_MAX_BYTES
from pipeline.ports import VoiceCloner
from pipeline.types import Voice


class VoiceStore(Protocol):
    """Small contents by digest. Neither method raises: a store that is away has nothing."""

    async def get(self, key: str) -> bytes | None: ...

    def put(self, key: str, content: bytes) -> None:
        """Kept soon; nobody waits for it."""


@dataclass(frozen=True, slots=True)
class Found:
    voice: Voice
    speech_s: float
    """How much speech it was shaped after."""


class _Kept(msgspec.Struct, frozen=True):
    speech_s: float
    content: bytes


class KeptVoices:
    """The shaped voices of one session of one owner."""

    def __init__(self, store: VoiceStore, *, owner: str, session_id: str, secret: bytes) -> None:
        self._store = store
        self._owner = owner
        self._session_id = session_id
        self._secret = secret

    def keep(
        self, cloner: VoiceCloner, speaker: str, base: Voice, voice: Voice, speech_s: float
    ) -> None:
        """``voice`` is ``base`` shaped; nothing is kept of engines that keep nothing."""
        content = cloner.dump(voice)
        if content is not None and len(content) <= KEPT_VOICE_MAX_BYTES:
            kept = msgspec.msgpack.encode(_Kept(speech_s, content))
            self._store.put(self._key(speaker, base), kept)

    async def find(self, cloner: VoiceCloner, speaker: str, base: Voice) -> Found | None:
        """``base`` as it was shaped for ``speaker``, if that is still known."""
        found = await self._look(cloner, speaker, base)
        metrics.count_cache("voice", hit=found is not None)
        return found

    async def _look(self, cloner: VoiceCloner, speaker: str, base: Voice) -> Found | None:
        stored = await self._store.get(self._key(speaker, base))
        if stored is None:
            return None
        try:
            kept = msgspec.msgpack.decode(stored, type=_Kept)
        except msgspec.DecodeError:
            return None  # of another version
        voice = cloner.load(base, kept.content)
        return None if voice is None else Found(voice, kept.speech_s)

    def _key(self, speaker: str, base: Voice) -> str:
        parts = (self._owner, self._session_id, speaker, base.engine, base.id)
        return hmac.new(self._secret, msgspec.msgpack.encode(parts), hashlib.sha256).hexdigest()
