"""The admin pages: everything is found, heard, decided and revoked there, by staff alone."""

from __future__ import annotations

import io
import re
from datetime import timedelta
from typing import Any

import pytest
from django.contrib.auth.models import Permission
from django.core.files.uploadedfile import SimpleUploadedFile
from django.test import Client
from django.urls import reverse
from django.utils import timezone
from PIL import Image

from accounts.models import User
from voices import services
from voices.models import (
    Actor,
    Consent,
    Decision,
    DecisionKind,
    DiscardedClone,
    PinnedVoice,
    Speaker,
    SpeakerState,
    VoiceClone,
    VoiceSample,
)
from voices.tests.conftest import analysed, consent_of, heard, uploaded, wav

pytestmark = pytest.mark.django_db

MODELS = (
    "actor",
    "speaker",
    "voicesample",
    "consent",
    "voiceclone",
    "pinnedvoice",
    "title",
    "decision",
)


@pytest.fixture
def staff(db: None) -> Client:
    user = User.objects.create_superuser("root@example.org")
    client = Client()
    client.force_login(user, "allauth.account.auth_backends.AuthenticationBackend")
    return client


@pytest.fixture
def everything(actor: Actor, ana: User, consent: Consent) -> dict[str, Any]:
    speaker = heard(ana)
    services.note_match(speaker, actor, confidence=0.75, confirmed=False)
    sample = analysed(uploaded(actor, ana))
    pin, _ = services.pin_voice(actor, owner=ana, by=ana, language="es", engine="x", voice="v")
    clone = VoiceClone.objects.create(
        actor=actor, owner=ana, consent=consent, engine="x", vendor_id="c1", state="ready"
    )
    title = services.ensure_title("A film", owner=ana)
    return {
        "actor": actor,
        "speaker": speaker,
        "voicesample": sample,
        "consent": consent,
        "voiceclone": clone,
        "pinnedvoice": pin,
        "title": title,
        "decision": Decision.objects.first(),
    }


def address(model: str, page: str, *args: Any) -> str:
    return reverse(f"admin:voices_{model}_{page}", args=args)


def act(client: Client, model: str, action: str, *rows: Any, **more: Any) -> Any:
    chosen = {"action": action, "_selected_action": [str(row.pk) for row in rows], **more}
    return client.post(address(model, "changelist"), chosen, follow=True)


@pytest.mark.parametrize("model", MODELS)
def test_staff_see_lists_and_rows(staff: Client, everything: dict[str, Any], model: str) -> None:
    assert staff.get(address(model, "changelist")).status_code == 200
    for query in ("q=Ida", "whose=people", "whose=catalogue", "whose=teams"):
        assert staff.get(f"{address(model, 'changelist')}?{query}").status_code == 200
    assert staff.get(address(model, "change", everything[model].pk)).status_code == 200


@pytest.mark.parametrize("model", MODELS)
def test_others_see_nothing(ana: User, everything: dict[str, Any], model: str) -> None:
    for member in (None, ana):
        client = Client()
        if member is not None:
            client.force_login(member, "allauth.account.auth_backends.AuthenticationBackend")
        pages = [address(model, "changelist"), address(model, "change", everything[model].pk)]
        if model == "voicesample":
            pages.append(address(model, "audio", everything[model].pk))
        for page in pages:
            answer = client.get(page)
            assert (answer.status_code, answer["Location"].startswith("/admin/login/")) == (
                302,
                True,
            )


def test_staff_without_the_permission_see_and_hear_nothing(everything: dict[str, Any]) -> None:
    half = User.objects.create_user("half@example.org", is_staff=True)
    half.user_permissions.add(Permission.objects.get(codename="view_title"))
    client = Client()
    client.force_login(half, "allauth.account.auth_backends.AuthenticationBackend")
    assert client.get(address("title", "changelist")).status_code == 200
    for model in ("actor", "speaker", "voicesample", "consent", "decision"):
        assert client.get(address(model, "changelist")).status_code == 403
    assert (
        client.get(address("voicesample", "audio", everything["voicesample"].pk)).status_code == 404
    )
    assert client.get(address("actor", "picture", everything["actor"].pk)).status_code == 404
    assert client.get(address("consent", "evidence", everything["consent"].pk)).status_code == 404


def test_an_actor_is_found_by_an_alias(staff: Client, ana: User) -> None:
    services.create_actor(ana, by=ana, name="Ida Known", aliases=["Ida the Second"])
    services.create_actor(ana, by=ana, name="Otto")
    page = staff.get(f"{address('actor', 'changelist')}?q=second").content.decode()
    assert "Ida Known" in page
    assert "Otto" not in page


