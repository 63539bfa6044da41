"""Recordings known by their sound, and the recogniser that really hears."""

from __future__ import annotations

import asyncio
from pathlib import Path

import numpy as np
import pytest
import soundfile

from pipeline.emulators.google.server import GoogleEmulator
from pipeline.emulators.offline_ear import OfflineEar
from pipeline.emulators.tests.clients import config_request, finals, recognise, speech_client
from pipeline.emulators.transcript_ear import Recording, TranscriptEar
from pipeline.types import Pcm

CLIPS = {
    "es": ("es/cheetah_es.wav", "Un homenaje a que abre era más que necesario."),
    "de": (
        "de/leopard_de.wav",
        "Der hinter diesem Portal liegenden Raum wurde als Leichenhalle genutzt.",
    ),
    "en": ("en/goforward.raw", "go forward ten meters"),
}


def clip(folder: Path, language: str) -> Pcm:
    path = folder / CLIPS[language][0]
    if path.suffix == ".raw":
        return np.fromfile(path, dtype="<i2")
    pcm: Pcm = soundfile.read(path, dtype="int16")[0]
    return pcm


@pytest.fixture
def ear(speech_data: Path) -> TranscriptEar:
    return TranscriptEar(
        [
            Recording.spoken(clip(speech_data, language), language, text)
            for language, (_, text) in CLIPS.items()
        ]
    )


@pytest.mark.parametrize("language", ["es", "de"])
async def test_a_recording_is_known_and_its_language_found(
    google: GoogleEmulator, ear: TranscriptEar, speech_data: Path, language: str
) -> None:
    google.speech.ear = ear
    pcm = clip(speech_data, language)
    async with speech_client(google) as client:
        config = config_request(google, languages=("auto",), model="chirp_3")
        # From somewhere inside its leading silence, as a stream would be cut.
        got = await recognise(client, config, pcm[1_234:])
    heard = finals(got)
    text = " ".join(result.alternatives[0].transcript for result in heard)
    assert text == CLIPS[language][1]
    assert {result.language_code[:2] for result in heard} == {language}


def test_the_very_same_samples_are_found_where_they_are(
    ear: TranscriptEar, speech_data: Path
) -> None:
    assert ear.find(clip(speech_data, "de")[20_011:22_000]) == (1, 20_011)


@pytest.mark.parametrize("gain", [0.3, 0.9])
def test_audio_of_another_level_is_found_too(
    ear: TranscriptEar, speech_data: Path, gain: float
) -> None:
    pcm = clip(speech_data, "de")[20_000:28_000]
    place = ear.find_alike((pcm * gain).astype(np.int16))
    assert place is not None
    assert place[0] == 1
    assert abs(place[1] - 20_000) < 160


def test_what_is_in_no_recording_is_not_found(ear: TranscriptEar) -> None:
    noise = np.random.default_rng(1).normal(0, 3_000, 8_000).astype(np.int16)
    assert ear.find(noise) is None
    assert ear.find_alike(noise) is None


async def test_the_offline_recogniser_hears_inside_the_emulated_cloud(
    google: GoogleEmulator, speech_data: Path
) -> None:
    await google.speech.ear.aclose()
    google.speech.ear = OfflineEar(streams_max=1)
    pcm = np.concatenate([clip(speech_data, "en"), np.zeros(16_000, dtype=np.int16)])
    async with asyncio.timeout(120), speech_client(google) as client:
        got = await recognise(client, config_request(google), pcm, pace_s=0.02)
    text = " ".join(result.alternatives[0].transcript for result in finals(got)).lower()
    assert "forward ten" in text
