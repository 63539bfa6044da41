"""espeak-ng behind the Synthesizer port: real processes, real speech."""

from __future__ import annotations

import asyncio
import os
import signal
from collections.abc import AsyncIterator
from dataclasses import replace

import numpy as np
import pytest

from pipeline.bounds import CHARACTERS_SPOKEN_MAX as MAX_CHARACTERS
from pipeline.ports import EngineError, SpeechRequest
from pipeline.providers.offline.espeak_pool import EspeakPool
from pipeline.providers.offline.espeak_voices import VARIANTS
from pipeline.providers.offline.espeak_worker import SpeakJob
from pipeline.providers.offline.loudness import active_level_db, apply_gain, trim_silence
from pipeline.providers.offline.synthesizer import EspeakSynthesizer
from pipeline.sound.prosody import measure, register_of
from pipeline.text.speakable import speakable
from pipeline.types import SAMPLE_RATE_HZ, Pcm, Style, Voice
from pipeline.voices.delivery import fitted_rate

TEXT = "El comité publicará su informe final sobre la reforma el próximo martes."


@pytest.fixture
async def synthesizer() -> AsyncIterator[EspeakSynthesizer]:
    engine = EspeakSynthesizer()
    yield engine
    await engine.aclose()


async def say(
    engine: EspeakSynthesizer,
    text: str = TEXT,
    *,
    language: str = "es",
    voice: Voice | None = None,
    style: Style | None = None,
    fit_s: float | None = None,
    tempo: float = 1.0,
) -> Pcm:
    stream = await engine.synthesize(
        SpeechRequest(
            text=text,
            language=language,
            voice=voice or engine.voices(language)[1],
            style=style or Style(),
            fit_s=fit_s,
            tempo=tempo,
        )
    )
    pcm = np.concatenate([block async for block in stream])
    assert stream.sample_rate_hz == SAMPLE_RATE_HZ
    assert stream.expected_s == pytest.approx(len(pcm) / SAMPLE_RATE_HZ)
    return pcm


def test_it_lists_the_languages_that_espeak_has() -> None:
    languages = EspeakSynthesizer().languages()
    assert languages >= {"en", "es", "ca", "fr", "it", "pt", "eo", "de", "zh"}
    assert all(len(code) == 2 for code in languages)
    assert EspeakSynthesizer().voices("xx") == ()


async def test_every_listed_language_can_be_spoken(synthesizer: EspeakSynthesizer) -> None:
    for language in sorted(synthesizer.languages()):
        # Some know no numerals, none lacks a reading for Latin letters.
        assert len(await say(synthesizer, "Maria", language=language)) > 0, language


@pytest.mark.parametrize("language", ["en", "es"])
async def test_stock_voices_speak_at_the_pitch_they_state(
    synthesizer: EspeakSynthesizer, language: str
) -> None:
    voices = synthesizer.voices(language)
    assert len({voice.id for voice in voices}) == len(voices) == len(VARIANTS)
    for voice in voices:
        pitch_hz = measure(await say(synthesizer, voice=voice, language=language), 0).pitch_hz
        assert pitch_hz == pytest.approx(voice.pitch_hz, rel=0.1), voice.id
        assert register_of(voice.pitch_hz) == voice.register


async def test_every_register_is_among_the_first_three_voices(
    synthesizer: EspeakSynthesizer,
) -> None:
    assert {voice.register for voice in synthesizer.voices("fr")[:3]} == {"low", "mid", "high"}


@pytest.mark.parametrize("factor", [0.8, 0.9, 1.04])
async def test_a_clip_is_spoken_to_the_wanted_length(
    synthesizer: EspeakSynthesizer, factor: float
) -> None:
    natural_s = len(await say(synthesizer)) / SAMPLE_RATE_HZ
    fitted_s = len(await say(synthesizer, fit_s=natural_s * factor)) / SAMPLE_RATE_HZ
    assert fitted_s == pytest.approx(natural_s * factor, rel=0.03)


@pytest.mark.parametrize(("fit_s", "rate"), [(0.5, 1.35), (60.0, 0.95)])
async def test_the_rate_stays_natural_whatever_the_slot(
    synthesizer: EspeakSynthesizer, fit_s: float, rate: float
) -> None:
    natural = len(await say(synthesizer))
    assert natural / len(await say(synthesizer, fit_s=fit_s)) == pytest.approx(rate, rel=0.06)


