"""A consent is kept as it was given; when it ends, all that rested on it alone is gone."""

from __future__ import annotations

from datetime import timedelta
from pathlib import Path
from typing import Any

import pytest
from django.utils import timezone
from rest_framework.test import APIClient

from accounts.models import Role, User
from pipeline.bounds import ACTOR_CONSENTS_MAX, ACTOR_SAMPLES_MAX, CONSENT_GRACE_DAYS
from pipeline.speakers.identification import Match
from voices import selectors, services
from voices.errors import LimitReachedError
from voices.models import (
    Actor,
    Consent,
    Decision,
    DecisionKind,
    DiscardedClone,
    PinnedVoice,
    Speaker,
    VoiceClone,
    Voiceprint,
    VoiceSample,
)
from voices.recognition.remembering import Place, keep
from voices.services.consents import tell_of_expired_consents
from voices.tests.conftest import consent_of, heard, join, printed, stored, uploaded
from voices.tests.test_admin import picture
from voices.tests.test_recognition import said

pytestmark = pytest.mark.django_db(transaction=True)


def resting_on(consent: Consent, actor: Actor, owner: User) -> VoiceClone:
    """A sample, a clone with its pin, and what was learned of the voice."""
    uploaded(actor, owner)
    speaker = heard(owner)
    services.confirm(speaker, actor, by=owner)
    printed(Speaker.objects.get(pk=speaker.pk))
    services.pin_voice(actor, owner=owner, by=owner, language="es", engine="x", voice="c1")
    return VoiceClone.objects.create(
        actor=actor, owner=owner, consent=consent, engine="x", vendor_id="c1", state="ready"
    )


def test_a_revocation_ends_what_rested_on_it(
    api: APIClient, actor: Actor, ana: User, media: Path
) -> None:
    consent = consent_of(actor, ana, evidence=b"%PDF-1.7 signed", evidence_name="paper.pdf")
    clone = resting_on(consent, actor, ana)
    body = {"reason": "She has changed her mind."}
    answer = api.post(f"/api/consents/{consent.pk}/revoke", body, format="json").json()
    assert (answer["status"], answer["revocation_reason"]) == ("revoked", body["reason"])
    assert not VoiceSample.objects.exists()
    assert not Voiceprint.objects.exists()
    assert not PinnedVoice.objects.exists()
    clone.refresh_from_db()
    assert clone.state == "revoked"
    assert selectors.recognition_forbidden(ana, [actor.pk]) == {actor.pk}
    # The record stays, its evidence too, and nothing else.
    (kept,) = stored(media)
    assert kept.read_bytes() == b"%PDF-1.7 signed"
    line = Decision.objects.get(kind=DecisionKind.CONSENT_REVOKED)
    assert (line.by, line.subject_id) == (ana, consent.pk)
    assert (line.detail["samples"], line.detail["clones"], line.detail["voiceprints"]) == (1, 1, 1)
    again = api.post(f"/api/consents/{consent.pk}/revoke", {}, format="json")
    assert again.json()["code"] == "consent_revoked"


def test_nothing_is_learned_of_a_voice_whose_recognition_was_revoked(
    actor: Actor, ana: User
) -> None:
    consent_of(actor, ana, uses=("sample",))
    asked = consent_of(actor, ana, uses=("recognise",))
    services.revoke_consent(asked, by=ana)
    # Neither of who turns out to be them, nor in a session that still goes on, nor of a sample.
    speaker = heard(ana)
    printed(speaker)
    services.confirm(speaker, actor, by=ana)
    assert not Voiceprint.objects.exists()
    place = Place(speaker.session_id, ana)
    match: Match[Any] = Match("confirmed", actor.pk, 1.0, by_person=True)
    keep(place, said("S1", 1), match, encoder="test", version="1", voiceprints=True)
    assert not Voiceprint.objects.exists()
    # With a new consent it is.
    consent_of(actor, ana, uses=("recognise",))
    keep(place, said("S1", 1), match, encoder="test", version="1", voiceprints=True)
    assert Voiceprint.objects.get().actor == actor


def test_what_another_consent_covers_goes_on(actor: Actor, ana: User) -> None:
    first = consent_of(actor, ana)
    clone = resting_on(first, actor, ana)
    second = consent_of(actor, ana)
    services.revoke_consent(first, by=ana)
    clone.refresh_from_db()
    assert (clone.state, clone.consent) == ("ready", second)
    assert VoiceSample.objects.get().consent == second
    assert Voiceprint.objects.exists()


