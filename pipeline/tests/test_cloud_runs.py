"""Whole runs on the emulated clouds, through the vendors' own SDKs."""

from __future__ import annotations

import asyncio
from dataclasses import replace
from pathlib import Path
from typing import TypeVar

import numpy as np
import pytest
import soundfile
import soxr

from pipeline import metrics
from pipeline.dubber import Output
from pipeline.emulators.google.speech_rules import SpeechRules
from pipeline.emulators.marks import marked
from pipeline.emulators.transcript_ear import Recording, TranscriptEar
from pipeline.events import (
    CommittedTranscript,
    CueAudio,
    CueScheduled,
    Failure,
    LanguageFound,
    Skipped,
    Summary,
    Translated,
)
from pipeline.guards.breaker import BreakerRules
from pipeline.plan import AUTO, Engines
from pipeline.providers.google.pacing import Pacing
from pipeline.providers.offline.engines import detector
from pipeline.providers.scripted.hearing import (
    ClockRecognizer,
    ScriptedDetector,
    ScriptedEncoder,
)
from pipeline.providers.scripted.sounds import silence, tone, utterances
from pipeline.providers.scripted.speaking import (
    ScriptedCloner,
    ScriptedSynthesizer,
    ScriptedTranslator,
)
from pipeline.providers.settings import EngineSettings
from pipeline.tests.emulated_cloud import cloud, dub
from pipeline.tests.google_cloud import clock_words, plain
from pipeline.types import SAMPLE_RATE_HZ, Pcm

E_ = TypeVar("E_")
HURRIED = Pacing(speed=None, patience_s=0.05)


def of(kind: type[E_], told: list[tuple[float, Output]]) -> list[E_]:
    return [output for _, output in told if isinstance(output, kind)]


def words_of(told: list[tuple[float, Output]]) -> list[str]:
    return [plain(word) for line in of(CommittedTranscript, told) for word in line.text.split()]


async def test_every_line_is_made_by_the_vendors(tmp_path: Path) -> None:
    pcm = marked(utterances((1.9, 140.0), (1.9, 220.0), (1.9, 140.0), pause_s=0.8))
    async with cloud(tmp_path) as house:
        told = await dub(house.guarded(), pcm)
        assert house.google.counts.calls["StreamingRecognize"] >= 1
        assert house.google.counts.calls["translate_text"] >= 3
        assert house.elevenlabs.counters.generations >= 3
    assert words_of(told) == clock_words(pcm)
    assert all(line.text.startswith("[es] ") for line in of(Translated, told))
    cues = of(CueScheduled, told)
    assert {cue.engine for cue in cues} == {"elevenlabs"}
    assert {cue.cue for cue in of(CueAudio, told) if cue.pcm} == {cue.cue for cue in cues}
    assert len(cues) == len(of(CommittedTranscript, told))
    assert not of(Skipped, told)
    assert not of(Failure, told)


@pytest.mark.parametrize(
    "pacing",
    [
        Pacing(speed=None, patience_s=3.0, end_s=20.0, close_s=20.0),
        Pacing(speed=None, patience_s=3.0, end_s=20.0, close_s=20.0, stream_s=1e9),
    ],
    ids=["ours end before the limit", "the vendor ends them"],
)
async def test_twelve_minutes_cross_the_limit_of_streams_and_keep_every_word(
    tmp_path: Path, pacing: Pacing
) -> None:
    """Speech without a pause, 24 times as fast as it is spoken; the limit counts audio."""
    spoken_s = 12 * 60.0
    pcm = marked(np.concatenate([silence(0.3), tone(spoken_s), silence(1.0)]))
    rules = SpeechRules(pace=None, limit_by="audio", stream_limit_s=300.0)
    async with cloud(tmp_path, rules=rules, pacing=pacing) as house:
        engines = replace(
            house.engines,
            # Hours of sound in minutes: only what is heard matters here.
            translator=ScriptedTranslator(keep_requests=False),
            synthesizer=ScriptedSynthesizer(keep_requests=False, char_s=0.01),
        )
        told = await dub(engines, pcm, speed=24.0, patience_s=90.0, speculate=False)
        ended = house.google.counts.statuses["ABORTED"]
        assert ended >= 2 if pacing.stream_s > 300 else not ended
        assert house.google.counts.streams_opened >= 3
    assert words_of(told) == clock_words(pcm)
    (summary,) = of(Summary, told)
    assert (summary.skipped, summary.errors) == (0, 0)


CLIPS = {
    "es": (
        "leopard_es.wav",
        "Las arenas son blanquecinas de grano medio y tiene muy poca asistencia.",
    ),
    "fr": (
        "leopard_fr.wav",
        "Sous le consulat il devient conservateur des eaux et forêts et conseiller général.",
    ),
    "de": (
        "leopard_de.wav",
        "Der hinter diesem Portal liegenden Raum wurde als Leichenhalle genutzt.",
    ),
    "it": (
        "leopard_it.wav",
        "Sempre alla radio nacquero anche alcune sue canzoni o meglio ritmi.",
    ),
    "pt": (
        "cheetah_pt.wav",
        "Um grupo de crianças está andando em um rio perto da margem do rio.",
    ),
}
"""Language → a recording of it, and what is said."""


