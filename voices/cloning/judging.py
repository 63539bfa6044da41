"""How good a clone is, and with which settings it is best."""

from __future__ import annotations

import asyncio
from typing import Any

from django.db import connection

from pipeline.bounds import CLONE_TRIES_MAX
from pipeline.cloning.quality import SENTENCES, TUNING_SENTENCES, Quality, measure_quality
from pipeline.cloning.tuning import (
    SHAPING_AXES,
    VENDOR_AXES,
    Axes,
    Tuned,
    search,
    settings_of,
)
from pipeline.ports import BankedVoice, EngineError
from pipeline.providers.settings import EngineSettings
from pipeline.types import NO_TUNING, Embedding, Pcm, VoiceTuning
from voices.analysis_engines import embed
from voices.cloning.claims import advance
from voices.cloning.engines import Voicing, ear, measuring_language, voicing
from voices.models import CloneStep, VoiceClone

AXES: dict[str, Axes] = {"espeak": SHAPING_AXES, "elevenlabs": VENDOR_AXES}


async def measured(
    clone: VoiceClone, banked: BankedVoice, settings: EngineSettings, held_out: Embedding
) -> Quality:
    """Of the clone as it is to be spoken. Raises EngineError."""
    async with voicing(clone.engine, settings) as voices:
        return await _quality(voices, banked, clone.tuning, held_out, SENTENCES)


def tuned(
    clone: VoiceClone, banked: BankedVoice, settings: EngineSettings, held_out: Embedding
) -> None:
    """Look for the best settings and keep them, with everything that was tried.

    Searched on sentences of their own; on the usual ones the found settings have to be better
    than the default, or the default stays. Raises EngineError, LostError.
    """
    found, default, best = asyncio.run(_searched(clone, banked, settings, held_out))
    better = best.score > default.score
    chosen = found.best if better else NO_TUNING
    trace: list[dict[str, Any]] = [step.as_row() for step in found.trace]
    trace.append(
        {
            "settings": settings_of(found.best),
            "score": best.score,
            "default_score": default.score,
            "parts": best.parts,
            "kept": better,
            "final": True,
        }
    )
    quality = dict(clone.quality)
    for name, value in vars_of(best if better else default).items():
        quality[name] = value
    advance(
        clone, CloneStep.TUNE, settings=settings_of(chosen), trace=trace, quality=quality,
        optimise=False,
    )  # fmt: skip


def vars_of(quality: Quality) -> dict[str, Any]:
    return {
        "similarity": quality.similarity,
        "word_error_rate": quality.word_error_rate,
        "stability": quality.stability,
        "parts": quality.parts,
        "score": quality.score,
    }


async def _searched(
    clone: VoiceClone, banked: BankedVoice, settings: EngineSettings, held_out: Embedding
) -> tuple[Tuned, Quality, Quality]:
    async with voicing(clone.engine, settings) as voices:

        async def on_tuning_sentences(tuning: VoiceTuning) -> Quality:
            await asyncio.to_thread(_alive, clone)
            return await _quality(voices, banked, tuning, held_out, TUNING_SENTENCES)

        axes = AXES.get(clone.engine, {})
        found = await search(on_tuning_sentences, axes, budget=CLONE_TRIES_MAX)
        await asyncio.to_thread(_alive, clone)
        default = await _quality(voices, banked, NO_TUNING, held_out, SENTENCES)
        best = (
            default
            if found.best == NO_TUNING
            else await _quality(voices, banked, found.best, held_out, SENTENCES)
        )
        return found, default, best


def _alive(clone: VoiceClone) -> None:
    """Say from a thread that the work goes on. Raises LostError."""
    try:
        advance(clone, CloneStep.TUNE)
    finally:
        connection.close()


async def _quality(
    voices: Voicing,
    banked: BankedVoice,
    tuning: VoiceTuning,
    held_out: Embedding,
    sentences: tuple[str, ...],
) -> Quality:
    language = measuring_language(voices.synthesizer, "en")
    voice = voices.bank.voice(banked, voices.base(language), tuning)
    if voice is None:
        raise EngineError("voice_gone", "What was kept of the voice is damaged.")
    spoken = voice

    async def speak(text: str) -> Pcm:
        return await voices.say(text, language, spoken)

    try:
        return await measure_quality(
            speak, held_out=held_out, embed=embed, hear=ear(), sentences=sentences
        )
    except ValueError as error:
        raise EngineError("voice_silent", "The voice makes hardly any sound.") from error