def test_a_sample_is_heard_in_its_list(staff: Client, everything: dict[str, Any]) -> None:
    page = staff.get(address("voicesample", "changelist")).content.decode()
    (source,) = re.findall(r'<audio controls preload="none" src="([^"]+)"', page)
    answer: Any = staff.get(source, headers={"Range": "bytes=0-3"})
    assert (answer.status_code, b"".join(answer.streaming_content)) == (206, b"fLaC")


def test_actors_are_merged_after_asking_which_stays(staff: Client, actor: Actor, ana: User) -> None:
    other = services.create_actor(ana, by=ana, name="Ida K.")
    asked = act(staff, "actor", "merge", actor, other)
    assert "Which of them stays?" in asked.content.decode()
    assert Actor.objects.count() == 2
    act(staff, "actor", "merge", actor, other, into=str(actor.pk))
    kept = Actor.objects.get()
    assert (kept.pk, kept.aliases) == (actor.pk, ["Ida K."])
    line = Decision.objects.get(kind=DecisionKind.MERGED)
    assert (line.actor_id, line.subject_id) == (actor.pk, other.pk)
    assert line.by is not None
    assert line.by.email == "root@example.org"


def test_suggestions_are_confirmed_and_rejected(staff: Client, actor: Actor, ana: User) -> None:
    first, second, third = heard(ana), heard(ana), heard(ana)
    for speaker in (first, second):
        services.note_match(speaker, actor, confidence=0.7, confirmed=False)
    act(staff, "speaker", "confirm", first, third)
    act(staff, "speaker", "reject", second)
    states = [Speaker.objects.get(pk=one.pk).state for one in (first, second, third)]
    assert states == [SpeakerState.CONFIRMED, SpeakerState.REJECTED, SpeakerState.UNKNOWN]
    assert second.rejections.get().actor == actor


def test_choosing_an_actor_on_the_page_confirms(staff: Client, actor: Actor, ana: User) -> None:
    speaker = heard(ana)
    page = address("speaker", "change", speaker.pk)
    staff.post(page, {"name": "the tall one", "actor": str(actor.pk)})
    speaker.refresh_from_db()
    assert (speaker.name, speaker.actor, speaker.decided_by_person) == ("the tall one", actor, True)
    staff.post(page, {"name": "the tall one", "actor": ""})
    speaker.refresh_from_db()
    assert (speaker.state, speaker.actor) == (SpeakerState.REJECTED, None)


def test_an_actor_whom_the_owner_cannot_see_is_not_chosen(
    staff: Client, actor: Actor, ben: User
) -> None:
    speaker = heard(ben)
    answer = staff.post(
        address("speaker", "change", speaker.pk), {"name": "", "actor": str(actor.pk)}
    )
    assert "cannot see this actor" in answer.content.decode()
    speaker.refresh_from_db()
    assert speaker.actor is None


def test_consents_are_revoked(staff: Client, consent: Consent, actor: Actor, ana: User) -> None:
    uploaded(actor, ana)
    act(staff, "consent", "revoke", consent)
    consent.refresh_from_db()
    assert consent.revoked_at is not None
    assert not VoiceSample.objects.exists()
    # The consent itself cannot be edited or deleted.
    assert staff.post(address("consent", "delete", consent.pk), {"post": "yes"}).status_code == 403
    page = address("consent", "change", consent.pk)
    assert staff.post(page, {"given_by": "Nobody"}).status_code == 403


def test_samples_are_analysed_again(staff: Client, everything: dict[str, Any]) -> None:
    act(staff, "voicesample", "analyse_again", everything["voicesample"])
    assert VoiceSample.objects.get().state == "waiting"


def test_the_history_is_read_only(staff: Client, everything: dict[str, Any]) -> None:
    line = everything["decision"]
    before = Decision.objects.count()
    assert staff.get(address("decision", "add")).status_code == 403
    assert (
        staff.post(address("decision", "change", line.pk), {"kind": "deleted"}).status_code == 403
    )
    assert staff.post(address("decision", "delete", line.pk), {"post": "yes"}).status_code == 403
    act(staff, "decision", "delete_selected", line, post="yes")
    assert Decision.objects.count() == before


def picture() -> SimpleUploadedFile:
    content = io.BytesIO()
    Image.new("RGB", (900, 600), "red").save(content, "PNG")
    return SimpleUploadedFile("face.png", content.getvalue(), "image/png")


def inlines(**more: Any) -> dict[str, Any]:
    names = ("samples", "consents", "pinned_voices", "clones", "speakers")
    empty = {f"{name}-{part}_FORMS": "0" for name in names for part in ("TOTAL", "INITIAL")}
    return {**empty, **more}