async def test_tempo_comes_on_top_of_the_fit(synthesizer: EspeakSynthesizer) -> None:
    natural_s = len(await say(synthesizer)) / SAMPLE_RATE_HZ
    fitted = await say(synthesizer, fit_s=natural_s * 0.9, tempo=1.15)
    assert len(fitted) / SAMPLE_RATE_HZ == pytest.approx(natural_s * 0.9 / 1.15, rel=0.04)


def test_haste_counts_only_where_the_slot_has_room() -> None:
    assert fitted_rate(2.0, 2.06, 1.0) == pytest.approx(2.0 / 2.06), "neutral: fill the slot"
    assert 2.0 / 2.06 < fitted_rate(2.0, 2.06, 1.02) <= 1.0
    assert fitted_rate(2.0, 1.8, 1.2) == pytest.approx(2.0 / 1.8)
    assert fitted_rate(2.0, 1.8, 0.8) == pytest.approx(2.0 / 1.8), "never late"


async def test_silence_around_the_speech_is_trimmed(synthesizer: EspeakSynthesizer) -> None:
    pcm = await say(synthesizer)
    loud = np.flatnonzero(np.abs(pcm.astype(int)) > 0.02 * np.abs(pcm.astype(int)).max())
    assert loud[0] < 0.05 * SAMPLE_RATE_HZ
    assert len(pcm) - loud[-1] < 0.07 * SAMPLE_RATE_HZ


async def test_all_voices_are_equally_loud(synthesizer: EspeakSynthesizer) -> None:
    levels = [
        active_level_db(await say(synthesizer, voice=voice)) for voice in synthesizer.voices("es")
    ]
    assert max(levels) - min(levels) < 2.5


async def test_level_pitch_and_rate_move_with_the_style(synthesizer: EspeakSynthesizer) -> None:
    calm = await say(synthesizer, style=Style(-4.0, -2.0, 0.8, 0.9))
    usual = await say(synthesizer)
    lively = await say(synthesizer, style=Style(4.0, 2.0, 1.4, 1.15))
    assert active_level_db(calm) < active_level_db(usual) - 2 < active_level_db(lively) - 4
    pitches = [measure(pcm, 0).pitch_hz for pcm in (calm, usual, lively)]
    assert pitches[0] < 0.95 * pitches[1] < 0.95**2 * pitches[2]
    assert len(calm) > len(usual) > len(lively)
    assert measure(calm, 0).pitch_spread < measure(lively, 0).pitch_spread


async def test_the_loudest_style_does_not_clip(synthesizer: EspeakSynthesizer) -> None:
    for voice in synthesizer.voices("es"):
        pcm = await say(synthesizer, voice=voice, style=Style(energy_db=40.0))
        assert np.abs(pcm.astype(int)).max() < 32_767


@pytest.mark.parametrize("text", ["", "   ", "…", "!?", "\u200b\u0000", "\ud800", "\ue000"])
async def test_text_without_anything_to_say_is_refused(
    synthesizer: EspeakSynthesizer, text: str
) -> None:
    with pytest.raises(EngineError) as refused:
        await say(synthesizer, text)
    assert refused.value.code == "nothing_to_speak"


async def test_text_beyond_the_limit_is_refused(synthesizer: EspeakSynthesizer) -> None:
    with pytest.raises(EngineError) as refused:
        await say(synthesizer, "a" * (MAX_CHARACTERS + 1))
    assert refused.value.code == "text_too_long"


async def test_markup_is_not_obeyed(synthesizer: EspeakSynthesizer) -> None:
    plain = await say(synthesizer, "hola amigo")
    paused = await say(synthesizer, 'hola <break time="3s"/> amigo')
    assert len(paused) < len(plain) + 6 * SAMPLE_RATE_HZ
    phonemes = await say(synthesizer, "[[a_:a_:a_:a_:a_:]] hola amigo")
    assert abs(len(phonemes) - len(plain)) > 0.2 * SAMPLE_RATE_HZ, "spelled out, not sung"