def clip(path: Path) -> Pcm:
    """A recording as 16 kHz mono."""
    pcm, rate_hz = soundfile.read(path, dtype="int16")
    mono = pcm if pcm.ndim == 1 else pcm.mean(axis=1).astype(np.int16)
    made: Pcm = mono if rate_hz == SAMPLE_RATE_HZ else soxr.resample(mono, rate_hz, SAMPLE_RATE_HZ)
    return made


@pytest.mark.parametrize(
    ("model", "candidates"),
    [("chirp_3", ()), ("long", ("es", "fr", "de", "it"))],
    ids=["any language", "four candidates"],
)
async def test_the_language_is_found_and_followed_in_one_session(
    tmp_path: Path, speech_data: Path, model: str, candidates: tuple[str, ...]
) -> None:
    spoken = {name: CLIPS[name] for name in candidates or CLIPS}
    recordings = [
        Recording.spoken(clip(speech_data / language / file), language, text)
        for language, (file, text) in spoken.items()
    ]
    pcm = np.concatenate(
        [silence(0.3), *(part for one in recordings for part in (one.pcm, silence(1.2)))]
    )
    async with cloud(tmp_path, ear=TranscriptEar(recordings), model=model) as house:
        engines = house.guarded()
        engines = replace(engines, detector=detector(EngineSettings(models=Path())))
        told = await dub(
            engines, pcm, source_language=AUTO, candidates=candidates, target_language="en"
        )
    lines = of(CommittedTranscript, told)
    said: dict[str, list[str]] = {}
    for line in lines:
        said.setdefault(line.language, []).extend(map(plain, line.text.split()))
    assert [found.language for found in of(LanguageFound, told)] == list(spoken)
    for language, (_, text) in spoken.items():
        # The transcript's words have estimated times: one may fall into a pause.
        expected = [plain(word) for word in text.split()]
        left = iter(expected)
        assert all(word in left for word in said[language]), "in order, and none twice"
        assert len(said[language]) >= 0.8 * len(expected)
    assert len(of(CueScheduled, told)) == len(lines)


# Bad days -------------------------------------------------------------------------------

SOUND = marked(utterances(*[(1.9, 140.0)] * 4, pause_s=0.8))
QUICK = BreakerRules(failures=2, within_s=20.0, open_s=0.2, open_most_s=0.5)

SPEECH_FAULTS = (
    "cancelled unknown invalid_argument deadline_exceeded not_found permission_denied "
    "billing_disabled resource_exhausted aborted out_of_range internal unavailable "
    "unauthenticated drop duration_limit idle_limit close no_alternatives words_out_of_order "
    "no_language"
).split()
TRANSLATION_FAULTS = (
    "cancelled unknown invalid_argument deadline_exceeded not_found permission_denied "
    "billing_disabled resource_exhausted aborted out_of_range internal unavailable "
    "unauthenticated drop empty"
).split()
VOICE_FAULTS = (
    "invalid_api_key quota_exceeded detected_unusual_activity voice_not_found "
    "max_character_limit_exceeded only_for_creator+ invalid_request already_running "
    "too_many_concurrent_requests system_busy http_500 http_502 http_503 drop close bad_base64 "
    "odd_bytes malformed no_final"
).split()


UNCOUNTED = frozenset({"duration_limit", "idle_limit", "aborted", "close", "no_language"})
"""What belongs to the life of a stream, or to what is said, and is no failure."""


def failures() -> float:
    """Of engines, told to somebody or not, since the process began."""
    names = ("dubbing_engine_failures_total{", "dubbing_worker_restarts_total{")
    counted = (line for line in metrics.exposition().decode().splitlines())
    return sum(float(line.rsplit(" ", 1)[1]) for line in counted if line.startswith(names))


def numbers(words: list[str]) -> list[int]:
    return [int(word.removeprefix("word")) for word in words]


@pytest.mark.parametrize("scenario", SPEECH_FAULTS)
async def test_a_fault_of_the_recogniser_costs_no_word(tmp_path: Path, scenario: str) -> None:
    async with cloud(tmp_path, pacing=HURRIED, breaker=QUICK) as house:
        house.faults.once(scenario, "speech", after_n=1)
        before = failures()
        told = await dub(house.guarded(), SOUND, speed=6.0)
        assert house.faults.counts[scenario] == 1
    assert failures() > before or scenario in UNCOUNTED
    heard = numbers(words_of(told))
    assert heard == sorted(set(heard)), "no word twice, all in order"
    missing = set(numbers(clock_words(SOUND))) - set(heard)
    # What only a person can mend ends the run without a stand-in, and says so.
    final = [one.code for one in of(Failure, told)]
    assert not missing or set(final) & {"key_refused", "plan_too_small", "vendor_refused"}
    assert of(Summary, told)


