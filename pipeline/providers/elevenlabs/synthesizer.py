"""Synthesizer on ElevenLabs' sockets, with HTTP streaming as the second way.

A clip's duration is not known before its end. ``expected_s`` is what this voice usually
takes for so many characters, and from the first block on what the times of the characters
that came with it say.
"""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable, Callable

from pipeline.ports import EngineError, SpeechRequest
from pipeline.providers.elevenlabs import client
from pipeline.providers.elevenlabs.client import Account
from pipeline.providers.elevenlabs.faults import fault
from pipeline.providers.elevenlabs.feed import Feed
from pipeline.providers.elevenlabs.speaking import by_http, by_socket
from pipeline.providers.elevenlabs.speech import Asked, ElevenLabsSpeech
from pipeline.providers.elevenlabs.voice_socket import SocketKey
from pipeline.providers.elevenlabs.voices import (
    ENGINE,
    Cloned,
    model_of,
    stock_voices,
    voice_id_of,
)
from pipeline.providers.settings import ElevenLabsAccess
from pipeline.text.speakable import speakable
from pipeline.types import Voice, VoiceTuning
from pipeline.voices.delivery import Delivery, delivery_of, vendor_pace, vendor_style

_NO_OTHER_WAY = frozenset(
    {"key_refused", "quota_used_up", "plan_too_small", "voice_gone", "text_too_long"}
)
"""What HTTP would be told as well."""


