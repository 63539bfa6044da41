"""Who may open which session."""

from __future__ import annotations

import asyncio
import hashlib
import uuid
from datetime import timedelta
from typing import Any

import numpy as np
import pytest
from asgiref.sync import sync_to_async
from django.test import Client
from django.utils import timezone
from rest_framework.test import APIClient

from accounts.models import Ticket
from accounts.selectors import tokens_of
from accounts.services import create_token, create_user, revoke_token
from pipeline.providers.scripted.sounds import utterances
from sessions_app import services
from sessions_app.models import DailyUse, DubbingSession
from sessions_app.tests.conftest import Person, Server, until_gone
from sessions_app.tests.socket import Socket
from sessions_app.usage import report as usage


async def refusal(socket: Socket) -> int:
    await socket.connect()
    return await socket.close_code()


async def test_nobody_is_let_in_without_a_credential(server: Server) -> None:
    socket = Socket()
    await socket.connect()
    await socket.send(type="ping")
    assert await socket.close_code() == 4401


async def test_a_wrong_token_is_refused(server: Server) -> None:
    assert await refusal(Socket(token="0" * 64)) == 4401
    assert await refusal(Socket(token="\x00' or 1=1")) == 4401


async def test_a_revoked_token_is_refused(server: Server, ana: Person) -> None:
    socket = Socket(token=ana.token)
    await socket.connect()
    await socket.send(type="ping")
    await socket.until("pong")
    await socket.leave()
    await sync_to_async(
        lambda: [revoke_token(ana.user, token_id=token.pk) for token in tokens_of(ana.user)]
    )()
    assert await refusal(Socket(token=ana.token)) == 4401


async def test_a_token_of_someone_inactive_is_refused(server: Server, ana: Person) -> None:
    ana.user.is_active = False
    await ana.user.asave()
    assert await refusal(Socket(token=ana.token)) == 4401


async def test_browsers_send_the_token_as_a_subprotocol_that_is_not_echoed(
    server: Server, ana: Person
) -> None:
    socket = Socket(subprotocols=("dub.v1", f"token.{ana.token}"))
    assert await socket.connect() == "dub.v1"
    await socket.send(type="ping")
    await socket.until("pong")
    await socket.leave()


async def test_bearer_tokens_are_taken_too(server: Server, ana: Person) -> None:
    header = (b"authorization", f"Bearer {ana.token}".encode())
    socket = Socket(headers=[header])
    await socket.connect()
    await socket.send(type="ping")
    await socket.until("pong")
    await socket.leave()


@pytest.mark.parametrize(
    ("origin", "welcomed"), [("http://localhost", True), (None, False), ("http://127.0.0.1", False)]
)
async def test_the_login_cookie_counts_from_our_own_pages_only(
    server: Server, origin: str | None, welcomed: bool
) -> None:
    def login() -> str:
        user = create_user(email="cy@example.org", password="correct horse battery")
        client = Client()
        client.force_login(user)
        return client.cookies["sessionid"].value

    cookie = await sync_to_async(login)()
    headers = [(b"cookie", f"sessionid={cookie}".encode())]
    if origin:
        headers.append((b"origin", origin.encode()))
    socket = Socket(headers=headers)
    if not welcomed:
        await socket.connect()
        await socket.send(type="ping")
        assert await socket.close_code() == 4401
        return
    await socket.connect()
    await socket.send(type="ping")
    await socket.until("pong")
    await socket.leave()


async def test_a_wrong_token_is_not_replaced_by_a_good_cookie(server: Server) -> None:
    def login() -> str:
        user = create_user(email="cy@example.org", password=None)
        client = Client()
        client.force_login(user)
        return client.cookies["sessionid"].value

    cookie = await sync_to_async(login)()
    headers = [(b"cookie", f"sessionid={cookie}".encode()), (b"origin", b"http://localhost")]
    assert await refusal(Socket(token="f" * 64, headers=headers)) == 4401


async def test_a_session_of_somebody_else_is_closed_to_others(
    server: Server, ana: Person, ben: Person
) -> None:
    session = await sync_to_async(services.create_session)(ben.user)
    assert await refusal(Socket(token=ana.token, session_id=session.pk)) == 4403


async def test_a_session_that_does_not_exist_is_made_for_who_asks(
    server: Server, ana: Person
) -> None:
    socket = Socket(token=ana.token)
    await socket.connect()
    await socket.send(type="ping")
    await socket.until("pong")
    session = await DubbingSession.objects.aget(pk=socket.session_id)
    await socket.leave()
    assert session.owner_id == ana.user.pk


async def test_only_one_connection_dubs_a_session(server: Server, ana: Person) -> None:
    first = Socket(token=ana.token)
    await first.connect()
    await first.send(type="ping")
    await first.until("pong")
    assert await refusal(Socket(token=ana.token, session_id=first.session_id)) == 4409
    await first.leave()
    second = Socket(token=ana.token, session_id=first.session_id)
    await second.connect()
    await second.send(type="ping")
    await second.until("pong")
    await second.leave()


