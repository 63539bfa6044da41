"""Clones at a vendor: its faults, its slots, the same wish twice, and their way out again."""

from __future__ import annotations

import threading
from collections.abc import Iterator
from dataclasses import replace
from datetime import timedelta
from pathlib import Path
from typing import Any

import pytest
from django.db import connection
from django.utils import timezone

from accounts.models import EngineKey, User
from accounts.personal_data import delete_account
from accounts.sealing import reseal_all
from accounts.services import forget_engine_key, keep_engine_key
from pipeline.emulators.elevenlabs.catalog import PLANS
from pipeline.emulators.elevenlabs.errors import missing
from pipeline.emulators.elevenlabs.server import ElevenLabsEmulator
from voices import selectors, services
from voices.cloning.claims import waiting_clones
from voices.cloning.discarding import delete_discarded_clones
from voices.cloning.making import make_clone
from voices.models import Actor, Consent, Decision, DiscardedClone, PinnedVoice, VoiceClone
from voices.tests.conftest import analysed, consent_of, uploaded
from voices.tests.test_clones import clip
from voices.tests.vendor import running_vendor, stored

pytestmark = pytest.mark.django_db(transaction=True)


@pytest.fixture
def vendor(settings: Any) -> Iterator[ElevenLabsEmulator]:
    with running_vendor() as made:
        settings.ELEVENLABS_API_KEY = made.api_key
        settings.ELEVENLABS_BASE_URL = made.base_url
        settings.CLOUD_ROOT_CERTIFICATES = made.certificate
        yield made


@pytest.fixture
def consented(actor: Actor, ana: User, speech_data: Path) -> Consent:
    """With half a minute of the actor's speech."""
    consent = consent_of(actor, ana)
    analysed(uploaded(actor, ana, clip(speech_data, "3080", 0, 1, 2)))
    return consent


def asked(actor: Actor, owner: User, **more: Any) -> VoiceClone:
    clone, _ = services.request_clone(actor, owner=owner, by=owner, engine="elevenlabs", **more)
    return clone


def made(clone: VoiceClone) -> VoiceClone:
    """With its pauses passed over, as if time went by."""
    for _ in range(10):
        VoiceClone.objects.filter(pk=clone.pk).update(retry_at=None)
        again_s = make_clone(clone.pk)
        clone.refresh_from_db()
        if again_s is None:
            return clone
    raise AssertionError("it is tried for ever")


def due() -> None:
    DiscardedClone.objects.update(due_at=timezone.now() - timedelta(seconds=1))


PASSING = (
    "http_500",
    "http_502",
    "http_503",
    "system_busy",
    "too_many_concurrent_requests",
    "already_running",
    "drop",
)
STAYING = {
    "invalid_api_key": "key",
    "quota_exceeded": "credits",
    "only_for_creator+": "plan",
    "can_not_use_instant_voice_cloning": "plan",
    "voice_limit_reached": "voices",
    "voice_not_found": "voice",
    missing().status: "wrong",
}
"""Scenario → a word of what the person is told. 400, 401, 403 and 422."""
SPOKEN = ("speech", "stream_input", "multi_stream_input")


def test_faults_that_pass_cost_time_and_leave_one_clone(
    vendor: ElevenLabsEmulator, actor: Actor, ana: User, consented: Consent
) -> None:
    clone = asked(actor, ana)
    for scenario in PASSING:
        vendor.faults.once(scenario, "clone")
        VoiceClone.objects.filter(pk=clone.pk).update(retry_at=None, attempts=0)
        assert make_clone(clone.pk) is not None, scenario
        clone.refresh_from_db()
        assert (clone.state, clone.step) == ("waiting", "create"), scenario
        assert clone.problem, scenario
        assert stored(vendor) == [], scenario
    # What fails later does not make the voice again.
    vendor.faults.always("http_503", *SPOKEN)
    VoiceClone.objects.filter(pk=clone.pk).update(retry_at=None, attempts=0)
    assert make_clone(clone.pk) is not None
    clone.refresh_from_db()
    assert (clone.state, clone.step) == ("waiting", "preview")
    assert stored(vendor) == [clone.vendor_id]
    vendor.faults.clear()
    clone = made(clone)
    assert (clone.state, clone.problem) == ("ready", "")
    assert stored(vendor) == [clone.vendor_id]
    assert vendor.counters.requests["clone"] == len(PASSING) + 1
    assert not DiscardedClone.objects.exists()