class ElevenLabsSynthesizer:
    """Port Synthesizer; ``stability`` and ``clarity`` (0 to 1) are the installation's own.

    Raises EngineError("model_unknown") and ValueError for a format that is not ``pcm_*``.
    """

    name = ENGINE

    def __init__(
        self, access: ElevenLabsAccess, *, stability: float = 0.5, clarity: float = 0.75
    ) -> None:
        kind, _, rate = access.output_format.partition("_")
        if kind != "pcm" or not rate.isdecimal():
            raise ValueError(f"output_format must be one of pcm_*, not {access.output_format}")
        self._rate_hz = int(rate)
        self._access = access
        self._model = model_of(access.model)
        self._stability, self._clarity = stability, clarity
        self._account: Account | None = None
        self._joining = asyncio.Lock()

    async def connect(self) -> None:
        """Raises EngineError, ``voices_missing`` where the account has none to speak with."""
        async with self._joining:
            if self._account is not None:
                return
            account = await client.join(self._access)
            if not stock_voices(account.voices, "", self._access.model):
                await client.leave(account)
                raise EngineError(
                    "voices_missing",
                    "Your ElevenLabs account has no voices; add some from its voice library.",
                    recoverable=False,
                )
            self._account = account

    @property
    def at_once(self) -> int | None:
        return self._account.gate.places if self._account is not None else None

    def languages(self) -> frozenset[str]:
        return self._model.languages

    def voices(self, language: str) -> tuple[Voice, ...]:
        if self._account is None or language not in self._model.languages:
            return ()
        return stock_voices(self._account.voices, language, self._access.model)

    async def prepare(self, language: str) -> None:
        """Open sockets for the voices that the first clauses are likeliest to have: the best
        two, and the last, which is the narrator's (``pipeline.voices.casting``)."""
        await self.connect()
        voices = self.voices(language)
        for voice in dict.fromkeys([*voices[-1:], *voices[:2]]):
            try:
                await self.warm(voice, language)
            except EngineError as error:
                if error.code in _NO_OTHER_WAY:
                    raise

    async def warm(self, voice: Voice, language: str) -> None:
        if self._has_sockets and (account := self._account) is not None:
            await account.sockets.warm(self._key(voice_id_of(voice), language))

    async def synthesize(self, request: SpeechRequest) -> ElevenLabsSpeech:
        """Raises EngineError: ``nothing_to_speak``, ``text_too_long``, ``voice_unknown``,
        ``language_unsupported`` and those of the port's table."""
        text = speakable(request.text)
        voice_id = voice_id_of(request.voice)
        if request.language not in self._model.languages:
            raise EngineError(
                "language_unsupported",
                f"ElevenLabs' model “{self._access.model}” does not speak “{request.language}”.",
                recoverable=False,
            )
        await self.connect()
        account = self._joined()
        voice, cloned = request.voice, request.voice.profile
        if isinstance(cloned, Cloned) and account.clones.is_lost(cloned.voice_id):
            voice, voice_id, cloned = cloned.base, voice_id_of(cloned.base), None
        delivery = delivery_of(request.style)
        natural_s = account.paces.natural_s(voice_id, request.language, len(text))
        tempo = request.tempo * (request.voice.tuning.speed or 1.0)
        pace = vendor_pace(delivery, natural_s=natural_s, fit_s=request.fit_s, tempo=tempo)

        async def ask(voice: str) -> Asked:
            return await self._ask(
                voice, request.language, text, delivery, pace.speed, request.voice.tuning
            )

        instead: Callable[[], Awaitable[Asked]] | None = None
        if isinstance(cloned, Cloned):
            base_id, clone_id = voice_id_of(cloned.base), cloned.voice_id

            async def ask_instead() -> Asked:
                account.clones.lose(clone_id)
                await account.sockets.drop(clone_id)
                return await ask(base_id)

            instead = ask_instead
        return ElevenLabsSpeech(
            await ask(voice_id),
            characters=len(text),
            estimate_s=natural_s / pace.speed,
            rate=pace.speed,
            tempo_left=pace.left,
            voice=voice,
            base=cloned.base if isinstance(cloned, Cloned) else voice,
            instead=instead,
        )

    async def aclose(self) -> None:
        account, self._account = self._account, None
        if account is not None:
            await client.leave(account)

    async def _ask(
        self,
        voice_id: str,
        language: str,
        text: str,
        delivery: Delivery,
        speed: float,
        tuning: VoiceTuning,
    ) -> Asked:
        account = self._joined()
        await account.gate.enter()
        account.clones.begin(voice_id)

        def ended() -> None:
            account.gate.leave()
            account.clones.end(voice_id)
            if feed.failure is None and not feed.cancelled:
                account.paces.learn(voice_id, language, len(text), feed.received_s * speed)

        feed = Feed(sample_rate_hz=self._rate_hz, on_end=ended)
        style = vendor_style(
            delivery,
            stability=_or(tuning.stability, self._stability),
            clarity=_or(tuning.similarity, self._clarity),
        )
        settings = {
            "stability": style.stability,
            "similarity_boost": style.similarity_boost,
            "style": max(style.style, _or(tuning.style, 0.0)),
            "speed": speed,
            # It costs time and is hardly heard.
            "use_speaker_boost": False,
        }
        key = self._key(voice_id, language)
        try:
            if self._has_sockets and account.sockets.usable:
                try:
                    return Asked(feed, await by_socket(account, key, text, settings, feed))
                except EngineError as error:
                    # A feed that has ended is a socket that broke under it: asked once more
                    # by ``pipeline.speaking.making``, which finds another.
                    if feed.failure is not None:
                        raise feed.failure from error
                    if error.code in _NO_OTHER_WAY:
                        raise
                    feed.sent = None
            return Asked(feed, by_http(account, key, text, settings, feed))
        except BaseException as error:
            feed.fail(error if isinstance(error, EngineError) else fault("engine_timeout"))
            raise

    def _key(self, voice_id: str, language: str) -> SocketKey:
        code = self._model.language_code(language)
        return SocketKey(voice_id, self._access.model, self._access.output_format, code)

    @property
    def _has_sockets(self) -> bool:
        return self._access.use_sockets and self._model.sockets

    def _joined(self) -> Account:
        if self._account is None:
            raise fault("vendor_unreachable", "the engine was closed")
        return self._account


def _or(value: float | None, otherwise: float) -> float:
    return otherwise if value is None else value