@pytest.mark.parametrize("scenario", TRANSLATION_FAULTS)
async def test_a_fault_of_the_translator_costs_at_most_its_line(
    tmp_path: Path, scenario: str
) -> None:
    async with cloud(tmp_path, pacing=HURRIED, breaker=QUICK) as house:
        house.faults.once(scenario, "translation", after_n=2)
        before = failures()
        told = await dub(house.guarded(), SOUND, speed=6.0, speculate=False)
        assert house.faults.counts[scenario] == 1
    # What the engine's own second attempt mends is nobody's failure.
    assert (failures() > before) == bool(of(Skipped, told))
    lines = of(CommittedTranscript, told)
    spoken = {cue.line for cue in of(CueScheduled, told)}
    skipped = {one.line: one.reason for one in of(Skipped, told)}
    assert spoken | set(skipped) == {line.line for line in lines}, "nothing is lost silently"
    assert len(skipped) <= 1
    told_codes = {one.code for one in of(Failure, told)}
    assert set(skipped.values()) <= told_codes
    assert max(spoken) == lines[-1].line, "the session lives on"


@pytest.mark.parametrize("scenario", VOICE_FAULTS)
async def test_a_fault_of_the_voice_costs_at_most_its_line(tmp_path: Path, scenario: str) -> None:
    async with cloud(tmp_path, pacing=HURRIED, breaker=QUICK) as house:
        house.faults.once(scenario, "multi_stream_input.text", after_n=2)
        before = failures()
        told = await dub(house.guarded(), SOUND, speed=6.0)
        assert house.faults.counts[scenario] == 1
    assert failures() > before or not of(Failure, told)
    lines = of(CommittedTranscript, told)
    cues = {cue.line: cue.cue for cue in of(CueScheduled, told)}
    skipped = {one.line: one.reason for one in of(Skipped, told)}
    assert set(cues) | set(skipped) == {line.line for line in lines}, "nothing is lost silently"
    assert len(skipped) <= 1
    assert set(skipped.values()) <= {one.code for one in of(Failure, told)}
    assert max(cues) == lines[-1].line, "the session lives on"
    heard = {audio.cue for audio in of(CueAudio, told) if audio.pcm}
    assert set(cues.values()) - heard == set() or len(of(Failure, told)) == 1


async def test_a_source_heard_by_two_runs_at_once_shares_the_connections(tmp_path: Path) -> None:
    async with cloud(tmp_path, pacing=HURRIED) as house:
        engines = [house.guarded() for _ in range(4)]
        runs = await asyncio.gather(*(dub(one, SOUND, speed=2.0) for one in engines))
        assert house.google.counts.connections <= 3
    for told in runs:
        assert words_of(told) == clock_words(SOUND)


# Vendors that die ------------------------------------------------------------------------


def offline_like() -> Engines:
    """Engines of this machine, which hear the same clock."""
    return Engines(
        detector=ScriptedDetector(),
        recognizer=ClockRecognizer(),
        translator=ScriptedTranslator(),
        synthesizer=ScriptedSynthesizer(),
        encoder=ScriptedEncoder(),
        cloner=ScriptedCloner(),
    )


@pytest.mark.parametrize("vendor", ["google", "elevenlabs"])
async def test_dubbing_goes_on_while_a_vendor_is_dead_and_comes_back(
    tmp_path: Path, vendor: str
) -> None:
    pcm = marked(utterances(*[(1.9, 140.0), (1.9, 220.0)] * 6, pause_s=0.7))
    dies_s, lives_s = 7.0, 18.0
    async with cloud(tmp_path, pacing=HURRIED, breaker=QUICK) as house:
        emulator = getattr(house, vendor)
        work: dict[str, asyncio.Task[None]] = {}

        def change(at_s: float) -> None:
            if at_s > dies_s and "stop" not in work:
                work["stop"] = asyncio.create_task(emulator.stop())
            if at_s > lives_s and "start" not in work:
                work["start"] = asyncio.create_task(emulator.start())

        told = await dub(house.guarded(offline_like()), pcm, before=change)
        await asyncio.gather(*work.values())
    lines = of(CommittedTranscript, told)
    heard = numbers(words_of(told))
    assert heard == sorted(set(heard)), "no word twice, all in order"
    assert len(set(numbers(clock_words(pcm))) - set(heard)) <= 2
    assert [cue.line for cue in of(CueScheduled, told)] == [line.line for line in lines]
    assert not of(Skipped, told)
    codes = [notice.code for notice in house.notices]
    assert codes.count("engine_stands_in") == (2 if vendor == "google" else 1)
    assert codes.count("engine_back") == codes.count("engine_stands_in")
    if vendor == "elevenlabs":
        spoken = [cue.engine for cue in of(CueScheduled, told)]
        assert spoken[0] == spoken[-1] == "elevenlabs"
        assert "scripted-synthesizer" in spoken
        by_speaker: dict[tuple[str | None, str], set[str]] = {}
        for cue in of(CueScheduled, told):
            by_speaker.setdefault((cue.speaker, cue.engine), set()).add(cue.voice)
        assert all(len(voices) == 1 for voices in by_speaker.values()), "everyone keeps a voice"