def test_faults_that_stay_are_told_and_leave_nothing(
    vendor: ElevenLabsEmulator, actor: Actor, ana: User, consented: Consent
) -> None:
    for scenario, word in STAYING.items():
        vendor.faults.always(scenario, "clone")
        clone = made(asked(actor, ana))
        assert clone.state == "failed", scenario
        assert word in clone.problem, scenario
        vendor.faults.clear()
        due()
        delete_discarded_clones()
        assert (stored(vendor), DiscardedClone.objects.count()) == ([], 0), scenario
    # The same wish again is another try.
    assert made(asked(actor, ana)).state == "ready"


def test_the_same_wish_at_the_same_moment_is_one_clone(
    vendor: ElevenLabsEmulator, actor: Actor, ana: User, consented: Consent
) -> None:
    begin = threading.Barrier(4)
    found: list[VoiceClone] = []

    def wish() -> None:
        try:
            begin.wait(60)
            found.append(asked(actor, ana))
            make_clone(found[-1].pk)
        finally:
            connection.close()

    threads = [threading.Thread(target=wish) for _ in range(4)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join(60)
    assert len({one.pk for one in found}) == 1
    clone = VoiceClone.objects.get()
    assert (clone.state, stored(vendor)) == ("ready", [clone.vendor_id])
    assert asked(actor, ana) == clone


def test_a_voice_whose_answer_was_lost_is_found_by_its_mark(
    vendor: ElevenLabsEmulator, actor: Actor, ana: User, consented: Consent
) -> None:
    clone = asked(actor, ana)
    # The vendor makes the voice, and what it answers is no JSON.
    vendor.faults.once("malformed", "clone")
    assert make_clone(clone.pk) is not None
    there = stored(vendor)
    assert len(there) == 1
    clone = made(clone)
    assert (clone.state, clone.vendor_id, stored(vendor)) == ("ready", there[0], there)


def test_without_its_clone_a_voice_whose_answer_was_lost_goes_too(
    vendor: ElevenLabsEmulator, actor: Actor, ana: User, consented: Consent
) -> None:
    clone = asked(actor, ana)
    vendor.faults.once("malformed", "clone")
    make_clone(clone.pk)
    assert len(stored(vendor)) == 1
    services.delete_clone(clone, by=ana)
    due()
    assert delete_discarded_clones() == (1, 0)
    assert stored(vendor) == []


def test_revoking_deletes_at_the_vendor_until_it_is_gone(
    vendor: ElevenLabsEmulator, actor: Actor, ana: User, consented: Consent
) -> None:
    clone = made(asked(actor, ana))
    services.pin_voice(
        actor, owner=ana, by=ana, language="es", engine="elevenlabs", voice=clone.vendor_id
    )
    assert list(selectors.usable_clones(ana, actor.pk)) == [clone]
    vendor.faults.once("http_500", "delete")
    services.revoke_consent(consented, by=ana, reason="changed my mind")
    # From that moment it is not used, whatever the vendor does.
    assert not selectors.usable_clones(ana, actor.pk).exists()
    assert not PinnedVoice.objects.exists()
    assert delete_discarded_clones() == (0, 1)
    waiting = DiscardedClone.objects.get()
    assert (waiting.problem, waiting.due_at > timezone.now()) == ("vendor_failed", True)
    due()
    assert delete_discarded_clones() == (1, 0)
    assert stored(vendor) == []
    clone.refresh_from_db()
    assert (clone.state, clone.preview.name) == ("deleted", "")
    consented.refresh_from_db()
    assert consented.revoked_at is not None
    kinds = set(Decision.objects.filter(actor_id=actor.pk).values_list("kind", flat=True))
    assert {"consent_given", "clone_made", "consent_revoked", "clone_gone"} <= kinds


def test_revoked_while_it_is_made_nothing_is_left(
    vendor: ElevenLabsEmulator, actor: Actor, ana: User, consented: Consent
) -> None:
    clone = asked(actor, ana)
    vendor.faults.once("http_500", "clone")
    assert make_clone(clone.pk) is not None
    services.revoke_consent(consented, by=ana)
    assert clone.pk not in waiting_clones()
    assert make_clone(clone.pk) is None
    due()
    delete_discarded_clones()
    assert stored(vendor) == []


def test_an_account_takes_its_voices_along_with_its_own_key(
    vendor: ElevenLabsEmulator, actor: Actor, ana: User, consented: Consent, settings: Any
) -> None:
    keep_engine_key(ana, vendor="elevenlabs", text=vendor.api_key)
    # The installation's own opens another account, or none.
    settings.ELEVENLABS_API_KEY = ""
    clone = made(asked(actor, ana))
    assert stored(vendor) == [clone.vendor_id]
    delete_account(ana)
    row = DiscardedClone.objects.get()
    assert row.owner is None
    assert vendor.api_key not in row.sealed_key
    assert delete_discarded_clones() == (1, 0)
    assert (stored(vendor), DiscardedClone.objects.count()) == ([], 0)


def test_a_voice_is_deleted_with_the_key_that_it_was_made_with(
    vendor: ElevenLabsEmulator, actor: Actor, ana: User, consented: Consent, settings: Any
) -> None:
    keep_engine_key(ana, vendor="elevenlabs", text=vendor.api_key)
    settings.ELEVENLABS_API_KEY = ""
    clone = made(asked(actor, ana))
    with running_vendor(api_key="sk_another-account-0123456789abcdef") as other:
        # It refuses the first key, and has no such voice for the second.
        settings.ELEVENLABS_BASE_URL = other.base_url
        settings.CLOUD_ROOT_CERTIFICATES = other.certificate
        keep_engine_key(ana, vendor="elevenlabs", text=other.api_key)
        services.delete_clone(clone, by=ana)
        assert delete_discarded_clones() == (0, 1)
        assert DiscardedClone.objects.get().problem == "key_refused"
    settings.ELEVENLABS_BASE_URL = vendor.base_url
    settings.CLOUD_ROOT_CERTIFICATES = vendor.certificate
    due()
    assert delete_discarded_clones() == (1, 0)
    assert stored(vendor) == []


def test_a_newer_key_of_the_same_account_deletes_too(
    vendor: ElevenLabsEmulator, actor: Actor, ana: User, consented: Consent, settings: Any
) -> None:
    keep_engine_key(ana, vendor="elevenlabs", text="sk_of-another-time-0123456789abcdef")
    key = EngineKey.objects.get()
    keep_engine_key(ana, vendor="elevenlabs", text=vendor.api_key)
    clone = made(asked(actor, ana))
    VoiceClone.objects.update(sealed_key=key.sealed)
    clone.refresh_from_db()
    services.delete_clone(clone, by=ana)
    assert delete_discarded_clones() == (1, 0)
    assert stored(vendor) == []


def test_a_voice_of_the_installations_key_is_no_matter_of_a_persons_own(
    vendor: ElevenLabsEmulator, actor: Actor, ana: User, consented: Consent
) -> None:
    clone = made(asked(actor, ana))
    keep_engine_key(ana, vendor="elevenlabs", text="sk_of-another-account-0123456789abc")
    services.delete_clone(clone, by=ana)
    assert delete_discarded_clones() == (1, 0)
    assert stored(vendor) == []


def test_the_keys_of_clones_outlive_a_change_of_the_servers_own(
    vendor: ElevenLabsEmulator, actor: Actor, ana: User, consented: Consent, settings: Any
) -> None:
    keep_engine_key(ana, vendor="elevenlabs", text=vendor.api_key)
    settings.ELEVENLABS_API_KEY = ""
    clone = made(asked(actor, ana))
    forget_engine_key(ana, vendor="elevenlabs")
    before, settings.SECRET_KEY = settings.SECRET_KEY, "another" * 10
    settings.SECRET_KEY_FALLBACKS = [before]
    assert reseal_all() == (1, 0)
    settings.SECRET_KEY_FALLBACKS = []
    clone.refresh_from_db()
    services.delete_clone(clone, by=ana)
    assert delete_discarded_clones() == (1, 0)
    assert stored(vendor) == []


def test_slots_are_freed_for_the_next_clone(
    vendor: ElevenLabsEmulator, actor: Actor, ana: User, consented: Consent, speech_data: Path
) -> None:
    vendor.account.plan = replace(PLANS["starter"], voices=1)
    vendor.account.voices.slots = 1
    first = made(asked(actor, ana))
    other = analysed(uploaded(actor, ana, clip(speech_data, "3080", 4, 5)))
    second = made(asked(actor, ana, samples=[other]))
    assert second.state == "failed"
    assert "voices" in second.problem
    services.delete_clone(first, by=ana)
    # What waits to be deleted makes room before anything is refused.
    third = made(asked(actor, ana, samples=[other]))
    assert (third.state, stored(vendor)) == ("ready", [third.vendor_id])