def test_staff_keep_the_catalogue(staff: Client) -> None:
    """An actor, a consent with its paper, and a sample, all nobody's."""
    fields = inlines(name="Everyone's", aliases="E, F", languages="en,de", new_picture=picture())
    made = staff.post(address("actor", "add"), fields)
    assert made.status_code == 302, made.content.decode()
    actor = Actor.objects.get()
    assert (actor.owner, actor.aliases, actor.languages) == (None, ["E", "F"], ["en", "de"])
    shown = staff.get(address("actor", "picture", actor.pk))
    body = b"".join(shown.streaming_content)  # type: ignore[attr-defined]
    assert Image.open(io.BytesIO(body)).size == (512, 341)
    consent = {
        "actor": str(actor.pk),
        "given_by": "E.",
        "uses": ["sample", "clone"],
        "given_at_0": "2020-01-01",
        "given_at_1": "10:00:00",
        "paper": SimpleUploadedFile("signed.pdf", b"%PDF-1.7 signed"),
    }
    staff.post(address("consent", "add"), consent)
    kept = Consent.objects.get()
    assert (kept.owner, kept.evidence_type, kept.evidence_name) == (
        None,
        "application/pdf",
        "signed.pdf",
    )
    paper = staff.get(address("consent", "evidence", kept.pk))
    assert b"".join(paper.streaming_content) == b"%PDF-1.7 signed"  # type: ignore[attr-defined]
    sample = {"actor": str(actor.pk), "recording": SimpleUploadedFile("a.wav", wav())}
    staff.post(address("voicesample", "add"), sample)
    assert VoiceSample.objects.get().consent == kept
    bad = {"actor": str(actor.pk), "recording": SimpleUploadedFile("a.wav", b"no sound")}
    answer = staff.post(address("voicesample", "add"), bad)
    assert "no recording that can be read" in answer.content.decode()
    assert VoiceSample.objects.count() == 1


def test_staff_give_an_actor_to_the_catalogue(staff: Client, everything: dict[str, Any]) -> None:
    actor = everything["actor"]
    pin = {"TOTAL_FORMS": "1", "0-language": "fr", "0-engine": "x", "0-voice": "french"}
    fields = inlines(name=actor.name, aliases="", languages="en", owner="", team="")
    fields |= {f"pinned_voices-{name}": value for name, value in pin.items()}
    answer = staff.post(address("actor", "change", actor.pk), fields)
    assert answer.status_code == 302, answer.content.decode()
    actor.refresh_from_db()
    assert actor.owner is None
    for kind in (VoiceSample, Consent, VoiceClone):
        assert kind.objects.get().owner is None
    # The one there was, and the one that was added on the page.
    pins = list(PinnedVoice.objects.order_by("language"))
    assert [pin.language for pin in pins] == ["es", "fr"]
    assert [pin.owner for pin in pins] == [None, None]


def test_a_clone_goes_with_its_pins_and_stands_in_the_history(
    staff: Client, everything: dict[str, Any]
) -> None:
    clone, pin = everything["voiceclone"], everything["pinnedvoice"]
    PinnedVoice.objects.filter(pk=pin.pk).update(voice=clone.vendor_id)
    staff.post(address("voiceclone", "delete", clone.pk), {"post": "yes"})
    assert not VoiceClone.objects.exists()
    assert not PinnedVoice.objects.exists()
    assert Decision.objects.get(kind=DecisionKind.CLONE_DELETED).subject_id == clone.pk
    # Until the vendor has deleted it, staff see that and why not, and have it tried again.
    left = DiscardedClone.objects.get()
    later = timezone.now() + timedelta(hours=1)
    DiscardedClone.objects.update(attempts=3, problem="key_refused", due_at=later)
    page = staff.get(address("discardedclone", "changelist")).content.decode()
    assert "key_refused" in page
    assert staff.get(address("discardedclone", "change", left.pk)).status_code == 200
    assert "1 in line" in act(staff, "discardedclone", "try_now", left).content.decode()
    left.refresh_from_db()
    assert left.due_at < later
    assert staff.get(address("discardedclone", "delete", left.pk)).status_code == 403


def test_a_deleted_actor_stands_in_the_history(staff: Client, actor: Actor, ana: User) -> None:
    consent_of(actor, ana)
    staff.post(address("actor", "delete", actor.pk), {"post": "yes"})
    assert not Actor.objects.exists()
    line = Decision.objects.get(kind=DecisionKind.DELETED)
    assert (line.actor_id, line.detail) == (actor.pk, {"samples": 0, "consents": 1})