@pytest.mark.parametrize(
    ("path", "code"),
    [
        ("/ws/test/not-a-uuid", 4400),
        (f"/ws/bad name/{uuid.uuid4()}", 4400),
    ],
)
async def test_wrong_addresses_are_told_apart(
    server: Server, ana: Person, path: str, code: int
) -> None:
    assert await refusal(Socket(token=ana.token, path=path)) == code


@pytest.mark.parametrize("path", ["/ws/test", "/elsewhere"])
async def test_other_addresses_are_nobodys(server: Server, ana: Person, path: str) -> None:
    socket = Socket(token=ana.token, path=path)
    await socket.connect()
    assert (await socket.output())["code"] == 4404


@pytest.mark.parametrize("query", ["?resume=", "?resume=x", "?resume=1&cue=-1", "?resume=1e9"])
async def test_a_resume_that_makes_no_sense_is_refused(
    server: Server, ana: Person, query: str
) -> None:
    socket = Socket(token=ana.token, query=query)
    await socket.connect()
    assert await socket.closing() == (4400, "bad_resume")


async def welcome(socket: Socket) -> None:
    await socket.connect()
    await socket.send(type="ping")
    await socket.until("pong")
    await socket.leave()


def ticket_of(person: Person) -> str:
    client = APIClient()
    client.credentials(HTTP_AUTHORIZATION=f"Token {person.token}")
    answer = client.post("/api/ticket")
    assert answer.status_code == 201
    assert answer.headers["Cache-Control"] == "no-store"
    assert answer.json()["expires_in_s"] == 30
    subprotocol: str = answer.json()["subprotocol"]
    return subprotocol


async def test_a_token_without_the_scope_opens_no_socket(server: Server, ana: Person) -> None:
    def tokens() -> tuple[str, str]:
        reads = create_token(ana.user, name="reads", scopes=["read:sessions"]).token
        return reads, create_token(ana.user, name="dubs", scopes=["dub"]).token

    reads, dubs = await sync_to_async(tokens)()
    for refused in (Socket(token=reads), Socket(subprotocols=("dub.v1", f"token.{reads}"))):
        await refused.connect()
        assert await refused.closing() == (4401, "scope_missing")
    socket = Socket(token=dubs)
    await socket.connect()
    await socket.send(type="ping")
    await socket.until("pong")
    await socket.leave()


async def test_a_ticket_opens_one_socket_once(server: Server, ana: Person) -> None:
    ticket = await sync_to_async(ticket_of)(ana)
    assert ticket.startswith("ticket.")
    first = Socket(subprotocols=("dub.v1", ticket))
    assert await first.connect() == "dub.v1"
    await first.send(type="ping")
    await first.until("pong")
    await first.leave()
    second = Socket(subprotocols=("dub.v1", ticket))
    await second.connect()
    assert await second.closing() == (4401, "credential_invalid")


async def test_of_many_who_come_with_the_same_ticket_one_is_let_in(
    server: Server, ana: Person
) -> None:
    ticket = await sync_to_async(ticket_of)(ana)

    async def come() -> bool:
        socket = Socket(subprotocols=("dub.v1", ticket))
        await socket.connect()
        await socket.send(type="ping")
        let_in = bool((await socket.receive())["type"] == "pong")
        await socket.leave()
        return let_in

    assert sum(await asyncio.gather(*(come() for _ in range(8)))) == 1


async def test_an_expired_ticket_opens_nothing(server: Server, ana: Person) -> None:
    ticket = await sync_to_async(ticket_of)(ana)
    await Ticket.objects.aupdate(expires_at=timezone.now() - timedelta(seconds=1))
    assert await refusal(Socket(subprotocols=("dub.v1", ticket))) == 4401


async def test_a_ticket_is_stored_as_a_hash(server: Server, ana: Person) -> None:
    ticket = (await sync_to_async(ticket_of)(ana)).removeprefix("ticket.")
    stored = await Ticket.objects.aget()
    assert ticket not in {stored.digest, str(stored)}
    assert stored.digest == hashlib.sha256(ticket.encode()).hexdigest()


async def test_a_ticket_of_somebody_who_was_deactivated_opens_nothing(
    server: Server, ana: Person
) -> None:
    ticket = await sync_to_async(ticket_of)(ana)
    ana.user.is_active = False
    await ana.user.asave()
    assert await refusal(Socket(subprotocols=("dub.v1", ticket))) == 4401


def test_tickets_are_for_people_with_a_token(transactional_db: None) -> None:
    assert APIClient().post("/api/ticket").status_code == 401


async def test_a_client_may_say_who_it_is_in_its_first_message(server: Server, ana: Person) -> None:
    for credential in (ana.token, (await sync_to_async(ticket_of)(ana)).removeprefix("ticket.")):
        socket = Socket()
        await socket.connect()
        await socket.send(type="authenticate", token=credential)
        await socket.send(type="ping")
        await socket.until("pong")
        await socket.leave()


