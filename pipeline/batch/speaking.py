"""One line of a file spoken so that it fits its place."""

from __future__ import annotations

import asyncio
from contextlib import aclosing
from dataclasses import dataclass, replace
from typing import Protocol, runtime_checkable

import numpy as np

from pipeline.batch.fitting import FASTEST, SLOWEST, How, Place, fit, wanted_share
from pipeline.bounds import BATCH_LINE_S, BATCH_SHORTER_S
from pipeline.guards.guarding import LIMITED
from pipeline.ports import EngineError, SpeechRequest, Synthesizer, TranslationRequest, Translator
from pipeline.sound.stretch import stretch
from pipeline.speaking.making import in_time
from pipeline.types import Pcm, Style, Voice

_DEADBAND = 0.01
"""A speed nearer to 1 than this is not heard and not worth stretching."""
_EDGE_DB = -50.0
"""Silence that an engine puts around its speech is below this, of full scale."""
_EDGE_KEPT_S = 0.01


@runtime_checkable
class OffersShorter(Protocol):
    """A translator that can say the same in fewer words."""

    async def shorter(self, request: TranslationRequest, *, characters: int) -> str | None:
        """The translation in at most about so many characters; None where it cannot."""


@dataclass(frozen=True, slots=True)
class SpokenLine:
    pcm: Pcm
    sample_rate_hz: int
    text: str
    """What is said: another wording than was asked for where that one was too long."""
    voice: Voice
    """Who said it: another one where it stood in."""
    how: How
    speed: float
    """Ratio to the natural speaking rate."""

    @property
    def duration_s(self) -> float:
        return len(self.pcm) / self.sample_rate_hz


async def speak(
    synthesizer: Synthesizer,
    *,
    text: str,
    language: str,
    voice: Voice,
    style: Style,
    place: Place,
    translator: Translator | None = None,
    request: TranslationRequest | None = None,
) -> SpokenLine:
    """``text`` in ``voice``, made to fit ``place``. ``request`` is what ``text`` translates:
    with it a translator that ``OffersShorter`` is asked for another wording. Raises EngineError.
    """
    # The manner's own rate is the original speaker's haste, which the place already holds.
    wanted = SpeechRequest(text, language, voice, replace(style, rate=1.0), whole=True)
    spoken = await _spoken(synthesizer, wanted)
    found = fit(spoken.duration_s, place)
    if found.how == "reworded":
        shorter = await _shorter(translator, request, text, spoken.duration_s, place)
        if shorter is not None:
            again = await _spoken(synthesizer, replace(wanted, text=shorter))
            if again.duration_s < spoken.duration_s:
                text, spoken = shorter, again
                wanted = replace(wanted, text=shorter)
        found = fit(spoken.duration_s, place, reworded=True)
        if text == shorter and found.how in {"natural", "borrowed", "hurried"}:
            found = replace(found, how="reworded")
    if abs(found.speed - 1) <= _DEADBAND:
        return replace(spoken, text=text, how=found.how)
    hurried = await _hurried(synthesizer, wanted, spoken, found.speed)
    return replace(hurried, text=text, how=found.how, speed=round(found.speed, 3))


async def _hurried(
    synthesizer: Synthesizer, wanted: SpeechRequest, spoken: SpokenLine, speed: float
) -> SpokenLine:
    """The engine's own haste sounds best; where each request is paid for, or for what it leaves
    undone, the sound is stretched."""
    target_s = spoken.duration_s / speed
    if synthesizer.name not in LIMITED:
        faster = await _spoken(synthesizer, replace(wanted, fit_s=target_s))
        # An engine that took it the other way, or has said something else, is of no use here.
        if target_s * 0.9 <= faster.duration_s <= spoken.duration_s:
            spoken = faster
    left = min(FASTEST, max(SLOWEST, spoken.duration_s / target_s))
    if left <= 1.0:
        return spoken
    pcm = await asyncio.to_thread(stretch, spoken.pcm, spoken.sample_rate_hz, left)
    # The stretcher ends within a pitch period of what was asked for.
    return replace(spoken, pcm=pcm[: round(target_s * spoken.sample_rate_hz)])


async def _spoken(synthesizer: Synthesizer, request: SpeechRequest) -> SpokenLine:
    """Asked once more when the engine fails and says that this may help."""
    try:
        return await _once(synthesizer, request)
    except EngineError as error:
        if not error.recoverable:
            raise
        return await _once(synthesizer, request)


async def _once(synthesizer: Synthesizer, request: SpeechRequest) -> SpokenLine:
    async with in_time(BATCH_LINE_S, "The voice engine did not answer in time."):
        stream = await synthesizer.synthesize(request)
        async with aclosing(stream):
            blocks = [block async for block in stream]
    pcm = np.concatenate(blocks) if blocks else np.zeros(0, np.int16)
    rate_hz = stream.sample_rate_hz
    return SpokenLine(trimmed(pcm, rate_hz), rate_hz, request.text, stream.voice, "natural", 1.0)


def trimmed(pcm: Pcm, rate_hz: int) -> Pcm:
    """Without the silence that engines put around what they say: a line begins with its line."""
    loud = np.flatnonzero(np.abs(pcm.astype(np.int32)) > 32768 * 10 ** (_EDGE_DB / 20))
    if not len(loud):
        return pcm
    kept = round(_EDGE_KEPT_S * rate_hz)
    return np.ascontiguousarray(pcm[max(0, int(loud[0]) - kept) : int(loud[-1]) + 1 + kept])


async def _shorter(
    translator: Translator | None,
    request: TranslationRequest | None,
    text: str,
    natural_s: float,
    place: Place,
) -> str | None:
    offers: object = translator
    if request is None or not isinstance(offers, OffersShorter):
        return None
    characters = int(len(text) * wanted_share(natural_s, place))
    if characters < 1:
        return None
    try:
        async with asyncio.timeout(BATCH_SHORTER_S):
            shorter = await offers.shorter(request, characters=characters)
    except (EngineError, TimeoutError):
        return None  # the wording that there is can be hurried too
    shorter = " ".join((shorter or "").split())
    return shorter if shorter and len(shorter) < len(text) else None
