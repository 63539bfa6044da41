"""What is dubbed, named in ``start_dubbing``: who was heard in it before is likelier."""

from __future__ import annotations

import uuid
from typing import Any

import pytest
from asgiref.sync import sync_to_async

from accounts.models import Membership, Role, Team
from pipeline.speakers.memory import Identity
from sessions_app.engines.speaker_memory import PostgresMemory
from sessions_app.models import DubbingSession
from sessions_app.tests.conftest import Person, Server
from sessions_app.tests.socket import Socket
from voices.models import Actor, Speaker, Title
from voices.tests.test_recognition import ENCODER, VERSION, known, said


async def start(person: Person, **more: Any) -> tuple[Socket, dict[str, Any]]:
    """A socket, and what it is answered: ``ready``, or an error."""
    socket = Socket(token=person.token)
    await socket.connect()
    await socket.send(type="start_dubbing", source_language="en", target_language="es", **more)
    while (answer := await socket.receive())["type"] not in {"ready", "error"}:
        pass
    return socket, answer


async def content_of(socket: Socket) -> Title | None:
    session = await DubbingSession.objects.select_related("content").aget(pk=socket.session_id)
    title: Title | None = session.content
    return title


async def test_a_title_is_named_by_its_address_its_name_or_its_id(
    server: Server, ana: Person
) -> None:
    wishes = [
        "https://www.example.org/films/7?utm_source=mail&t=90",
        "http://example.org/films/7",
        " A Film\u0000, about  Something ",
        "a film about something",
    ]
    titles = []
    for wish in wishes:
        socket, _ = await start(ana, title=wish)
        title = await content_of(socket)
        assert title is not None
        assert title.owner_id == ana.user.pk
        titles.append(title.pk)
        await socket.leave()
    assert titles[0] == titles[1] != titles[2] == titles[3]
    assert await Title.objects.acount() == 2
    socket, answer = await start(ana, title=str(titles[2]))
    assert answer["type"] == "ready"
    # A run that names none leaves it as it was.
    await socket.send(type="start_dubbing", source_language="en", target_language="fr")
    await socket.until("ready")
    title = await content_of(socket)
    assert title is not None
    assert title.pk == titles[2]
    await socket.leave()
    assert await Title.objects.acount() == 2


async def test_a_title_that_one_may_not_see_is_refused_like_one_that_is_not(
    server: Server, ana: Person, ben: Person
) -> None:
    team = await Team.objects.acreate(name="Studio")
    for person, role in ((ben, Role.OWNER), (ana, Role.VIEWER)):
        await Membership.objects.acreate(team=team, user=person.user, role=role)
    private = await Title.objects.acreate(owner=ben.user, name="Private", key="1" * 64)
    shared = await Title.objects.acreate(owner=ben.user, team=team, name="Shared", key="2" * 64)
    codes = []
    for wish in (private.pk, uuid.uuid4()):
        socket, answer = await start(ana, title=str(wish))
        codes.append((answer["type"], answer.get("code")))
        assert await content_of(socket) is None
        await socket.leave()
    assert codes == [("error", "title_unknown")] * 2
    socket, answer = await start(ana, title=str(shared.pk))
    assert answer["type"] == "ready"
    assert await content_of(socket) == shared
    await socket.leave()


async def test_a_title_too_long_is_refused(server: Server, ana: Person) -> None:
    socket, answer = await start(ana, title="x" * 2_001)
    assert answer["code"] == "message_invalid"
    assert "title" in answer["message"]
    await socket.leave()


@pytest.mark.parametrize("named", [False, True])
async def test_who_appeared_in_the_title_is_likelier_in_the_next_session(
    server: Server, ana: Person, named: bool
) -> None:
    """The same voice, 3.8 deviations above strangers: among sixty it takes 4.2, in a title 3.3."""
    first, _ = await start(ana, title="A film")
    title = await content_of(first)
    actor = await sync_to_async(known)("Paul", 1, owner=ana.user)
    await Speaker.objects.filter(actor=actor).aupdate(title=title)
    await Actor.objects.abulk_create(
        Actor(name=f"Somebody {number}", owner=ana.user) for number in range(60)
    )
    await first.leave()
    second, _ = await start(ana, **({"title": "a film"} if named else {}))
    memory = PostgresMemory(
        session_id=uuid.UUID(second.session_id),
        user_id=ana.user.pk,
        speakers="recognise",
        encoder=ENCODER,
        version=VERSION,
        synthesizer="scripted-synthesizer",
        language="es",
    )
    found = await memory.identify(said("S1", 1, 0.82))
    await second.leave()
    assert isinstance(found, Identity)
    assert (found.state, found.actor) == (
        ("confirmed", str(actor.pk)) if named else ("suggested", str(actor.pk))
    )
