"""Following over the channel layer; both "processes" are here, the layer is the real one."""

from __future__ import annotations

import asyncio
import uuid
from collections.abc import AsyncIterator
from typing import Any

import pytest
import pytest_asyncio
from channels.layers import channel_layers, get_channel_layer

from pipeline.sharing.feeds import Aside, Feed
from pipeline.sharing.shared import AnyShared, FeedClosed, RunBegan, SharedClock
from pipeline.tests.waiting import SETTLE_S, until
from sessions_app.live import registry as live
from sessions_app.processes import leaders, mailbox, relay
from sessions_app.tests.conftest import Person, Server
from sessions_app.tests.test_following import (
    SPEECH,
    check_whole,
    follow,
    speak_on,
    texts,
    to_the_end,
)
from sessions_app.tests.test_resume import start

BEGAN = RunBegan(run="r1", source_language="en", target_language="es", preserve_voice=True)


class Heard:
    def __init__(self) -> None:
        self.items: list[AnyShared] = []
        self.lost = asyncio.Event()

    def take(self, item: AnyShared, aside: Aside | None) -> None:
        assert aside is None
        self.items.append(item)

    async def until(self, count: int) -> None:
        await until(lambda: len(self.items) >= count)


@pytest_asyncio.fixture(autouse=True)
async def layer(server: Server) -> AsyncIterator[None]:
    """This process listens; a layer of this test's own loop, whose connections end with it."""
    channel_layers.backends.clear()
    live.begin_answering()
    yield
    await mailbox.stop_listening()
    # A connection that is being opened for a last word would be missed.
    last = {task for task in asyncio.all_tasks() if task.get_name() == "relay"}
    last |= relay._sending | mailbox._answering
    if last:
        _, late = await asyncio.wait(last, timeout=2)
        for task in late:
            task.cancel()
        await asyncio.gather(*late, return_exceptions=True)
    await get_channel_layer().close_pools()
    channel_layers.backends.clear()


@pytest_asyncio.fixture
async def feed(layer: None) -> AsyncIterator[tuple[uuid.UUID, Feed]]:
    """Of a session that this process has."""
    session_id, made = uuid.uuid4(), Feed()
    relay.open_feed(session_id, made)
    yield session_id, made
    relay.close_feed(session_id, made, moved=False)


def incoming(heard: Heard) -> relay.Incoming:
    return relay.Incoming(mailbox.PROCESS, heard.take, heard.lost.set)


async def test_everything_comes_once_and_in_order(feed: tuple[uuid.UUID, Feed]) -> None:
    session_id, made = feed
    made.begin(BEGAN, None)
    heard = Heard()
    here = incoming(heard)
    assert await here.follow(session_id, None, running=True) == relay.OK
    for n in range(50):
        made.tell(SharedClock(media_s=float(n)))
        await asyncio.sleep(0.002)
    made.close(moved=True)
    await heard.until(52)
    assert heard.items[0] == BEGAN
    assert heard.items[1:-1] == [SharedClock(media_s=float(n)) for n in range(50)]
    assert heard.items[-1] == FeedClosed(moved=True)
    assert not heard.lost.is_set()
    here.leave()


async def test_what_is_missing_is_noticed(feed: tuple[uuid.UUID, Feed]) -> None:
    session_id, made = feed
    made.begin(BEGAN, None)
    heard = Heard()
    here = incoming(heard)
    assert await here.follow(session_id, None, running=True) == relay.OK
    await heard.until(1)
    # As if a full layer had not taken a message.
    outgoing = relay._outgoing[here.who]
    outgoing._count += 1
    made.tell(SharedClock(media_s=1.0))
    async with asyncio.timeout(SETTLE_S):
        await heard.lost.wait()
    assert heard.items == [BEGAN]


