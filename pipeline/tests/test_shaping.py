"""Voice profiles, and speech that takes on a person's voice block by block."""

from __future__ import annotations

import asyncio
import dataclasses
from collections.abc import Callable
from pathlib import Path

import numpy as np
import pytest
import soundfile
from hypothesis import given
from hypothesis import strategies as st

from pipeline.ports import EngineError, SpeechRequest
from pipeline.providers.offline.loudness import active_level_db
from pipeline.providers.offline.shaping import Shaping, WorldCloner, shape_blocks
from pipeline.providers.offline.synthesizer import EspeakSynthesizer
from pipeline.providers.offline.voice_profile import VoiceProfile, build_profile
from pipeline.sound.prosody import measure
from pipeline.types import SAMPLE_RATE_HZ, Pcm, Style

TEXT = "El comité publicará su informe final sobre la reforma el próximo martes por la mañana."
FRAME = 80

Heard = Callable[[str], Pcm]


@pytest.fixture(scope="module")
def heard(speech_data: Path) -> Heard:
    def read(speaker: str) -> Pcm:
        files = sorted((speech_data / "librispeech").glob(f"{speaker}-*.flac"))
        pcm, _ = soundfile.read(files[3], dtype="int16")
        return np.asarray(pcm[: 5 * SAMPLE_RATE_HZ])

    return read


@pytest.fixture(scope="module")
def stock_clip() -> Pcm:
    """An unshaped line, as the synthesiser speaks it."""

    async def speak() -> Pcm:
        synthesizer = EspeakSynthesizer()
        try:
            voice = synthesizer.voices("es")[0]
            stream = await synthesizer.synthesize(
                SpeechRequest(text=TEXT, language="es", voice=voice)
            )
            return np.concatenate([block async for block in stream])
        finally:
            await synthesizer.aclose()

    return asyncio.run(speak())


@pytest.fixture(scope="module")
def low_voice(heard: Heard) -> VoiceProfile:
    return build_profile(heard("2033"))


def level_contour(pcm: Pcm) -> np.ndarray[tuple[int], np.dtype[np.float64]]:
    """Level of every 5 ms in dB, smoothed over 25 ms."""
    frames = len(pcm) // FRAME
    power = np.mean(pcm[: frames * FRAME].astype(float).reshape(frames, FRAME) ** 2, axis=1)
    smooth = np.convolve(power, np.ones(5) / 5, "same")
    return np.asarray(10 * np.log10(smooth + 1.0))


def test_a_profile_knows_the_pitch_of_its_speaker(heard: Heard) -> None:
    assert build_profile(heard("2033")).pitch_hz < 160 < 200 < build_profile(heard("367")).pitch_hz


def test_a_profile_survives_storage(low_voice: VoiceProfile) -> None:
    restored = VoiceProfile.from_bytes(low_voice.to_bytes())
    assert restored.log_f0_mean == low_voice.log_f0_mean
    assert restored.log_f0_spread == low_voice.log_f0_spread
    assert restored.aperiodicity_db == low_voice.aperiodicity_db
    assert np.allclose(restored.frames, low_voice.frames, atol=0.02)


@given(st.binary(max_size=200))
def test_bytes_that_are_no_profile_are_refused(stored: bytes) -> None:
    with pytest.raises(ValueError, match="profile"):
        VoiceProfile.from_bytes(stored)


def test_a_truncated_profile_is_refused(low_voice: VoiceProfile) -> None:
    damaged = dataclasses.replace(low_voice, frames=low_voice.frames[:0])
    with pytest.raises(ValueError, match="damaged"):
        VoiceProfile.from_bytes(damaged.to_bytes())


@pytest.mark.parametrize(
    "pcm",
    [
        np.zeros(0, np.int16),
        np.zeros(5 * SAMPLE_RATE_HZ, np.int16),
        np.random.default_rng(1).normal(0, 3_000, 5 * SAMPLE_RATE_HZ).astype(np.int16),
        np.where(np.arange(5 * SAMPLE_RATE_HZ) % 100 < 50, 32_767, -32_767).astype(np.int16),
    ],
    ids=["nothing", "silence", "noise", "overdriven"],
)
async def test_unusable_speech_is_refused_with_a_reason(pcm: Pcm) -> None:
    base = EspeakSynthesizer().voices("es")[0]
    with pytest.raises(EngineError, match="cannot be used") as refused:
        await WorldCloner().clone(pcm, base)
    assert refused.value.code == "speech_unusable"


async def test_a_clone_is_its_base_with_a_profile(heard: Heard) -> None:
    base = EspeakSynthesizer().voices("es")[1]
    clone = await WorldCloner().clone(heard("1998"), base)
    assert isinstance(clone.profile, VoiceProfile)
    assert clone == base


async def test_the_same_speech_is_learnt_once_while_its_voice_is_in_use(heard: Heard) -> None:
    low, high = EspeakSynthesizer().voices("es")[:2]
    cloner, speech = WorldCloner(), heard("1998")
    first = await cloner.clone(speech, low)
    longer = np.concatenate([speech[: 8 * SAMPLE_RATE_HZ], speech])
    again = await cloner.clone(np.concatenate([longer, speech]), high)
    assert again.profile is (await cloner.clone(longer, low)).profile
    assert first.profile is (await cloner.clone(speech, high)).profile
    assert (await WorldCloner().clone(speech, low)).profile is not first.profile


