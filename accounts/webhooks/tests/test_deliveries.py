"""Every event reaches its receiver, verified, under one id; nobody else's, and nobody else."""

from __future__ import annotations

import threading
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from datetime import timedelta
from typing import Any

import pytest
from django.core import mail
from django.db import connections, transaction
from django.utils import timezone

from accounts.models import Membership, Role, Team, User
from accounts.services import create_user
from accounts.webhooks import delivering, services
from accounts.webhooks.delivering import BACKOFF_S, UNREACHED_S, deliver_due, forget_old_deliveries
from accounts.webhooks.event_types import TEST, register
from accounts.webhooks.events import emit
from accounts.webhooks.models import (
    DeliveryStatus,
    WebhookDelivery,
    WebhookEndpoint,
    WebhookEvent,
)
from accounts.webhooks.tests.receiver import answers, receiving
from pipeline.bounds import WEBHOOK_FAILING_DAYS, WEBHOOK_KEPT_DAYS, WEBHOOKS_MAX

pytestmark = pytest.mark.django_db(transaction=True)

Make = Callable[..., tuple[WebhookEndpoint, str]]


@pytest.fixture(autouse=True)
def private(settings: Any) -> None:
    settings.WEBHOOKS_PRIVATE_ADDRESSES = True


@pytest.fixture
def ana() -> User:
    return create_user(email="ana@example.org", password=None)


def webhook(
    owner: User, url: str, *names: str, team: Team | None = None
) -> tuple[WebhookEndpoint, str]:
    return services.create_webhook(owner, url=url, event_types=list(names) or ["*"], team=team)


def happens(owner: User, *, team: Team | None = None, once: str | None = None, **data: Any) -> None:
    emit(TEST, owner_id=owner.pk, team_id=team.pk if team else None, data=data, once=once)


def later(seconds: float) -> None:
    """The time until the next try passes."""
    early = timezone.now() - timedelta(seconds=1)
    due = timezone.now() + timedelta(seconds=seconds)
    WebhookDelivery.objects.filter(next_try_at__lte=due).update(next_try_at=early)


def pause_s(endpoint: WebhookEndpoint) -> float:
    """Until the next try of the one delivery."""
    next_try_at = endpoint.deliveries.get().next_try_at
    assert next_try_at is not None
    return (next_try_at - timezone.now()).total_seconds()


def test_an_event_arrives_signed_and_once(ana: User) -> None:
    with receiving() as receiver:
        endpoint, secret = webhook(ana, receiver.url)
        happens(ana, number=1)
        assert deliver_due() == 1
        assert deliver_due() == 0
    (one,) = receiver.accepted
    assert one.verified(secret)
    assert not one.verified(services._new_secret())
    assert one.event["type"] == TEST
    assert one.event["data"] == {"number": 1}
    delivery = endpoint.deliveries.get()
    assert (delivery.status, delivery.attempts, delivery.code) == ("delivered", 1, 204)
    assert delivery.event_id == one.id
    assert delivery.log[0]["code"] == 204


def test_a_receiver_that_was_down_for_a_while_gets_every_event_once_verified(
    ana: User, free_port: int
) -> None:
    endpoint, secret = webhook(ana, f"http://127.0.0.1:{free_port}/hook")
    for number in range(3):
        happens(ana, number=number)
    for pause in BACKOFF_S[:3]:
        deliver_due()
        assert not endpoint.deliveries.filter(status=DeliveryStatus.DELIVERED).exists()
        later(1.2 * pause + UNREACHED_S)
    with receiving(port=free_port, behaviour=answers(503)) as receiver:
        deliver_due()
        assert len(receiver.received) == 3
        receiver.behaviour = answers(200)
        later(2 * BACKOFF_S[3])
        deliver_due()
        happens(ana, number=3)
        deliver_due()
        later(10 * BACKOFF_S[-1])
        assert deliver_due() == 0
    assert sorted(one.event["data"]["number"] for one in receiver.accepted) == [0, 1, 2, 3]
    assert all(one.verified(secret) for one in receiver.received)
    # What was refused came under the id under which it was taken.
    assert {one.id for one in receiver.received} == {one.id for one in receiver.accepted}
    endpoint.refresh_from_db()
    assert endpoint.failing_since is None


