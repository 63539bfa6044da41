"""The emulated translation service through the real client."""

from __future__ import annotations

import asyncio
import time
from typing import Any

import pytest
from google.api_core import exceptions
from google.cloud import translate_v3 as translate

from pipeline.emulators.google.server import GoogleEmulator
from pipeline.emulators.machine_translation import OfflineEngine
from pipeline.emulators.tests.clients import translation_client

PROJECT = "projects/emulated-project"
REGION = f"{PROJECT}/locations/us-central1"


def asked(*contents: str, **changed: Any) -> dict[str, Any]:
    return {
        "parent": f"{PROJECT}/locations/global",
        "contents": list(contents),
        "source_language_code": "en",
        "target_language_code": "es",
        "mime_type": "text/plain",
        **changed,
    }


async def test_plain_text_is_translated_as_it_is(google: GoogleEmulator) -> None:
    async with translation_client(google) as client:
        response = await client.translate_text(asked("It's <b>here</b>", "And there"))
    texts = [one.translated_text for one in response.translations]
    assert texts == ["[es] It's <b>here</b>", "[es] And there"]
    assert response.translations[0].detected_language_code == ""
    assert response.translations[0].model.endswith("/models/general/nmt")
    assert google.counts.characters == 25


async def test_a_text_without_a_type_is_html(google: GoogleEmulator) -> None:
    async with translation_client(google) as client:
        response = await client.translate_text(
            asked('It\'s <span translate="no">Anna</span> &amp; me', mime_type="")
        )
    text = response.translations[0].translated_text
    assert text == '[es] It&#39;s <span translate="no">Anna</span> &amp; me'


async def test_a_source_that_is_left_open_is_detected(google: GoogleEmulator) -> None:
    text = "Das ist ein ganz gewöhnlicher Satz in deutscher Sprache."
    async with translation_client(google) as client:
        response = await client.translate_text(asked(text, source_language_code=""))
        found = await client.detect_language(
            {"parent": PROJECT, "content": text, "mime_type": "text/plain"}
        )
    assert response.translations[0].detected_language_code == "de"
    assert found.languages[0].language_code == "de"


async def test_the_offline_engine_really_translates(google: GoogleEmulator) -> None:
    google.translation.engine = OfflineEngine()
    async with translation_client(google) as client:
        response = await client.translate_text(asked("The house is red.", "Hi"))
        other = await client.translate_text(asked("Hi", target_language_code="ja"))
    assert response.translations[0].translated_text == "La casa es roja."
    assert other.translations[0].translated_text == "[ja] Hi"


@pytest.mark.parametrize(
    ("changed", "text"),
    [
        ({"parent": "locations/global"}, "Invalid parent"),
        ({"target_language_code": "cmn-Hans-CN"}, "Target language is invalid"),
        ({"target_language_code": ""}, "Target language is invalid"),
        ({"source_language_code": "es-US"}, "Source language is invalid"),
        ({"mime_type": "text/markdown"}, "Unsupported mime type"),
        ({"contents": []}, "Contents is required"),
        ({"contents": ["a"] * 1_025}, "Too many text segments"),
        ({"contents": ["a" * 15_360, "b" * 15_361]}, "Text is too long"),
        ({"model": "nmt"}, "Invalid model name"),
        ({"model": f"{REGION}/models/general/nmt"}, "same location"),
        (
            {"glossary_config": {"glossary": f"{PROJECT}/locations/global/glossaries/a"}},
            "regional",
        ),
    ],
)
async def test_a_wrong_request_is_refused(
    google: GoogleEmulator, changed: dict[str, Any], text: str
) -> None:
    async with translation_client(google) as client:
        with pytest.raises(exceptions.InvalidArgument, match=text):
            await client.translate_text(asked("Hello", **changed))


async def test_the_longest_request_is_taken(google: GoogleEmulator) -> None:
    async with translation_client(google) as client:
        assert await client.translate_text(asked("a" * 15_360, "b" * 15_360))


async def test_the_translation_model_may_be_chosen(google: GoogleEmulator) -> None:
    model = f"{PROJECT}/locations/global/models/general/translation-llm"
    async with translation_client(google) as client:
        response = await client.translate_text(asked("Hello", model=model))
    assert response.translations[0].model == model


@pytest.mark.parametrize(
    ("status", "raised", "text"),
    [
        ("RESOURCE_EXHAUSTED", exceptions.ResourceExhausted, "Quota exceeded"),
        ("PERMISSION_DENIED", exceptions.PermissionDenied, "User Rate Limit Exceeded"),
    ],
)
async def test_a_minutes_characters_are_used_up(
    google: GoogleEmulator, status: Any, raised: type[Exception], text: str
) -> None:
    google.translation.rules.characters_a_minute = 12
    google.translation.rules.quota_status = status
    async with translation_client(google) as client:
        await client.translate_text(asked("Hello there"))
        with pytest.raises(raised, match=text):
            await client.translate_text(asked("Hello there"))
        began = time.monotonic()
        google.translation.rules.clock = lambda: began + 61
        await client.translate_text(asked("Hello there"))