@pytest.mark.parametrize("speaker", ["2033", "367"])
def test_shaped_speech_lies_at_the_pitch_of_the_person(
    heard: Heard, stock_clip: Pcm, speaker: str
) -> None:
    profile = build_profile(heard(speaker))
    shaped = np.concatenate(list(shape_blocks(stock_clip, profile)))
    assert measure(shaped, 0).pitch_hz == pytest.approx(profile.pitch_hz, rel=0.06)


def test_blocks_make_up_exactly_the_clip(stock_clip: Pcm, low_voice: VoiceProfile) -> None:
    blocks = list(shape_blocks(stock_clip, low_voice))
    assert len(blocks) > 2
    assert len(blocks[0]) < 0.6 * SAMPLE_RATE_HZ
    assert sum(map(len, blocks)) == len(stock_clip)


def test_joints_are_as_smooth_as_shaping_in_one_piece(
    stock_clip: Pcm, low_voice: VoiceProfile
) -> None:
    whole = np.concatenate(list(shape_blocks(stock_clip, low_voice, block_frames=(10**6, 10**6))))
    at_once = np.concatenate(list(shape_blocks(stock_clip, low_voice, whole=True)))
    assert np.array_equal(at_once, whole)
    blocks = list(shape_blocks(stock_clip, low_voice, block_frames=(40, 40)))
    streamed = np.concatenate(blocks)
    joints = np.cumsum([len(block) for block in blocks])[:-1] // FRAME
    assert len(joints) > 10
    made, wanted = level_contour(streamed), level_contour(whole)
    audible = wanted.max() - 30
    for frame in joints:
        for at in range(frame - 2, frame + 3):
            # A joint may move the sound by 5 ms; onsets are steep.
            around = wanted[at - 3 : at + 4]
            assert made[at] < max(around.max(), audible) + 3.0, "no spike at a joint"
            assert made[at] > around.min() - 5.0 or wanted[at] < audible, "no dip at a joint"
    steps = np.abs(np.diff(streamed.astype(int)))
    assert steps.max() < 1.5 * np.abs(np.diff(whole.astype(int))).max(), "no click"


def test_a_clip_that_ends_in_full_sound_does_not_click(
    stock_clip: Pcm, low_voice: VoiceProfile
) -> None:
    loudest = int(np.argmax(level_contour(stock_clip))) * FRAME
    for cut in (stock_clip[:loudest], stock_clip[loudest:]):
        for whole in (False, True):
            shaped = np.concatenate(list(shape_blocks(cut, low_voice, whole=whole)))
            size = np.abs(shaped.astype(int))
            assert max(size[0], size[-1]) < 0.01 * size.max()


def test_shaping_keeps_the_loudness_of_the_clip(stock_clip: Pcm, low_voice: VoiceProfile) -> None:
    shaped = np.concatenate(list(shape_blocks(stock_clip, low_voice)))
    assert active_level_db(shaped) == pytest.approx(active_level_db(stock_clip), abs=2.0)


def test_style_moves_the_pitch_of_shaped_speech(stock_clip: Pcm, low_voice: VoiceProfile) -> None:
    def pitch(semitones: float) -> float:
        style = Style(pitch_semitones=semitones)
        shaped = np.concatenate(list(shape_blocks(stock_clip, low_voice, style=style)))
        return measure(shaped, 0).pitch_hz

    assert 12 * np.log2(pitch(3.0) / pitch(0.0)) == pytest.approx(3.0, abs=0.7)


def test_style_widens_the_intonation_of_shaped_speech(
    stock_clip: Pcm, low_voice: VoiceProfile
) -> None:
    def spread(ratio: float) -> float:
        style = Style(pitch_range=ratio)
        shaped = np.concatenate(list(shape_blocks(stock_clip, low_voice, style=style)))
        return measure(shaped, 0).pitch_spread

    assert spread(0.6) < spread(1.0) < spread(1.6)


def test_a_clip_without_any_voice_passes_through(low_voice: VoiceProfile) -> None:
    noise = np.random.default_rng(2).normal(0, 1_000, SAMPLE_RATE_HZ).astype(np.int16)
    for clip in (noise, noise[:200], np.zeros(SAMPLE_RATE_HZ, np.int16)):
        assert sum(map(len, shape_blocks(clip, low_voice))) == len(clip)


def test_default_settings_give_the_default_shaping() -> None:
    assert Shaping.from_settings(stability=0.5, clarity=0.75) == Shaping()


def test_clarity_lowers_the_strength_and_stability_the_expression() -> None:
    clear = Shaping.from_settings(stability=0.5, clarity=1.0)
    steady = Shaping.from_settings(stability=1.0, clarity=0.75)
    assert clear.strength < Shaping().strength
    assert steady.expression < Shaping().expression