def test_an_expired_consent_is_not_used_and_later_settled(actor: Actor, ana: User) -> None:
    consent = consent_of(actor, ana, expires_at=timezone.now() + timedelta(days=1))
    clone = resting_on(consent, actor, ana)

    def expired_for(days: float) -> None:
        now = timezone.now()
        Consent.objects.filter(pk=consent.pk).update(
            given_at=now - timedelta(days=400), expires_at=now - timedelta(days=days)
        )

    expired_for(1)
    assert not selectors.usable_clones(ana).exists()
    assert services.settle_expired_consents() == 0
    assert VoiceSample.objects.exists()
    expired_for(CONSENT_GRACE_DAYS + 1)
    assert services.settle_expired_consents() == 1
    assert services.settle_expired_consents() == 0
    clone.refresh_from_db()
    assert clone.state == "revoked"
    assert not VoiceSample.objects.exists()
    assert Decision.objects.filter(kind=DecisionKind.CONSENT_EXPIRED, by=None).count() == 1


def test_a_consent_written_down_anew_gives_back_what_has_run_out(actor: Actor, ana: User) -> None:
    def runs_out(consent: Consent) -> None:
        now = timezone.now()
        Consent.objects.filter(pk=consent.pk).update(
            given_at=now - timedelta(days=400), expires_at=now - timedelta(hours=1)
        )

    first = consent_of(actor, ana)
    clone = resting_on(first, actor, ana)
    runs_out(first)
    assert not selectors.usable_clones(ana).exists()
    # One that does not cover it helps nothing.
    consent_of(actor, ana, uses=("recognise",))
    assert not selectors.usable_clones(ana).exists()
    second = consent_of(actor, ana)
    assert selectors.usable_clones(ana).get() == clone
    assert VoiceSample.objects.get().consent == second
    # Where another one holds already, it takes over as soon as the first has run out.
    third = consent_of(actor, ana, uses=("clone",))
    runs_out(second)
    tell_of_expired_consents()
    assert selectors.usable_clones(ana).get().consent == third
    assert VoiceSample.objects.get().consent == second
    # What is gone does not come back.
    services.revoke_consent(third, by=ana)
    consent_of(actor, ana)
    assert not selectors.usable_clones(ana).exists()


def test_no_clone_is_made_of_a_recording_whose_consent_has_run_out(
    api: APIClient, actor: Actor, ana: User
) -> None:
    kept = consent_of(actor, ana, uses=("sample",))
    sample = uploaded(actor, ana)
    consent_of(actor, ana, uses=("clone",))
    now = timezone.now()
    Consent.objects.filter(pk=kept.pk).update(
        given_at=now - timedelta(days=400), expires_at=now - timedelta(hours=1)
    )
    for body in ({}, {"samples": [str(sample.pk)]}):
        wish = {"actor": str(actor.pk), "engine": "espeak", **body}
        refused = api.post("/api/clones", wish, format="json")
        assert (refused.status_code, [*refused.json()["errors"]]) == (400, ["samples"])
    consent_of(actor, ana, uses=("sample",))
    assert api.post("/api/clones", wish, format="json").status_code == 202


def test_of_the_catalogue_nobody_uses_up_what_another_one_may_keep(ana: User, ben: User) -> None:
    actor = services.create_actor(None, by=None, name="Known to all")
    Consent.objects.bulk_create(
        Consent(actor=actor, owner=ben, given_by="B", uses=["sample"], statement="Y", given_at=now)
        for now in [timezone.now()] * ACTOR_CONSENTS_MAX
    )
    VoiceSample.objects.bulk_create(
        VoiceSample(actor=actor, owner=ben, state="ready") for _ in range(ACTOR_SAMPLES_MAX)
    )
    consent_of(actor, ana)
    uploaded(actor, ana)
    for add in (consent_of, uploaded):
        with pytest.raises(LimitReachedError):
            add(actor, ben)


@pytest.mark.parametrize(
    ("changes", "field"),
    [
        ({"uses": []}, "uses"),
        ({"uses": ["sell"]}, "uses"),
        ({"statement": ""}, "statement"),
        ({"given_at": "2999-01-01T00:00:00Z"}, "given_at"),
        ({"expires_at": "2001-01-01T00:00:00Z"}, "expires_at"),
        ({"given_by": ""}, "given_by"),
    ],
)
def test_a_wrong_consent_is_refused_by_the_field(
    api: APIClient, actor: Actor, changes: Any, field: str
) -> None:
    body = {"actor": str(actor.pk), "given_by": "Ida", "uses": ["clone"], "statement": "Yes."}
    answer = api.post("/api/consents", {**body, **changes}, format="json")
    assert answer.status_code == 400
    assert list(answer.json()["errors"]) == [field]


