"""The search for a voice's settings, what is measured of it, and who may be cloned live."""

from __future__ import annotations

import asyncio
from dataclasses import replace

import numpy as np
import pytest

from pipeline.cloning.quality import judged, measure_quality
from pipeline.cloning.tuning import SHAPING_AXES, search, settings_of, tuning_of
from pipeline.ports import BankedVoice, SpeechRequest
from pipeline.providers.elevenlabs.bank import ElevenLabsBank
from pipeline.providers.offline.bank import WorldBank
from pipeline.providers.offline.shaping import Shaping
from pipeline.providers.scripted.sounds import tone
from pipeline.providers.scripted.speaking import ScriptedCloner, ScriptedSynthesizer
from pipeline.sample_quality.recording import recording_of
from pipeline.tests.emulated_elevenlabs import access_to, emulated, heard, speaking, speech
from pipeline.types import NO_TUNING, SAMPLE_RATE_HZ, Embedding, Pcm, Voice, VoiceTuning
from pipeline.voices.casting import Casting
from pipeline.voices.likeness import Likeness


async def test_the_best_settings_are_found_within_the_budget() -> None:
    asked: list[VoiceTuning] = []

    async def measure(tuning: VoiceTuning) -> object:
        asked.append(tuning)
        near = 1.0 - abs((tuning.similarity or 0.85) - 0.55) - (0.1 if tuning.base != "m7" else 0)
        return judged(similarity=0.4 + 0.4 * near, word_error_rate=0.5, stability=0.9)

    found = await search(measure, SHAPING_AXES, budget=9)  # type: ignore[arg-type]
    assert found.best == VoiceTuning(similarity=0.55, base="m7")
    assert len(found.trace) == len(asked) <= 9
    assert asked[0] == NO_TUNING
    assert len(set(asked)) == len(asked)
    default, *others = found.trace
    assert max(one.quality.score for one in others if one.kept) > default.quality.score
    few = await search(measure, SHAPING_AXES, budget=2)  # type: ignore[arg-type]
    assert len(few.trace) == 2


def test_settings_are_kept_in_bounds_and_what_is_unknown_is_left_out() -> None:
    given = {"similarity": 3, "speed": 0.1, "style": "much", "stability": True, "tempo": 1}
    assert settings_of(tuning_of(given)) == {"similarity": 1.0, "speed": 0.7}
    assert tuning_of({}) == NO_TUNING
    assert Shaping().tuned(VoiceTuning(similarity=0.2)).strength == 0.2
    assert Shaping().tuned(NO_TUNING) == Shaping()


async def test_quality_tells_likeness_words_and_sameness() -> None:
    person = np.zeros(256, np.float32)
    person[0] = 1.0
    other = np.zeros(256, np.float32)
    other[:2] = np.sqrt(0.5)

    async def speak(text: str) -> Pcm:
        return tone(1.0, 100.0 + len(text))

    def embed(pcm: Pcm) -> Embedding:
        return other

    texts = ("one two three four", "five six")
    found = await measure_quality(
        speak, held_out=person, embed=embed, hear=lambda _: ["one", "two"], sentences=texts
    )
    assert found.similarity == pytest.approx(0.707, abs=0.001)
    assert found.stability == 1.0
    # Two words are missing of the first, both are wrong in the second.
    assert found.word_error_rate == pytest.approx(4 / 6, abs=0.001)
    deaf = await measure_quality(speak, held_out=person, embed=embed, sentences=texts)
    assert deaf.word_error_rate is None
    assert set(deaf.parts) == {"similarity", "stability"}


async def test_a_vendors_voice_is_made_once_under_its_mark_and_spoken_as_it_is_tuned() -> None:
    pieces = [recording_of(speech(12.0), SAMPLE_RATE_HZ)]
    async with emulated() as vendor, speaking(vendor) as synthesizer:
        bank = ElevenLabsBank(access_to(vendor))
        try:
            made = await bank.make(pieces, mark="abc")
            assert await bank.make(pieces, mark="abc") == made
            assert await bank.make(pieces, mark="other") != made
            base = synthesizer.voices("es")[0]
            plain = bank.voice(made, base, NO_TUNING)
            quick = bank.voice(made, base, VoiceTuning(speed=1.2))
            assert plain is not None
            assert quick is not None
            assert (plain.lasting, plain.stands_on) == (made.voice_id, base)
            lengths = []
            for voice in (plain, quick):
                request = SpeechRequest("Una frase que se dice.", "es", voice)
                lengths.append(len(await heard(await synthesizer.synthesize(request))))
            assert lengths[1] < 0.9 * lengths[0]
            assert await bank.delete_marked("abc") == 1
            assert await bank.delete_marked("abc") == 0
        finally:
            await bank.aclose()


async def test_what_is_no_profile_is_no_voice() -> None:
    base = Voice("espeak:en:f2", "espeak", "Clara", ("en",))
    assert WorldBank.voice(BankedVoice("world-x", b"damaged"), base, NO_TUNING) is None


@pytest.mark.parametrize("allowed", [True, False])
async def test_nobodys_speech_becomes_a_clone_without_leave(allowed: bool) -> None:
    consenting = {"S1"} if allowed else set()
    cloner = ScriptedCloner(needs_consent=True)
    casting = Casting(ScriptedSynthesizer().stock)
    stock = casting.assign("S1", 140.0)

    async def warm(_: Voice) -> None: ...

    likeness = Likeness(cloner, casting, warm, allowed=lambda one: one in consenting)
    for _ in range(8):
        likeness.collect("S1", tone(1.0, 140.0))
    # Consent comes to be known: what was heard serves, and ends with the consent.
    consenting.add("S1")
    likeness.rebase("S1")
    async with asyncio.timeout(30):
        while casting.assign("S1").profile is None:  # noqa: ASYNC110 - nothing tells
            await asyncio.sleep(0.01)
    assert cloner.clones >= 1
    consenting.clear()
    likeness.unshape("S1")
    assert casting.assign("S1") == stock
    assert casting.assign("S1").profile is None
    await likeness.aclose()
    assert cloner.forgotten


def test_a_lasting_voice_is_known_by_its_engine_and_id() -> None:
    casting = Casting(ScriptedSynthesizer().stock)
    stock = casting.assign("S1", 100.0)
    own = replace(stock, id="script-1", lasting="script-1", stands_on=stock)
    casting.adopt("S1", own, pinned=True)
    assert casting.assign("S1") == own
    gone = {("scripted-synthesizer", "script-1")}
    assert casting.speaking_with({("another", "script-1")}) == []
    assert casting.speaking_with(gone) == ["S1"]
    assert casting.release("S1")
    assert casting.assign("S1") == stock
