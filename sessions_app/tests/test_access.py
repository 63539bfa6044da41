"""Who may open which session."""

from __future__ import annotations

import uuid

import pytest
from asgiref.sync import sync_to_async
from django.test import Client

from accounts.selectors import tokens_of
from accounts.services import create_user, revoke_token
from sessions_app import services
from sessions_app.models import DubbingSession
from sessions_app.tests.conftest import Person, Server
from sessions_app.tests.socket import Socket


async def refusal(socket: Socket) -> int:
    await socket.connect()
    return await socket.close_code()


async def test_nobody_is_let_in_without_a_credential(server: Server) -> None:
    assert await refusal(Socket()) == 4401


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
    ("origin", "welcome"), [("http://localhost", True), (None, False), ("http://127.0.0.1", False)]
)
async def test_the_login_cookie_counts_from_our_own_pages_only(
    server: Server, origin: str | None, welcome: bool
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
    if not welcome:
        assert await refusal(socket) == 4401
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
        ("/ws/test", 4404),
        ("/elsewhere", 4404),
    ],
)
async def test_wrong_addresses_are_told_apart(
    server: Server, ana: Person, path: str, code: int
) -> None:
    assert await refusal(Socket(token=ana.token, path=path)) == code
