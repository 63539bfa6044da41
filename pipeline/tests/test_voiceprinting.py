"""Voiceprints that can be kept: of whom, of what sound, and of whose not."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest

from pipeline.benchmarks.channels import Noise, read, telephone
from pipeline.providers.offline.speaker_encoder import ResemblyzerEncoder
from pipeline.providers.offline.speaker_encoder_export import export
from pipeline.speakers.speech_quality import is_narrow, narrowed, noise_suppressed, noisy, snr_db
from pipeline.speakers.voiceprinting import SpeechRefusedError, voiceprints_of
from pipeline.types import SAMPLE_RATE_HZ, Pcm


@pytest.fixture(scope="module")
def encoder(tmp_path_factory: pytest.TempPathFactory) -> ResemblyzerEncoder:
    folder = tmp_path_factory.mktemp("models")
    export(folder)
    return ResemblyzerEncoder.from_folder(folder)


@pytest.fixture(scope="module")
def man(speech_data: Path) -> Pcm:
    return read(speech_data / "librispeech" / "2033-164914-0000.flac")[: 6 * SAMPLE_RATE_HZ]


@pytest.fixture(scope="module")
def woman(speech_data: Path) -> Pcm:
    return read(speech_data / "librispeech" / "367-130732-0002.flac")[: 6 * SAMPLE_RATE_HZ]


@pytest.fixture(scope="module")
def noise(speech_data: Path) -> Noise:
    return Noise(read(speech_data / "noise" / "speechbrain_noise3.wav"), 10.0)


async def test_wide_speech_has_a_voiceprint_of_what_a_telephone_would_leave(
    encoder: ResemblyzerEncoder, man: Pcm
) -> None:
    made = await voiceprints_of(encoder, man)
    by_telephone = await voiceprints_of(encoder, telephone(man))
    assert set(made.heard) == {"wide", "narrow"}
    assert set(by_telephone.heard) == {"narrow"}
    phone = by_telephone.heard["narrow"].embedding
    assert float(made.heard["narrow"].embedding @ phone) > 0.9
    assert float(made.heard["wide"].embedding @ phone) < 0.8


async def test_two_people_are_no_voice(encoder: ResemblyzerEncoder, man: Pcm, woman: Pcm) -> None:
    both = np.concatenate([man[: 3 * SAMPLE_RATE_HZ], woman[: 3 * SAMPLE_RATE_HZ]])
    with pytest.raises(SpeechRefusedError) as refusal:
        await voiceprints_of(encoder, both)
    assert refusal.value.reason == "mixed"


async def test_too_little_and_too_noisy_speech_is_refused(
    encoder: ResemblyzerEncoder, man: Pcm
) -> None:
    with pytest.raises(SpeechRefusedError) as refusal:
        await voiceprints_of(encoder, man[: int(1.4 * SAMPLE_RATE_HZ)])
    assert refusal.value.reason == "short"
    hiss = np.random.default_rng(1).normal(0, 3000, len(man))
    drowned = np.clip(man * 0.05 + hiss, -32768, 32767).astype(np.int16)
    with pytest.raises(SpeechRefusedError) as refusal:
        await voiceprints_of(encoder, drowned)
    assert refusal.value.reason == "noisy"


async def test_noisy_speech_counts_less(
    encoder: ResemblyzerEncoder, man: Pcm, noise: Noise
) -> None:
    clean, noisy = await voiceprints_of(encoder, man), await voiceprints_of(encoder, noise(man))
    assert clean.snr_db > noisy.snr_db + 3
    assert clean.heard["wide"].quality > noisy.heard["wide"].quality


def test_noise_is_suppressed_and_speech_is_not(man: Pcm, noise: Noise) -> None:
    noisy = noise(man)
    cleaned = noise_suppressed(noisy)
    assert len(cleaned) == len(man)
    assert snr_db(cleaned) > snr_db(noisy) + 3
    kept = np.corrcoef(man.astype(float), noise_suppressed(man).astype(float))[0, 1]
    assert kept > 0.95


def test_a_telephone_is_known_by_its_band(man: Pcm, woman: Pcm) -> None:
    assert [is_narrow(pcm) for pcm in (man, woman)] == [False, False]
    assert all(is_narrow(telephone(pcm)) and is_narrow(narrowed(pcm)) for pcm in (man, woman))
    assert not is_narrow(np.zeros(16_000, np.int16))
    assert snr_db(np.zeros(16_000, np.int16)) == 0.0


async def test_what_is_kept_of_clean_speech_is_near_to_it_in_noise_too(
    encoder: ResemblyzerEncoder, speech_data: Path, man: Pcm, woman: Pcm, noise: Noise
) -> None:
    made = await voiceprints_of(encoder, man)
    later = read(speech_data / "librispeech" / "2033-164914-0002.flac")[: 4 * SAMPLE_RATE_HZ]
    in_noise = (await voiceprints_of(encoder, noise(later))).heard["wide"].embedding
    kept, heard = made.kept["wide"].embedding, made.heard["wide"].embedding
    assert float(kept @ in_noise) > float(heard @ in_noise)
    assert float(kept @ heard) > 0.95
    assert float(np.linalg.norm(kept)) == pytest.approx(1.0, abs=1e-5)
    stranger = (await voiceprints_of(encoder, woman)).heard["wide"].embedding
    assert float(kept @ in_noise) > float(kept @ stranger) + 0.15
    assert made.kept["narrow"] == made.heard["narrow"]
    assert (unkept := await voiceprints_of(encoder, man, keep=False)).kept == unkept.heard


async def test_what_was_heard_in_noise_or_by_telephone_is_kept_as_it_is(
    encoder: ResemblyzerEncoder, man: Pcm, noise: Noise
) -> None:
    for heard_as in (noise, telephone):
        made = await voiceprints_of(encoder, heard_as(man))
        assert made.kept == made.heard


def test_noise_that_is_added_is_as_far_below_and_the_same_each_time(man: Pcm) -> None:
    for snr in (5.0, 10.0):
        mixed = noisy(man, snr)
        assert np.array_equal(mixed, noisy(man, snr))
        added = mixed.astype(np.float64) - man
        ratio = np.mean(np.square(man.astype(np.float64))) / np.mean(np.square(added))
        assert 10 * np.log10(ratio) == pytest.approx(snr, abs=0.5)
    assert len(noisy(man[:100], 10.0)) == 100
    assert not noisy(np.zeros(16_000, np.int16), 10.0).any()
