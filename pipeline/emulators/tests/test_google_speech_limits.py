"""Every limit of the emulated recogniser, met on purpose through the real client."""

from __future__ import annotations

import asyncio
from pathlib import Path
from typing import Any

import grpc
import numpy as np
import pytest
from google.api_core import exceptions

from pipeline.emulators.behaviour import Fault
from pipeline.emulators.certificate import Certificate
from pipeline.emulators.google.server import GoogleEmulator
from pipeline.emulators.marks import marked
from pipeline.emulators.tests.clients import (
    config_request,
    finals,
    open_call,
    recognise,
    speech_client,
    speech_like,
)
from pipeline.tests.waiting import until
from pipeline.types import SAMPLE_RATE_HZ

PACE_S = 0.05
"""At which grpc's client is told the true status."""


async def read_all(call: Any) -> None:
    while await call.read() is not grpc.aio.EOF:
        pass


@pytest.mark.parametrize(
    ("changed", "text"),
    [
        (
            {"recognizer": "projects/emulated-project/locations/eu/recognizers/_"},
            "Expected resource location to be us, but found eu in resource name.",
        ),
        (
            {"recognizer": "projects/emulated-project/recognizers/_"},
            "Invalid resource field value in the request.",
        ),
        ({"model": "longer"}, 'The model "longer" does not exist in the location named "us".'),
        ({"model": "chirp_2"}, 'The model "chirp_2" does not exist in the location named "us".'),
        (
            {"languages": ("xx-XX",)},
            'The language "xx-XX" is not supported by the model "long" in the location named "us".',
        ),
        ({"languages": ("auto",)}, 'The language "auto" is not supported by the model "long"'),
        ({"languages": ()}, "At least one language code must be provided."),
        (
            {"languages": ("en-US", "es-ES", "fr-FR", "de-DE", "it-IT")},
            "At most 4 language codes are supported",
        ),
        ({"decoding": False}, "Audio data does not appear to be in a supported encoding."),
    ],
)
async def test_a_wrong_configuration_is_refused(
    google: GoogleEmulator, changed: dict[str, Any], text: str
) -> None:
    async with speech_client(google) as client:
        with pytest.raises(exceptions.InvalidArgument) as caught:
            await recognise(
                client, config_request(google, **changed), speech_like(loud_s=1), pace_s=PACE_S
            )
    assert text in caught.value.message
    assert google.counts.statuses == {"INVALID_ARGUMENT": 1}


async def test_several_languages_need_a_multi_region(google: GoogleEmulator) -> None:
    google.speech.rules.region = "europe-west4"
    config = config_request(
        google,
        recognizer=f"projects/{google.project}/locations/europe-west4/recognizers/_",
        languages=("en-US", "de-DE"),
    )
    async with speech_client(google) as client:
        with pytest.raises(exceptions.InvalidArgument, match="multiple languages"):
            await recognise(client, config, speech_like(loud_s=1), pace_s=PACE_S)


async def test_audio_before_the_configuration_is_refused(google: GoogleEmulator) -> None:
    async with speech_client(google) as client:
        with pytest.raises(exceptions.InvalidArgument):
            await recognise(client, None, speech_like(loud_s=1), pace_s=PACE_S)


@pytest.mark.parametrize(("samples", "is_taken"), [(12_800, True), (12_801, False)])
async def test_a_message_has_25600_bytes_at_most(
    google: GoogleEmulator, samples: int, is_taken: bool
) -> None:
    pcm = speech_like(loud_s=1)
    async with speech_client(google) as client:
        asking = recognise(client, config_request(google), pcm, chunk=samples, pace_s=PACE_S)
        if is_taken:
            assert finals(await asking)
            return
        with pytest.raises(exceptions.InvalidArgument, match="maximum of 25600 bytes"):
            await asking


async def test_audio_far_faster_than_real_time_is_refused(google: GoogleEmulator) -> None:
    google.speech.rules.pace, google.speech.rules.pace_burst_s = 2.0, 1.0
    async with speech_client(google) as client:
        with pytest.raises(exceptions.OutOfRange, match="streamed too fast"):
            await recognise(
                client, config_request(google), speech_like(loud_s=4), pace_s=0.02, chunk=3_200
            )


@pytest.mark.parametrize("limit_by", ["wall", "audio"])
async def test_a_stream_is_ended_at_its_limit(google: GoogleEmulator, limit_by: Any) -> None:
    google.speech.rules.stream_limit_s = 0.5
    google.speech.rules.limit_by = limit_by
    async with speech_client(google) as client:
        with pytest.raises(exceptions.Aborted) as caught:
            await recognise(
                client, config_request(google), speech_like(loud_s=3), pace_s=PACE_S, close=False
            )
    assert caught.value.message == "Max duration of 5 minutes reached for stream."


async def test_a_stream_without_requests_is_ended(google: GoogleEmulator) -> None:
    google.speech.rules.idle_s = 0.3
    async with speech_client(google) as client:
        with pytest.raises(exceptions.Aborted) as caught:
            await recognise(
                client, config_request(google), speech_like(loud_s=0.2), pace_s=PACE_S, close=False
            )
    text = "Stream timed out after receiving no more client requests."
    assert caught.value.message == text


