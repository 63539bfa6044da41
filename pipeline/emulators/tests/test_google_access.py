"""Credentials as Google's clients send them, and as it refuses them."""

from __future__ import annotations

import stat
from pathlib import Path

import grpc
import pytest
from google.api_core import exceptions
from google.api_core.client_options import ClientOptions
from google.auth.credentials import AnonymousCredentials
from google.cloud import translate_v3 as translate
from google.cloud.translate_v3.services.translation_service import transports

from pipeline.emulators.certificate import Certificate
from pipeline.emulators.google.server import GoogleEmulator
from pipeline.emulators.service_account import make_service_account
from pipeline.emulators.tests.clients import (
    config_request,
    recognise,
    speech_client,
    speech_like,
    translation_client,
)

REQUEST = {
    "parent": "projects/emulated-project/locations/global",
    "contents": ["Hello"],
    "target_language_code": "es",
    "source_language_code": "en",
    "mime_type": "text/plain",
}


def test_private_files_are_private(google: GoogleEmulator) -> None:
    for path in (google.account.path, google.certificate.key):
        assert stat.S_IMODE(path.stat().st_mode) == 0o600


async def test_a_service_account_may_use_both_services(google: GoogleEmulator) -> None:
    async with speech_client(google) as client:
        assert await recognise(client, config_request(google), speech_like(loud_s=0.5))
    async with translation_client(google) as client:
        assert (await client.translate_text(REQUEST)).translations


async def test_an_api_key_will_do_instead(google: GoogleEmulator) -> None:
    async with translation_client(google, api_key=google.api_key) as client:
        assert (await client.translate_text(REQUEST)).translations
    async with speech_client(google, api_key=google.api_key) as client:
        assert await recognise(client, config_request(google), speech_like(loud_s=0.5))


async def test_a_wrong_api_key_is_an_invalid_argument(google: GoogleEmulator) -> None:
    async with translation_client(google, api_key="AIzaWrong") as client:
        with pytest.raises(exceptions.InvalidArgument, match="API key not valid") as caught:
            await client.translate_text(REQUEST)
    assert caught.value.reason == "API_KEY_INVALID"


async def test_another_accounts_token_is_refused(google: GoogleEmulator, tmp_path: Path) -> None:
    other = tmp_path / "other"
    other.mkdir()
    # The client goes on signing with the key of the account that was there before.
    google.access.account = make_service_account(other)
    async with translation_client(google) as client:
        with pytest.raises(exceptions.Unauthenticated) as caught:
            await client.translate_text(REQUEST)
    assert caught.value.reason == "ACCESS_TOKEN_TYPE_UNSUPPORTED"


async def test_a_revoked_key_is_refused_in_a_stream(google: GoogleEmulator) -> None:
    google.access.revoked = True
    async with speech_client(google) as client:
        with pytest.raises(exceptions.Unauthenticated):
            await recognise(client, config_request(google), speech_like(loud_s=1), pace_s=0.05)


async def test_no_credentials_are_refused(google: GoogleEmulator) -> None:
    client = translate.TranslationServiceAsyncClient(
        credentials=AnonymousCredentials(),  # type: ignore[no-untyped-call]
        client_options=ClientOptions(api_endpoint=google.address),
    )
    with pytest.raises(exceptions.Unauthenticated) as caught:
        await client.translate_text(REQUEST)
    assert caught.value.reason == "CREDENTIALS_MISSING"
    await client.transport.close()  # type: ignore[no-untyped-call]


async def test_another_project_may_not_be_used(google: GoogleEmulator) -> None:
    recognizer = "projects/someone-elses/locations/us/recognizers/_"
    async with speech_client(google) as client:
        with pytest.raises(exceptions.PermissionDenied, match=r"speech\.recognizers\.recognize"):
            await recognise(
                client,
                config_request(google, recognizer=recognizer),
                speech_like(loud_s=1),
                pace_s=0.05,
            )
    async with translation_client(google) as client:
        with pytest.raises(exceptions.PermissionDenied) as caught:
            await client.translate_text({**REQUEST, "parent": "projects/someone-elses"})
    assert caught.value.reason == "IAM_PERMISSION_DENIED"


async def test_a_service_that_is_not_enabled_says_so(google: GoogleEmulator) -> None:
    google.access.disabled.add("translate.googleapis.com")
    async with translation_client(google) as client:
        with pytest.raises(exceptions.PermissionDenied) as caught:
            await client.translate_text(REQUEST)
    assert caught.value.reason == "SERVICE_DISABLED"


async def test_it_serves_plain_text_where_it_is_told_to(
    tmp_path: Path, emulator_certificate: Certificate
) -> None:
    async with (
        GoogleEmulator(tmp_path, certificate=emulator_certificate, tls=False) as google,
        grpc.aio.insecure_channel(google.address) as channel,
    ):
        client = translate.TranslationServiceAsyncClient(
            transport=transports.TranslationServiceGrpcAsyncIOTransport(channel=channel)
        )
        response = await client.translate_text(
            REQUEST, metadata=[("x-goog-api-key", google.api_key)]
        )
    assert response.translations[0].translated_text == "[es] Hello"