def test_pauses_grow_and_end(ana: User) -> None:
    with receiving(behaviour=answers(500)) as receiver:
        endpoint, _ = webhook(ana, receiver.url)
        happens(ana)
        pauses = []
        for _ in range(len(BACKOFF_S)):
            deliver_due()
            delivery = endpoint.deliveries.get()
            assert delivery.next_try_at is not None
            assert delivery.last_try_at is not None
            pauses.append((delivery.next_try_at - delivery.last_try_at).total_seconds())
            assert deliver_due() == 0
            later(100_000)
        deliver_due()
    for pause, wanted in zip(pauses, BACKOFF_S, strict=True):
        assert 0.9 * wanted <= pause <= 1.1 * wanted
    delivery = endpoint.deliveries.get()
    assert (delivery.status, delivery.next_try_at) == ("failed", None)
    assert len(delivery.log) == delivery.attempts == len(receiver.received) == len(BACKOFF_S) + 1


def test_a_receiver_says_when_it_wants_to_be_asked_again(ana: User) -> None:
    with receiving(behaviour=answers(503, Retry_After="600")) as receiver:
        endpoint, _ = webhook(ana, receiver.url)
        happens(ana)
        deliver_due()
        assert 590 < pause_s(endpoint) <= 600
        receiver.behaviour = answers(503, Retry_After="99999999")
        later(700)
        deliver_due()
        assert 3000 < pause_s(endpoint) <= 3600


def test_what_failed_is_replayed_under_its_id(ana: User) -> None:
    with receiving(behaviour=answers(500)) as receiver:
        endpoint, _ = webhook(ana, receiver.url)
        happens(ana)
        WebhookDelivery.objects.update(attempts=len(BACKOFF_S))
        deliver_due()
        assert endpoint.deliveries.get().status == "failed"
        receiver.behaviour = answers(200)
        assert services.replay_failed(endpoint, since=timezone.now() - timedelta(days=1)) == 1
        deliver_due()
        services.replay(endpoint.deliveries.get())
        deliver_due()
    assert [one.id for one in receiver.received] == [receiver.received[0].id] * 3
    assert len(receiver.accepted) == 2
    assert endpoint.deliveries.get().status == "delivered"
    assert len(endpoint.deliveries.get().log) == 3


def test_after_days_of_failure_it_is_disabled_and_its_owner_told(ana: User) -> None:
    with receiving(behaviour=answers(500)) as receiver:
        endpoint, _ = webhook(ana, receiver.url)
        happens(ana)
        deliver_due()
        endpoint.refresh_from_db()
        assert endpoint.enabled
        assert endpoint.failing_since is not None
        endpoint.failing_since -= timedelta(days=WEBHOOK_FAILING_DAYS)
        endpoint.save()
        later(10)
        deliver_due()
        endpoint.refresh_from_db()
        assert (endpoint.enabled, endpoint.disabled_reason) == (False, "failing")
        (told,) = mail.outbox
        assert told.to == ["ana@example.org"]
        assert str(endpoint.pk) in told.body
        # Nothing is sent to it, and nothing new is kept for it.
        happens(ana)
        later(1000)
        assert deliver_due() == 0
        assert endpoint.deliveries.count() == 1
        services.edit_webhook(endpoint, enabled=True)
        receiver.behaviour = answers(200)
        later(1000)
        assert deliver_due() == 1
    assert len(receiver.accepted) == 1


def test_a_receiver_that_says_gone_is_left_at_once(ana: User) -> None:
    with receiving(behaviour=answers(410)) as receiver:
        endpoint, _ = webhook(ana, receiver.url)
        happens(ana)
        happens(ana)
        deliver_due()
    endpoint.refresh_from_db()
    assert (endpoint.enabled, endpoint.disabled_reason) == (False, "gone")
    assert len(receiver.received) == 1


def test_a_new_secret_counts_beside_the_one_before_for_a_day(ana: User) -> None:
    with receiving() as receiver:
        endpoint, before = webhook(ana, receiver.url)
        after = services.renew_secret(endpoint)
        happens(ana)
        deliver_due()
        assert all(receiver.accepted[0].verified(secret) for secret in (before, after))
        WebhookEndpoint.objects.update(secret_before_until=timezone.now())
        happens(ana)
        deliver_due()
    assert receiver.accepted[1].verified(after)
    assert not receiver.accepted[1].verified(before)