def test_evidence_is_told_by_its_content(api: APIClient, actor: Actor, media: Path) -> None:
    body: dict[str, Any] = {"actor": str(actor.pk), "given_by": "Ida", "uses": ["clone", "sample"]}
    answer = api.post("/api/consents", {**body, "evidence": picture()}, format="multipart")
    assert answer.status_code == 201, answer.json()
    assert (answer.json()["evidence_type"], answer.json()["uses"]) == (
        "image/png",
        ["sample", "clone"],
    )
    shown: Any = api.get(answer.json()["evidence_url"])
    assert shown["Content-Type"] == "image/png"
    assert shown["Content-Disposition"].startswith("attachment")
    assert b"".join(shown.streaming_content).startswith(b"\x89PNG")
    from django.core.files.uploadedfile import SimpleUploadedFile

    page = SimpleUploadedFile("signed.pdf", b"<script>alert(1)</script>", "application/pdf")
    refused = api.post("/api/consents", {**body, "evidence": page}, format="multipart")
    assert list(refused.json()["errors"]) == ["evidence"]
    assert len(stored(media)) == 1


def test_nothing_stays_of_an_account_that_is_deleted(
    actor: Actor, ana: User, ben: User, make_team: Any, media: Path
) -> None:
    team = make_team(ana)
    services.share_actor(actor, by=ana, team=team)
    consent = consent_of(actor, ana, evidence=b"%PDF-1.7 signed", evidence_name="paper.pdf")
    resting_on(consent, actor, ana)
    services.set_picture(actor, by=ana, content=picture().read())
    services.ensure_title("A film", owner=ana)
    others = services.create_actor(ben, by=ben, name="Ben's")
    services.set_picture(others, by=ben, content=picture().read())
    assert len(stored(media)) == 4
    ana.delete()
    others.refresh_from_db()
    assert [str(one) for one in stored(media)] == [str(media / str(others.picture.name))]
    assert list(Actor.objects.all()) == [others]
    for kind in (Consent, VoiceSample, VoiceClone, Speaker, Voiceprint, PinnedVoice):
        assert not kind.objects.exists()
    assert set(Decision.objects.values_list("owner", flat=True)) == {ben.pk}
    # The vendor still has the voice: it is on the list of those to delete there.
    assert DiscardedClone.objects.get().vendor_id == "c1"


def test_a_pin_to_a_clone_does_not_outlast_it(
    actor: Actor, ana: User, ben: User, make_team: Any
) -> None:
    team = make_team(ana)
    join(team, ben, Role.EDITOR)
    services.share_actor(actor, by=ana, team=team)
    consent = consent_of(actor, ana)
    clones = [
        VoiceClone.objects.create(
            actor=actor, owner=owner, team=team, consent=consent, engine="x", vendor_id=voice,
            state="ready",
        )
        for owner, voice in ((ana, "hers"), (ben, "his"))
    ]  # fmt: skip
    services.pin_voice(actor, owner=ana, by=ana, language="es", engine="x", voice="his")
    ben.delete()
    assert not PinnedVoice.objects.exists()
    # She is not left with a stock voice.
    assert selectors.clone_to_speak(ana, actor.pk, "x", "es") == clones[0]


def test_no_file_stays_of_an_actor_that_is_deleted(
    api: APIClient, actor: Actor, ana: User, media: Path
) -> None:
    consent = consent_of(actor, ana, evidence=b"%PDF-1.7 signed", evidence_name="paper.pdf")
    resting_on(consent, actor, ana)
    for _ in "ab":
        # The one that is replaced goes at once.
        answer = api.put(
            f"/api/actors/{actor.pk}/picture", {"picture": picture()}, format="multipart"
        )
        assert answer.status_code == 200, answer.json()
        assert len(stored(media)) == 3
    assert api.delete(f"/api/actors/{actor.pk}").status_code == 204
    assert not stored(media)


@pytest.mark.parametrize(
    "content", [b"", b"GIF89a", b"\x89PNG\r\n\x1a\n" + b"\0" * 40, b"<svg onload='alert(1)'/>"]
)
def test_what_is_no_picture_is_refused(
    api: APIClient, actor: Actor, media: Path, content: bytes
) -> None:
    from django.core.files.uploadedfile import SimpleUploadedFile

    upload = SimpleUploadedFile("face.png", content, "image/png")
    answer = api.put(f"/api/actors/{actor.pk}/picture", {"picture": upload}, format="multipart")
    assert answer.status_code == 400
    assert list(answer.json()["errors"]) == ["picture"]
    assert not stored(media)


def test_a_picture_keeps_nothing_that_the_camera_noted(actor: Actor, ana: User) -> None:
    import io

    from PIL import Image

    tags = Image.Exif()
    tags[0x010F] = "a camera"
    tags[0x0112] = 6
    sent = io.BytesIO()
    Image.new("RGB", (40, 20)).save(sent, "JPEG", exif=tags)
    services.set_picture(actor, by=ana, content=sent.getvalue())
    actor.refresh_from_db()
    with actor.picture.open() as file:
        kept = Image.open(io.BytesIO(file.read()))
    # Turned upright, as the tag said, and without it.
    assert (kept.format, kept.size, dict(kept.getexif())) == ("WEBP", (20, 40), {})