async def test_a_silent_process_is_given_up(
    feed: tuple[uuid.UUID, Feed], monkeypatch: pytest.MonkeyPatch
) -> None:
    session_id, made = feed
    made.begin(BEGAN, None)
    monkeypatch.setattr("sessions_app.processes.relay.FOLLOWING_SILENCE_S", 0.3)
    monkeypatch.setattr("sessions_app.processes.relay.FOLLOWING_HEARTBEAT_S", 30.0)
    heard = Heard()
    assert await incoming(heard).follow(session_id, None, running=True) == relay.OK
    async with asyncio.timeout(SETTLE_S):
        await heard.lost.wait()


async def test_a_quiet_process_is_not_given_up(
    feed: tuple[uuid.UUID, Feed], monkeypatch: pytest.MonkeyPatch
) -> None:
    session_id, made = feed
    made.begin(BEGAN, None)
    monkeypatch.setattr("sessions_app.processes.relay.FOLLOWING_SILENCE_S", 2.0)
    monkeypatch.setattr("sessions_app.processes.relay.FOLLOWING_HEARTBEAT_S", 0.1)
    heard = Heard()
    here = incoming(heard)
    assert await here.follow(session_id, None, running=True) == relay.OK
    await asyncio.sleep(3.0)
    assert not heard.lost.is_set()
    here.leave()
    await until(lambda: not made.followers)


async def test_a_follower_whose_process_died_takes_no_place_for_long(
    feed: tuple[uuid.UUID, Feed], monkeypatch: pytest.MonkeyPatch
) -> None:
    session_id, made = feed
    made.begin(BEGAN, None)
    monkeypatch.setattr("sessions_app.processes.relay.FOLLOWING_RENEWED_S", 0.5)
    monkeypatch.setattr("sessions_app.processes.relay.FOLLOWING_HEARTBEAT_S", 0.1)
    here = incoming(Heard())
    assert await here.follow(session_id, None, running=True) == relay.OK
    here._forget()
    await until(lambda: not made.followers)


async def test_what_cannot_be_followed_is_said(
    feed: tuple[uuid.UUID, Feed], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("pipeline.sharing.feeds.FOLLOWERS_MAX", 1)
    session_id, made = feed
    assert await incoming(Heard()).follow(uuid.uuid4(), None, running=False) == relay.UNKNOWN
    assert await incoming(Heard()).follow(session_id, None, running=True) == relay.UNKNOWN
    made.begin(BEGAN, None)
    first = incoming(Heard())
    assert await first.follow(session_id, None, running=True) == relay.OK
    assert await incoming(Heard()).follow(session_id, None, running=True) == relay.FULL
    first.leave()
    monkeypatch.setattr("sessions_app.processes.relay.FOLLOWING_ASKED_S", 0.3)
    dead = relay.Incoming(uuid.uuid4().hex, Heard().take, lambda: None)
    assert await dead.follow(session_id, None, running=True) == relay.UNKNOWN


@pytest.mark.parametrize("lose", [False, True])
async def test_a_session_is_followed_from_another_process(
    server: Server, ana: Person, monkeypatch: pytest.MonkeyPatch, lose: bool
) -> None:
    leader = await start(ana)
    # As the process sees it that does not have the leader.
    monkeypatch.setattr("sessions_app.processes.leaders.relay.feed_of", lambda _: None)
    monkeypatch.setattr(leaders, "PROCESS", "another")
    follower = await follow(ana, leader)
    half = len(SPEECH) // 2 // 1024 * 1024
    await speak_on(leader, SPEECH[:half])
    if lose:
        (outgoing,) = relay._outgoing.values()
        outgoing._count += 1
    await speak_on(leader, SPEECH, from_chunk=half // 1024)
    await leader.send(type="stop_dubbing", number=2)
    await to_the_end(leader, follower)
    check_whole(follower)
    assert texts(follower, "translation") == texts(leader, "translation")
    # The leader's shaped voices are found where they are kept.
    assert any(event["shaped"] for event in leader.heard("speaker"))
    assert any(event["shaped"] for event in follower.heard("speaker"))
    engines: Any = server()
    assert engines.recognizer.opened == 1
    for socket in (leader, follower):
        await socket.leave()