def test_secrets_are_sealed_at_rest(ana: User) -> None:
    endpoint, secret = webhook(ana, "https://example.org/")
    row = WebhookEndpoint.objects.values().get(pk=endpoint.pk)
    assert secret not in str(row)
    assert secret.removeprefix("whsec_") not in str(row)


def test_everyone_is_told_of_their_own_things_only(ana: User) -> None:
    ben = create_user(email="ben@example.org", password=None)
    eva = create_user(email="eva@example.org", password=None)
    team = Team.objects.create(name="studio")
    member = Membership.objects.create(team=team, user=ana, role=Role.OWNER)
    Membership.objects.create(team=team, user=eva, role=Role.VIEWER)
    own, _ = webhook(ana, "https://a.example/")
    shared, _ = webhook(ana, "https://b.example/", team=team)
    of_viewer, _ = webhook(eva, "https://c.example/", team=team)
    of_ben, _ = webhook(ben, "https://d.example/")

    def told() -> set[Any]:
        found = set(WebhookDelivery.objects.values_list("endpoint", flat=True))
        WebhookEvent.objects.all().delete()
        return found

    happens(ana)
    assert told() == {own.pk}
    happens(ana, team=team)
    assert told() == {own.pk, shared.pk}
    happens(ben)
    assert told() == {of_ben.pk}
    happens(eva, team=team)
    assert told() == {shared.pk}
    # A viewer's webhook is not told, nor that of somebody who has left the team.
    assert of_viewer.pk not in told()
    member.delete()
    happens(eva, team=team)
    assert told() == set()


def test_only_what_it_asked_for_is_sent(ana: User) -> None:
    other = register("test.other", "Only in this test.", {})
    named, _ = webhook(ana, "https://a.example/", other)
    every, _ = webhook(ana, "https://b.example/")
    happens(ana)
    assert set(WebhookDelivery.objects.values_list("endpoint", flat=True)) == {every.pk}
    emit(other, owner_id=ana.pk, data={})
    assert named.deliveries.count() == 1
    with pytest.raises(ValueError, match="no event named"):
        emit("test.unknown", owner_id=ana.pk, data={})
    with pytest.raises(ValueError, match="two events"):
        register("test.other", "Something else.", {})


def test_what_is_told_twice_by_one_name_is_one_event(ana: User) -> None:
    webhook(ana, "https://a.example/")
    for _ in range(3):
        happens(ana, once="quota:1")
    happens(ana, once="quota:2")
    happens(ana)
    happens(ana)
    assert WebhookEvent.objects.count() == WebhookDelivery.objects.count() == 4


def test_what_is_rolled_back_is_not_told(ana: User) -> None:
    webhook(ana, "https://a.example/")

    def fails() -> None:
        with transaction.atomic():
            happens(ana)
            raise RuntimeError

    with pytest.raises(RuntimeError):
        fails()
    assert not WebhookDelivery.objects.exists()


def test_a_worker_that_died_while_sending_is_made_good(ana: User) -> None:
    with receiving() as receiver:
        endpoint, _ = webhook(ana, receiver.url)
        happens(ana)
        busy = timezone.now() + timedelta(seconds=60)
        WebhookEndpoint.objects.update(busy_until=busy)
        assert deliver_due() == 0
        WebhookEndpoint.objects.update(busy_until=timezone.now() - timedelta(seconds=1))
        assert deliver_due() == 1
    endpoint.refresh_from_db()
    assert endpoint.busy_until is None
    assert len(receiver.accepted) == 1


def test_workers_at_once_send_nothing_twice(ana: User) -> None:
    with receiving() as receiver:
        for _ in range(3):
            webhook(ana, receiver.url)
        for number in range(20):
            happens(ana, number=number)

        def work(_: int) -> None:
            try:
                deliver_due()
            finally:
                connections.close_all()

        with ThreadPoolExecutor(4) as workers:
            list(workers.map(work, range(8)))
        deliver_due()
    assert len(receiver.received) == 60
    assert len({one.headers["webhook-signature"] for one in receiver.received}) == 60