@pytest.mark.parametrize(
    "first",
    [
        '{"type":"authenticate","token":"nobody-knows-this-one"}',
        '{"type":"start_dubbing","target_language":"es"}',
        "nonsense",
    ],
)
async def test_a_first_message_that_names_nobody_ends_the_connection(
    server: Server, first: str
) -> None:
    socket = Socket()
    await socket.connect()
    await socket.send_text(first)
    assert await socket.close_code() == 4401


async def test_sound_before_a_name_ends_the_connection(server: Server) -> None:
    socket = Socket()
    await socket.connect()
    await socket.send_audio(np.zeros(1024, dtype=np.int16))
    assert await socket.close_code() == 4401


async def test_who_says_nothing_is_sent_away(
    server: Server, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("sessions_app.consumer.LOBBY_S", 0.05)
    socket = Socket()
    await socket.connect()
    assert await socket.closing() == (4401, "not_authenticated")


@pytest.mark.parametrize(
    ("origin", "allowed", "welcomed"),
    [
        ("https://evil.example.org", [], False),
        ("chrome-extension://abcdef", [], False),
        ("chrome-extension://abcdef", ["chrome-extension://abcdef"], True),
        ("chrome-extension://abcdeg", ["chrome-extension://abcdef"], False),
        ("moz-extension://1b2c", ["moz-extension://*"], True),
        ("https://moz-extension.example.org", ["moz-extension://*"], False),
        ("null", ["moz-extension://*"], False),
    ],
)
async def test_sockets_opened_by_other_origins_need_the_settings_leave(
    server: Server, ana: Person, settings: Any, origin: str, allowed: list[str], welcomed: bool
) -> None:
    settings.ALLOWED_ORIGINS = allowed
    socket = Socket(token=ana.token, headers=[(b"origin", origin.encode())])
    if welcomed:
        await welcome(socket)
        return
    await socket.connect()
    assert await socket.closing() == (4401, "origin_not_allowed")


async def test_one_user_dubs_a_limited_number_of_sessions_at_once(
    server: Server, ana: Person, ben: Person, settings: Any
) -> None:
    settings.MAX_SESSIONS_PER_USER = 2
    sockets = [Socket(token=ana.token) for _ in range(2)]
    for socket in sockets:
        await socket.connect()
        await socket.send(type="ping")
        await socket.until("pong")
    third = Socket(token=ana.token)
    await third.connect()
    assert await third.closing() == (4429, "too_many_sessions")
    await welcome(Socket(token=ben.token))
    await sockets[0].leave()
    await until_gone(sockets[0].session_id)
    await welcome(Socket(token=ana.token))
    await sockets[1].leave()


async def test_a_full_server_refuses_one_more_and_says_so(
    server: Server, ana: Person, ben: Person, settings: Any
) -> None:
    settings.MAX_SESSIONS = 1
    first = Socket(token=ana.token)
    await first.connect()
    await first.send(type="ping")
    await first.until("pong")
    second = Socket(token=ben.token)
    await second.connect()
    assert await second.closing() == (1013, "overloaded")
    await first.leave()
    await until_gone(first.session_id)
    await welcome(Socket(token=ben.token))


async def test_the_minutes_of_a_day_end_with_a_warning_before(
    server: Server, ana: Person, settings: Any
) -> None:
    settings.MAX_MINUTES_PER_DAY = 2
    await DailyUse.objects.acreate(user=ana.user, day=usage.today(), heard_s=55.0)
    socket = Socket(token=ana.token)
    await socket.connect()
    await socket.send(type="start_dubbing", source_language="en", target_language="es")
    await socket.send_audio(utterances((2.0, 140.0), (2.5, 140.0)))
    assert (await socket.until("notice"))["code"] == "quota_ending"
    for _ in range(60):
        await socket.send_audio(np.zeros(16_000, dtype=np.int16))
    assert (await socket.until("error"))["code"] == "quota_exceeded"
    summary = await socket.until("summary")
    assert summary["media_s"] == pytest.approx(65.0, abs=0.1)
    await socket.send(type="start_dubbing", source_language="en", target_language="es")
    assert (await socket.until("error"))["code"] == "quota_exceeded"
    await socket.leave()
    await until_gone(socket.session_id)
    again = Socket(token=ana.token)
    await again.connect()
    assert await again.closing() == (4429, "quota_exceeded")


async def test_messages_beyond_the_rate_are_left_out_and_a_flood_ends_the_connection(
    server: Server, ana: Person, settings: Any, monkeypatch: pytest.MonkeyPatch
) -> None:
    settings.MAX_MESSAGES_PER_SECOND = 20
    monkeypatch.setattr("sessions_app.consumer.EXCESS_MAX", 300)
    socket = Socket(token=ana.token)
    await socket.connect()
    for _ in range(900):
        await socket.send(type="ping")
    assert (await socket.until("error"))["code"] == "too_fast"
    closing = await socket.until("closing")
    assert (closing["close_code"], closing["code"]) == (4429, "too_fast")
    pongs = len(socket.heard("pong"))
    assert 200 <= pongs < 600