async def test_a_glossary_has_translations_of_its_own(google: GoogleEmulator) -> None:
    google.translation.glossaries.files["gs://terms/en-es.csv"] = {"cloud": "nube"}
    name = f"{REGION}/glossaries/terms"
    glossary = translate.Glossary(
        name=name,
        language_pair={"source_language_code": "en", "target_language_code": "es"},
        input_config={"gcs_source": {"input_uri": "gs://terms/en-es.csv"}},
    )
    config = {"glossary": name}
    async with translation_client(google) as client:
        operation = await client.create_glossary(parent=REGION, glossary=glossary)
        made: Any = await operation.result(timeout=10)  # type: ignore[no-untyped-call]
        assert made.entry_count == 1
        with pytest.raises(exceptions.AlreadyExists):
            await client.create_glossary(parent=REGION, glossary=glossary)
        assert (await client.get_glossary(name=name)).name == name
        listed = [one.name async for one in await client.list_glossaries(parent=REGION)]
        assert listed == [name]
        response = await client.translate_text(
            asked("The cloud", parent=REGION, glossary_config=config)
        )
        assert response.translations[0].translated_text == "[es] The cloud"
        assert response.glossary_translations[0].translated_text == "[es] The nube"
        assert response.glossary_translations[0].glossary_config.glossary == name
        with pytest.raises(exceptions.InvalidArgument, match="language pair"):
            await client.translate_text(
                asked("x", parent=REGION, target_language_code="fr", glossary_config=config)
            )
        deleting = await client.delete_glossary(name=name)
        await deleting.result(timeout=10)  # type: ignore[no-untyped-call]
        with pytest.raises(exceptions.NotFound):
            await client.get_glossary(name=name)


async def test_adaptive_translation_takes_sentences_along(google: GoogleEmulator) -> None:
    request: dict[str, Any] = {
        "parent": REGION,
        "content": ["Hello"],
        "reference_sentence_config": {
            "source_language_code": "en",
            "target_language_code": "es",
            "reference_sentence_pair_lists": [
                {
                    "reference_sentence_pairs": [
                        {"source_sentence": "Bye", "target_sentence": "Adiós"}
                    ]
                }
            ],
        },
    }
    async with translation_client(google) as client:
        response = await client.adaptive_mt_translate(request)
        assert response.translations[0].translated_text == "[es] Hello"
        assert google.translation.references == [(("Bye", "Adiós"),)]
        for changed in ({"parent": PROJECT}, {"content": ["Hello", "Bye"]}):
            with pytest.raises(exceptions.InvalidArgument):
                await client.adaptive_mt_translate({**request, **changed})


async def test_its_languages_are_listed(google: GoogleEmulator) -> None:
    async with translation_client(google) as client:
        languages = (await client.get_supported_languages(parent=PROJECT)).languages
    assert {"es", "zh-CN"} <= {one.language_code for one in languages}


async def test_a_translation_takes_its_delay(google: GoogleEmulator) -> None:
    google.delays.translation = 0.15
    async with translation_client(google) as client:
        began = time.monotonic()
        await client.translate_text(asked("Hello"))
    assert time.monotonic() - began >= 0.15


@pytest.mark.parametrize(
    ("scenario", "raised"),
    [
        ("unavailable", exceptions.ServiceUnavailable),
        ("internal", exceptions.InternalServerError),
        ("resource_exhausted", exceptions.ResourceExhausted),
        ("permission_denied", exceptions.PermissionDenied),
        ("unauthenticated", exceptions.Unauthenticated),
        ("not_found", exceptions.NotFound),
        ("invalid_argument", exceptions.InvalidArgument),
        ("deadline_exceeded", exceptions.DeadlineExceeded),
        ("drop", exceptions.ServiceUnavailable),
    ],
)
async def test_a_call_fails_as_it_is_told(
    google: GoogleEmulator, scenario: str, raised: type[Exception]
) -> None:
    google.faults.once(scenario, "translation")
    async with translation_client(google) as client:
        with pytest.raises(raised):
            await client.translate_text(asked("Hello"))
        assert await client.translate_text(asked("Hello"))


async def test_a_stalled_call_lasts_as_long_as_the_client_waits(google: GoogleEmulator) -> None:
    google.faults.once("stall", "translation")
    async with translation_client(google) as client:
        with pytest.raises(exceptions.DeadlineExceeded):
            await client.translate_text(asked("Hello"), timeout=0.2)


async def test_an_answer_may_be_empty(google: GoogleEmulator) -> None:
    google.faults.once("empty", "translation")
    async with translation_client(google) as client:
        assert not (await client.translate_text(asked("Hello"))).translations


async def test_calls_side_by_side_share_a_connection(google: GoogleEmulator) -> None:
    async with translation_client(google) as client:
        got = await asyncio.gather(*(client.translate_text(asked(f"Line {n}")) for n in range(50)))
    texts = [response.translations[0].translated_text for response in got]
    assert texts == [f"[es] Line {n}" for n in range(50)]
    assert google.counts.connections == 1