def test_a_receiver_that_hangs_holds_up_nobody_else(
    ana: User, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("accounts.webhooks.sending.WEBHOOK_ANSWER_S", 3.0)
    released = threading.Event()

    def hangs(request: Any) -> None:
        released.wait(60)

    with receiving() as quick, receiving(behaviour=hangs) as hanging:
        slow, _ = webhook(ana, hanging.url)
        webhook(ana, quick.url)
        for _ in range(5):
            happens(ana)
        deliver_due()
        released.set()
        assert len(quick.accepted) == 5
    # One try was enough to know: the others wait for the next round.
    assert sum(slow.deliveries.values_list("attempts", flat=True)) == 1


def test_one_endpoint_keeps_so_many_waiting_and_no_more(
    ana: User, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("accounts.webhooks.events.WEBHOOK_WAITING_MAX", 3)
    endpoint, _ = webhook(ana, "https://a.example/")
    for _ in range(5):
        happens(ana)
    assert endpoint.deliveries.filter(status="pending").count() == 3
    assert set(endpoint.deliveries.filter(status="failed").values_list("error", flat=True)) == {
        "backlog_full"
    }


def test_what_is_over_is_forgotten_in_the_end(ana: User) -> None:
    endpoint, _ = webhook(ana, "https://a.example/")
    for _ in range(3):
        happens(ana)
    kept, waiting, old = endpoint.deliveries.all()
    ancient = timezone.now() - timedelta(days=WEBHOOK_KEPT_DAYS + 1)
    rows = WebhookDelivery.objects
    rows.filter(pk=kept.pk).update(status="delivered")
    rows.filter(pk=waiting.pk).update(created_at=ancient)
    rows.filter(pk=old.pk).update(created_at=ancient, status="failed")
    WebhookEvent.objects.update(happened_at=ancient)
    forget_old_deliveries()
    assert set(rows.values_list("pk", flat=True)) == {kept.pk, waiting.pk}
    assert WebhookEvent.objects.count() == 2


def test_a_person_has_so_many_webhooks(ana: User) -> None:
    for number in range(WEBHOOKS_MAX):
        webhook(ana, f"https://a.example/{number}")
    with pytest.raises(services.WebhookLimitReachedError):
        webhook(ana, "https://a.example/more")


def test_logs_name_neither_address_nor_content(ana: User, caplog: pytest.LogCaptureFixture) -> None:
    caplog.set_level("INFO")
    with receiving() as receiver:
        _, secret = webhook(ana, f"{receiver.url}?key=hidden")
        happens(ana, words="said in private")
        deliver_due()
    logged = "".join(str(record.__dict__) for record in caplog.records if "webhook" in record.msg)
    assert "webhook tried" in logged
    for hidden in ("hidden", "said in private", secret, "ana@example.org"):
        assert hidden not in logged


def test_a_secret_that_can_no_longer_be_read_is_said(ana: User, settings: Any) -> None:
    with receiving() as receiver:
        endpoint, _ = webhook(ana, receiver.url)
        settings.SECRET_KEY, settings.SECRET_KEY_FALLBACKS = "another" * 10, []
        happens(ana)
        deliver_due()
    assert endpoint.deliveries.get().error == "secret_unreadable"
    assert receiver.connections == 0


def test_secrets_move_to_a_new_key(ana: User, settings: Any) -> None:
    with receiving() as receiver:
        _, secret = webhook(ana, receiver.url)
        settings.SECRET_KEY_FALLBACKS = [settings.SECRET_KEY]
        settings.SECRET_KEY = "another" * 10
        assert services.reseal_webhook_secrets() == (1, 0)
        settings.SECRET_KEY_FALLBACKS = []
        happens(ana)
        deliver_due()
    assert receiver.accepted[0].verified(secret)


def test_the_round_has_an_end(ana: User, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(delivering, "WEBHOOK_ROUND_S", 0.0)
    with receiving() as receiver:
        webhook(ana, receiver.url)
        happens(ana)
        assert deliver_due() == 0
    assert not receiver.received
