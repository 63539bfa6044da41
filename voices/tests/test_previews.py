"""Voices compared before one is chosen: spoken, private, and gone after some days."""

from __future__ import annotations

from datetime import timedelta
from pathlib import Path
from typing import Any

import pytest
from django.utils import timezone
from rest_framework.test import APIClient

from accounts.models import User
from pipeline.files.disclosure import disclosed
from voices import services
from voices.cloning.making import make_clone
from voices.models import Actor, Comparison, Consent, Preview, VoiceClone, VoiceSample
from voices.services.previews import forget_expired_comparisons, speak_preview
from voices.tests.conftest import analysed, client_of, consent_of, stored, uploaded
from voices.tests.test_clones import clip

pytestmark = pytest.mark.django_db(transaction=True)


@pytest.fixture
def known(actor: Actor, ana: User, speech_data: Path) -> tuple[Consent, VoiceSample, VoiceClone]:
    """With a sample and a clone."""
    consent = consent_of(actor, ana)
    sample = analysed(uploaded(actor, ana, clip(speech_data, "3080", 0, 1)))
    clone, _ = services.request_clone(actor, owner=ana, by=ana, engine="espeak")
    assert make_clone(clone.pk) is None
    clone.refresh_from_db()
    return consent, sample, clone


def body_of(clone: VoiceClone, sample: VoiceSample, **more: Any) -> dict[str, Any]:
    return {
        "text": "El comité publicará su informe.",
        "language": "es",
        "sample": str(sample.pk),
        "actor": str(clone.actor_id),
        "voices": [
            {"clone": str(clone.pk)},
            {"clone": str(clone.pk), "settings": {"similarity": 0.2}},
            {"engine": "espeak", "voice": "espeak:es:m3"},
        ],
        **more,
    }


def spoken(api: APIClient, body: dict[str, Any]) -> dict[str, Any]:
    made = api.post("/api/comparisons", body, format="json")
    assert made.status_code == 202, made.content
    for preview in Preview.objects.all():
        assert speak_preview(preview.pk)
    read: dict[str, Any] = api.get(made["Location"]).json()
    return read


def test_three_voices_are_heard_beside_the_persons_own(
    api: APIClient,
    ben: User,
    known: tuple[Consent, VoiceSample, VoiceClone],
    media: Path,
) -> None:
    _, sample, clone = known
    read = spoken(api, body_of(clone, sample))
    assert [one["state"] for one in read["previews"]] == ["ready"] * 3
    assert read["sample_url"] == f"/api/samples/{sample.pk}/audio"
    own, weak, stock = (one["similarity"] for one in read["previews"])
    assert own > weak
    assert own > stock
    first = read["previews"][0]
    sound = api.get(first["audio_url"])
    assert (sound["Content-Type"], sound["Cache-Control"]) == ("audio/flac", "private, no-store")
    assert sound.getvalue()[:4] == b"fLaC"
    sound.close()
    audio = Preview.objects.get(pk=first["id"]).audio.name
    assert disclosed(media / str(audio))["ai_engine"] == "espeak"
    link = api.get(f"/api/previews/{first['id']}/link").json()["url"]
    linked = APIClient().get(link)
    assert linked.status_code == 200
    linked.close()
    assert APIClient().get(first["audio_url"]).status_code == 401
    # What is somebody else's can be neither heard nor spoken with.
    stranger = client_of(ben)
    for path in (first["audio_url"], f"/api/comparisons/{read['id']}", f"/api/clones/{clone.pk}"):
        assert stranger.get(path).status_code == 404
    refused = stranger.post(
        "/api/comparisons",
        {"text": "Hola.", "language": "es", "voices": [{"clone": str(clone.pk)}]},
        format="json",
    )
    assert refused.status_code in {400, 422}


def test_a_clone_is_heard_no_longer_than_its_consent_holds(
    api: APIClient, ana: User, known: tuple[Consent, VoiceSample, VoiceClone], media: Path
) -> None:
    consent, sample, clone = known
    read = spoken(api, body_of(clone, sample))
    waiting = api.post("/api/comparisons", body_of(clone, sample), format="json").json()
    services.revoke_consent(consent, by=ana)
    assert api.get(read["previews"][0]["audio_url"]).status_code == 404
    stock = api.get(read["previews"][2]["audio_url"])
    assert stock.status_code == 200
    stock.close()
    left = api.get(f"/api/comparisons/{read['id']}").json()["previews"]
    assert [one["clone"] for one in left] == [None]
    for preview in Preview.objects.filter(comparison=waiting["id"]):
        speak_preview(preview.pk)
    assert set(Preview.objects.values_list("clone", flat=True)) == {None}
    assert api.get(f"/api/clones/{clone.pk}/preview").status_code == 409
    assert api.get(f"/api/clones/{clone.pk}").json()["state"] == "revoked"
    again = api.post("/api/comparisons", body_of(clone, sample), format="json")
    assert again.status_code in {400, 422}


def test_comparisons_go_after_some_days_with_their_sound(
    api: APIClient, known: tuple[Consent, VoiceSample, VoiceClone], media: Path
) -> None:
    _, sample, clone = known
    before = set(stored(media))
    read = spoken(api, body_of(clone, sample))
    assert len(set(stored(media)) - before) == 3
    Comparison.objects.update(expires_at=timezone.now() - timedelta(seconds=1))
    assert api.get(f"/api/comparisons/{read['id']}").status_code == 404
    assert api.get(read["previews"][0]["audio_url"]).status_code == 404
    assert forget_expired_comparisons() == 1
    assert set(stored(media)) == before


def test_clones_over_rest_are_asked_for_once_and_tuned(
    api: APIClient, ana: User, known: tuple[Consent, VoiceSample, VoiceClone]
) -> None:
    _, sample, clone = known
    wish = {"actor": str(clone.actor_id), "engine": "espeak", "samples": [str(sample.pk)]}
    same = api.post("/api/clones", wish, format="json")
    assert (same.status_code, same.json()["id"]) == (200, str(clone.pk))
    edited = api.patch(
        f"/api/clones/{clone.pk}",
        {"name": "Calm", "settings": {"similarity": 0.6, "base": "f2"}},
        format="json",
        headers={"If-Match": "*"},
    )
    assert (edited.status_code, edited.json()["settings"]) == (
        200,
        {"similarity": 0.6, "base": "f2"},
    )
    asked = api.post(f"/api/clones/{clone.pk}/optimise")
    assert (asked.status_code, asked.json()["optimising"]) == (202, True)
    assert make_clone(clone.pk) is None
    tuned = api.get(f"/api/clones/{clone.pk}").json()
    assert (tuned["state"], tuned["optimising"]) == ("ready", False)
    final = tuned["trace"][-1]
    assert 2 <= len(tuned["trace"]) <= 13
    assert tuned["quality"]["score"] >= final["default_score"]
    assert api.get("/api/clones?state=ready").json()["results"][0]["id"] == str(clone.pk)
    voices = api.get("/api/voices?language=es").json()["voices"]
    assert next(one for one in voices if one["clone"])["id"] == clone.vendor_id
    stock = api.get("/api/voices?language=es&whose=stock").json()["voices"]
    assert stock == [one for one in voices if not one["clone"]]
    assert api.get("/api/voices?language=es&whose=mine").status_code == 400
    assert api.delete(f"/api/clones/{clone.pk}").status_code == 204
    assert not VoiceClone.objects.exists()
