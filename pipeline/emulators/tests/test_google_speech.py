"""The emulated recogniser through the real client: what it hears and how it tells."""

from __future__ import annotations

import time

import pytest

from pipeline.emulators.google.server import GoogleEmulator
from pipeline.emulators.marks import marked
from pipeline.emulators.scripted_ear import ScriptedEar
from pipeline.emulators.tests.clients import (
    config_request,
    finals,
    interims,
    open_call,
    recognise,
    speech_client,
    speech_like,
)
from pipeline.types import SAMPLE_RATE_HZ, Word


async def test_words_come_in_interims_and_settle_in_finals(google: GoogleEmulator) -> None:
    pcm = marked(speech_like(loud_s=1.6, quiet_s=0.9, times=2))
    async with speech_client(google) as client:
        got = await recognise(client, config_request(google), pcm)
    first, second = finals(got)
    assert first.alternatives[0].transcript == "Word0 word1 word2 word3."
    assert second.alternatives[0].transcript == "Word6 word7 word8 word9."
    assert first.language_code == "en-US"
    assert first.alternatives[0].confidence == 1.0
    assert interims(got)[:2] == ["word0", "word0 word1"]


async def test_only_finals_have_words_with_times_of_the_stream(google: GoogleEmulator) -> None:
    pcm = marked(speech_like(loud_s=1.0), start=40 * SAMPLE_RATE_HZ)
    async with speech_client(google) as client:
        got = await recognise(client, config_request(google), pcm)
    words = finals(got)[0].alternatives[0].words
    assert [word.word for word in words] == ["Word100", "word101."]
    assert [word.start_offset.total_seconds() for word in words] == [0.0, 0.4]
    assert [word.end_offset.total_seconds() for word in words] == [0.4, 0.8]
    unsettled = [r for one in got for r in one.results if not r.is_final]
    assert all(not result.alternatives[0].words for result in unsettled)
    assert {round(result.stability, 1) for result in unsettled} <= {0.1, 0.9}


async def test_a_cut_out_piece_is_heard_as_what_it_is(google: GoogleEmulator) -> None:
    whole = marked(speech_like(loud_s=20))
    pcm = whole[round(10.1 * SAMPLE_RATE_HZ) : 12 * SAMPLE_RATE_HZ]
    async with speech_client(google) as client:
        got = await recognise(client, config_request(google), pcm, chunk=700)
    assert finals(got)[0].alternatives[0].transcript == "Word25 word26 word27 word28 word29."


async def test_continuous_speech_has_no_final(google: GoogleEmulator) -> None:
    pcm = marked(speech_like(loud_s=20))
    async with speech_client(google) as client:
        got = await recognise(client, config_request(google), pcm, pace_s=0.0)
    assert len(finals(got)) == 1
    assert got[-1].results[0].is_final
    assert len(interims(got)) > 40


async def test_interims_wait_for_their_delay(google: GoogleEmulator) -> None:
    google.delays.interim = 0.2
    began = time.monotonic()
    async with speech_client(google) as client:
        call = await open_call(client, google)
        pcm = marked(speech_like(loud_s=0.5))
        for at in range(0, len(pcm), 1_600):
            await call.write({"audio": pcm[at : at + 1_600].tobytes()})
        await call.read()
        assert time.monotonic() - began >= 0.2
        call.cancel()


async def test_unsteady_words_settle_right(google: GoogleEmulator) -> None:
    google.speech.rules.unsteady = True
    google.speech.rules.seed = 1
    google.speech.ear = ScriptedEar(
        words=[Word(text, n * 0.3, n * 0.3 + 0.3) for n, text in enumerate("one two three".split())]
    )
    async with speech_client(google) as client:
        got = [
            await recognise(client, config_request(google), marked(speech_like(loud_s=1.0)))
            for _ in range(4)
        ]
    told = {text for one in got for text in interims(one)}
    assert not told <= {"one", "one two", "one two three"}
    assert {finals(one)[0].alternatives[0].transcript for one in got} == {"One two three."}


async def test_a_language_among_the_candidates_is_found(google: GoogleEmulator) -> None:
    google.speech.ear = ScriptedEar(language="fr")
    pcm = marked(speech_like(loud_s=1.0))
    async with speech_client(google) as client:
        one = await recognise(
            client, config_request(google, languages=("en-US", "fr-CA", "de-DE")), pcm
        )
        auto = config_request(google, languages=("auto",), model="chirp_3")
        any_language = await recognise(client, auto, pcm)
    assert finals(one)[0].language_code == "fr-CA"
    assert finals(any_language)[0].language_code == "fr-FR"


async def test_a_language_that_was_not_asked_for_is_nonsense(google: GoogleEmulator) -> None:
    google.speech.ear = ScriptedEar(language="fr")
    async with speech_client(google) as client:
        got = await recognise(client, config_request(google), marked(speech_like(loud_s=0.5)))
    alternative = finals(got)[0].alternatives[0]
    assert alternative.transcript == "0drow."
    assert alternative.confidence == pytest.approx(0.3)


async def test_voice_activity_is_told_where_it_was_asked_for(google: GoogleEmulator) -> None:
    config = config_request(google, features={"enable_voice_activity_events": True})
    async with speech_client(google) as client:
        got = await recognise(client, config, speech_like(loud_s=0.5, quiet_s=1.0))
    told = [response.speech_event_type.name for response in got if not response.results]
    assert told == ["SPEECH_ACTIVITY_BEGIN", "SPEECH_ACTIVITY_END"]


async def test_a_voice_activity_timeout_ends_the_stream_well(google: GoogleEmulator) -> None:
    config = config_request(
        google, features={"voice_activity_timeout": {"speech_end_timeout": {"seconds": 1}}}
    )
    async with speech_client(google) as client:
        got = await recognise(client, config, speech_like(loud_s=0.5, quiet_s=3.0), close=False)
    assert len(finals(got)) == 1


async def test_many_streams_share_a_connection(google: GoogleEmulator) -> None:
    pcm = marked(speech_like(loud_s=0.5))
    async with speech_client(google) as client:
        for _ in range(5):
            await recognise(client, config_request(google), pcm)
    assert google.counts.connections == 1
    assert google.counts.streams_opened == 5
    assert google.counts.streams_open == 0
    assert google.counts.audio_s == pytest.approx(2.5)