@pytest.mark.parametrize(
    "text",
    [
        "a\x00b",
        "niño 🎉",
        "\u202eolleh",
        "ﷺ ok",
        "٣٤٥ ok",
        "a" + "\u0301" * 300,
        "-l en",
        "&lt; ok",
    ],
)
async def test_odd_characters_are_survived(synthesizer: EspeakSynthesizer, text: str) -> None:
    assert len(await say(synthesizer, text)) > 0
    assert len(await say(synthesizer)) > SAMPLE_RATE_HZ


def test_control_characters_become_spaces_or_go() -> None:
    assert speakable(" uno\n\tdos\x07\u200b ") == "uno dos"


async def test_languages_and_voices_of_others_are_refused(synthesizer: EspeakSynthesizer) -> None:
    voice = synthesizer.voices("es")[0]
    with pytest.raises(EngineError) as refused:
        await synthesizer.synthesize(SpeechRequest(text=TEXT, language="xx", voice=voice))
    assert refused.value.code == "language_unsupported"
    for stranger in (replace(voice, id="other:es:f2"), replace(voice, profile=object())):
        with pytest.raises(EngineError) as refused:
            await synthesizer.synthesize(SpeechRequest(text=TEXT, language="es", voice=stranger))
        assert refused.value.code == "voice_unknown"


async def test_a_killed_process_is_replaced_and_the_clause_spoken() -> None:
    pool = EspeakPool(size=1, waiting=4)
    await pool.start()
    try:
        (worker,) = pool._live
        os.kill(worker.pid, signal.SIGKILL)
        spoken = await pool.run(SpeakJob(text="hola", voice="es+f2"))
        assert len(spoken.pcm) > 0
        assert {other.pid for other in pool._live} != {worker.pid}
    finally:
        await pool.aclose()


async def test_a_cancelled_request_does_not_leave_its_speech_to_the_next() -> None:
    pool = EspeakPool(size=1, waiting=4)
    await pool.start()
    try:
        alone = await pool.run(SpeakJob(text="hola", voice="es+f2"))
        long_one = asyncio.create_task(pool.run(SpeakJob(text="palabra " * 120, voice="es+f2")))
        await asyncio.sleep(0.005)
        long_one.cancel()
        with pytest.raises(asyncio.CancelledError):
            await long_one
        again = await pool.run(SpeakJob(text="hola", voice="es+f2"))
        assert len(again.pcm) == pytest.approx(len(alone.pcm), rel=0.1)
    finally:
        await pool.aclose()


async def test_a_full_line_is_refused_rather_than_lengthened() -> None:
    pool = EspeakPool(size=1, waiting=2)
    await pool.start()
    try:
        jobs = [pool.run(SpeakJob(text=f"número {n}", voice="es+f2")) for n in range(8)]
        results = await asyncio.gather(*jobs, return_exceptions=True)
        codes = [result.code for result in results if isinstance(result, EngineError)]
        assert codes
        assert set(codes) == {"engine_busy"}
        assert len(codes) < len(results)
    finally:
        await pool.aclose()


async def test_concurrent_requests_get_their_own_speech(synthesizer: EspeakSynthesizer) -> None:
    texts = ["uno", "uno dos tres", "uno dos tres cuatro cinco seis siete ocho"]
    together = await asyncio.gather(*(say(synthesizer, text) for text in texts))
    apart = [await say(synthesizer, text) for text in texts]
    # espeak carries a little state from one utterance into the next.
    assert [len(pcm) for pcm in together] == pytest.approx([len(p) for p in apart], rel=0.1)


async def test_a_closed_engine_refuses(synthesizer: EspeakSynthesizer) -> None:
    await synthesizer.aclose()
    with pytest.raises(EngineError) as refused:
        await say(synthesizer)
    assert refused.value.code == "engine_stopped"


def test_trimming_silence_leaves_nothing_of_silence() -> None:
    assert len(trim_silence(np.zeros(5_000, np.int16))) == 0
    assert len(trim_silence(np.zeros(0, np.int16))) == 0


def test_gain_bends_what_would_clip() -> None:
    ramp = np.arange(-32_768, 32_767, 16).astype(np.int16)
    louder = apply_gain(ramp, 12.0).astype(int)
    assert np.abs(louder).max() <= 32_767
    assert (np.diff(louder) >= 0).all()