@pytest.mark.parametrize(
    ("scenario", "raised"),
    [
        ("cancelled", exceptions.Cancelled),
        ("unknown", exceptions.Unknown),
        ("invalid_argument", exceptions.InvalidArgument),
        ("deadline_exceeded", exceptions.DeadlineExceeded),
        ("not_found", exceptions.NotFound),
        ("permission_denied", exceptions.PermissionDenied),
        ("billing_disabled", exceptions.PermissionDenied),
        ("resource_exhausted", exceptions.ResourceExhausted),
        ("aborted", exceptions.Aborted),
        ("out_of_range", exceptions.OutOfRange),
        ("internal", exceptions.InternalServerError),
        ("unavailable", exceptions.ServiceUnavailable),
        ("unauthenticated", exceptions.Unauthenticated),
        ("drop", exceptions.ServiceUnavailable),
        ("duration_limit", exceptions.Aborted),
        ("idle_limit", exceptions.Aborted),
    ],
)
async def test_a_stream_fails_as_it_is_told(
    google: GoogleEmulator, scenario: str, raised: type[Exception]
) -> None:
    google.faults.once(scenario, "speech")
    async with speech_client(google) as client:
        with pytest.raises(raised):
            await recognise(client, config_request(google), speech_like(loud_s=1), pace_s=PACE_S)
        assert await recognise(client, config_request(google), speech_like(loud_s=1))
    assert google.faults.counts == {scenario: 1}


async def test_a_refusal_carries_googles_details(google: GoogleEmulator) -> None:
    google.faults.once("resource_exhausted", "speech")
    async with speech_client(google) as client:
        with pytest.raises(exceptions.ResourceExhausted) as caught:
            await recognise(client, config_request(google), speech_like(loud_s=1), pace_s=PACE_S)
    error = caught.value
    assert error.reason == "RATE_LIMIT_EXCEEDED"
    assert error.domain == "googleapis.com"
    assert error.metadata["service"] == "speech.googleapis.com"
    assert error.details[1].retry_delay.ToMilliseconds() == 200


async def test_a_stream_breaks_in_the_middle(google: GoogleEmulator) -> None:
    google.faults.add(Fault(scenario="drop", legs=("speech",), after_s=0.6))
    async with speech_client(google) as client:
        with pytest.raises(exceptions.ServiceUnavailable, match="Socket closed"):
            await recognise(client, config_request(google), speech_like(loud_s=3), pace_s=PACE_S)
    assert 0.6 <= google.counts.audio_s < 1.5


async def test_a_connection_that_breaks_is_dialled_again(google: GoogleEmulator) -> None:
    async with speech_client(google) as client:
        call = await open_call(client, google)
        await call.write({"audio": speech_like(loud_s=0.5).tobytes()})
        await call.read()
        await google.drop_connections()
        with pytest.raises(exceptions.GoogleAPICallError):
            await read_all(call)
        again = speech_like(loud_s=0.5)
        assert await recognise(client, config_request(google), again)
    assert google.counts.connections == 2


async def test_a_stalled_stream_says_nothing(google: GoogleEmulator) -> None:
    google.faults.once("stall", "speech")
    async with speech_client(google) as client:
        assert await recognise(client, config_request(google), speech_like(loud_s=1)) == []


async def test_a_stream_closed_early_has_no_final(google: GoogleEmulator) -> None:
    google.faults.add(Fault(scenario="close", legs=("speech",), after_s=0.5))
    async with speech_client(google) as client:
        got = await recognise(client, config_request(google), speech_like(loud_s=2), pace_s=PACE_S)
    assert not finals(got)


async def test_answers_are_malformed_on_purpose(google: GoogleEmulator) -> None:
    pcm = marked(speech_like(loud_s=1.5))
    got = {}
    async with speech_client(google) as client:
        for scenario in ("no_alternatives", "words_out_of_order", "no_language"):
            google.faults.once(scenario, "speech")
            got[scenario] = finals(await recognise(client, config_request(google), pcm))[0]
    assert not got["no_alternatives"].alternatives
    words = got["words_out_of_order"].alternatives[0].words
    assert words[0].start_offset > words[-1].start_offset
    assert got["no_language"].language_code == ""


async def test_one_message_in_many_breaks_a_stream(google: GoogleEmulator) -> None:
    google.faults.add(Fault(scenario="internal", legs=("speech.audio",), after_n=3, times=1))
    async with speech_client(google) as client:
        with pytest.raises(exceptions.InternalServerError, match="Internal error encountered"):
            await recognise(client, config_request(google), speech_like(loud_s=2), pace_s=PACE_S)
    assert google.counts.audio_s == pytest.approx(0.4)


async def test_a_client_that_goes_away_leaves_nothing_behind(google: GoogleEmulator) -> None:
    async with speech_client(google) as client:
        call = await open_call(client, google)
        await call.write({"audio": np.zeros(1_600, dtype=np.int16).tobytes()})
        await until(lambda: google.counts.streams_open == 1 and google.counts.audio_s > 0)
        call.cancel()
        await until(lambda: google.counts.streams_open == 0)
    assert google.counts.audio_s == pytest.approx(1_600 / SAMPLE_RATE_HZ)


async def test_a_connection_has_so_many_streams_at_once(
    tmp_path: Path, emulator_certificate: Certificate
) -> None:
    async with (
        GoogleEmulator(
            tmp_path, certificate=emulator_certificate, streams_per_connection=2
        ) as google,
        speech_client(google) as client,
    ):
        calls = [await open_call(client, google) for _ in range(2)]
        third = asyncio.create_task(open_call(client, google))
        await asyncio.sleep(0.3)
        assert google.counts.streams_opened == 2
        calls[0].cancel()
        calls.append(await third)
        await until(lambda: google.counts.streams_opened == 3)
        for call in calls:
            call.cancel()
