"""What a session tells its followers, carried to those in other server processes.

Text and numbers only, in batches; the process that follows counts them, and joins again
behind the last line it has when one is missing.
"""

from __future__ import annotations

import asyncio
import logging
import uuid
from collections import deque
from collections.abc import Callable
from typing import Any

import msgspec

from pipeline import metrics
from pipeline.bounds import (
    FOLLOWING_ASKED_S,
    FOLLOWING_HEARTBEAT_S,
    FOLLOWING_ITEMS_MAX,
    FOLLOWING_RENEWED_S,
    FOLLOWING_SILENCE_S,
)
from pipeline.handover.snapshot import Followed
from pipeline.sharing.feeds import Aside, Feed, FeedFullError, Listener
from pipeline.sharing.shared import AnyShared, FeedClosed
from sessions_app.processes import mailbox

log = logging.getLogger(__name__)

OK, FULL, UNKNOWN = "ok", "full", "unknown"

_feeds: dict[uuid.UUID, Feed] = {}
"""Of the sessions that this process has in hand."""
_outgoing: dict[str, _Outgoing] = {}
_incoming: dict[str, Incoming] = {}
_sending: set[asyncio.Task[None]] = set()
_encoder = msgspec.msgpack.Encoder()
_decoder = msgspec.msgpack.Decoder(list[AnyShared])


def open_feed(session_id: uuid.UUID, feed: Feed) -> None:
    _feeds[session_id] = feed


def close_feed(session_id: uuid.UUID, feed: Feed, *, moved: bool) -> None:
    """Idempotent."""
    if _feeds.get(session_id) is feed:
        del _feeds[session_id]
    feed.close(moved=moved)


def feed_of(session_id: uuid.UUID) -> Feed | None:
    """The session's feed, if this process has the session in hand."""
    return _feeds.get(session_id)


def begin() -> None:
    """Be there for other processes."""
    mailbox.handle("follow", _follow)
    mailbox.handle("unfollow", _unfollow)
    mailbox.handle("renew", _renew)
    mailbox.handle("followed", _followed)


# The process that has the session -----------------------------------------------------


class _Outgoing:
    """One follower in another process."""

    def __init__(self, who: str, process: str, feed: Feed) -> None:
        self._who = who
        self._process = process
        self._feed = feed
        self._items: deque[AnyShared] = deque(maxlen=FOLLOWING_ITEMS_MAX)
        self._count = 0
        """Items that came so far."""
        self._closed = False
        self._wake = asyncio.Event()
        self.renewed_at = asyncio.get_running_loop().time()
        self.task: asyncio.Task[None] | None = None
        metrics.track_queue("following_items", self, lambda one: len(one._items))

    def take(self, item: AnyShared, _: Aside | None) -> None:
        self._items.append(item)
        self._count += 1
        self._closed = self._closed or isinstance(item, FeedClosed)
        self._wake.set()

    def start(self) -> None:
        self.task = asyncio.create_task(self._run(), name="relay")

    async def _run(self) -> None:
        loop = asyncio.get_running_loop()
        try:
            while loop.time() - self.renewed_at < FOLLOWING_RENEWED_S:
                await self._send()
                if self._closed and not self._items:
                    return
                try:
                    async with asyncio.timeout(FOLLOWING_HEARTBEAT_S):
                        await self._wake.wait()
                except TimeoutError:
                    pass  # an empty message says that this process lives
        finally:
            self._feed.unsubscribe(self._who)
            _outgoing.pop(self._who, None)

    async def _send(self) -> None:
        self._wake.clear()
        items = list(self._items)
        self._items.clear()
        message = {
            "type": "followed",
            "who": self._who,
            "first": self._count - len(items),
            "items": _encoder.encode(items),
        }
        try:
            await mailbox.send(self._process, message)
        except Exception as error:  # whatever Redis and the layer raise
            # What was lost is seen from the count; the follower joins again.
            log.info("followers not told", extra={"error": type(error).__name__})


async def _follow(message: mailbox.Message) -> None:
    feed = _feeds.get(uuid.UUID(message["session"]))
    if feed is None or (message["running"] and feed.now is None):
        await mailbox.answer(message, how=UNKNOWN)
        return
    after = message.get("after")
    outgoing = _Outgoing(message["who"], message["from"], feed)
    try:
        feed.subscribe(
            message["who"],
            outgoing.take,
            None if after is None else msgspec.msgpack.decode(after, type=Followed),
        )
    except FeedFullError:
        await mailbox.answer(message, how=FULL)
        return
    _outgoing[message["who"]] = outgoing
    await mailbox.answer(message, how=OK)
    outgoing.start()


def _unfollow(message: mailbox.Message) -> None:
    outgoing = _outgoing.get(message["who"])
    if outgoing is not None and outgoing.task is not None:
        outgoing.task.cancel()


def _renew(message: mailbox.Message) -> None:
    outgoing = _outgoing.get(message["who"])
    if outgoing is not None:
        outgoing.renewed_at = asyncio.get_running_loop().time()


# The process that follows -------------------------------------------------------------


class Incoming:
    """One session of another process, followed here. ``on_lost`` is called once, when
    something is missing or the other process is silent."""

    def __init__(self, process: str, listener: Listener, on_lost: Callable[[], None]) -> None:
        self.who = uuid.uuid4().hex
        self._process = process
        self._listener = listener
        self._on_lost = on_lost
        self._next = 0
        self._silence: asyncio.TimerHandle | None = None
        self._renewed_at = 0.0

    async def follow(self, session_id: uuid.UUID, after: Followed | None, *, running: bool) -> str:
        """OK, FULL or UNKNOWN; also when there is no answer."""
        _incoming[self.who] = self
        self._wait()
        message = {
            "type": "follow",
            "session": str(session_id),
            "who": self.who,
            "from": mailbox.PROCESS,
            "running": running,
        }
        if after is not None:
            message["after"] = _encoder.encode(after)
        answer = await mailbox.ask(self._process, message, timeout_s=FOLLOWING_ASKED_S)
        how = UNKNOWN if answer is None else str(answer["how"])
        if how != OK:
            self._forget()
        return how

    def take(self, message: mailbox.Message) -> None:
        if message["first"] != self._next:
            self._lose()
            return
        items = _decoder.decode(message["items"])
        self._next += len(items)
        self._wait()
        for item in items:
            self._listener(item, None)

    def leave(self) -> None:
        """Follow no longer. Idempotent."""
        if _incoming.get(self.who) is self:
            self._forget()
            self._say("unfollow")

    def _wait(self) -> None:
        loop = asyncio.get_running_loop()
        if self._silence is not None:
            self._silence.cancel()
        self._silence = loop.call_later(FOLLOWING_SILENCE_S, self._lose)
        if loop.time() - self._renewed_at > FOLLOWING_RENEWED_S / 3:
            self._renewed_at = loop.time()
            self._say("renew")

    def _lose(self) -> None:
        self.leave()
        self._on_lost()

    def _forget(self) -> None:
        _incoming.pop(self.who, None)
        if self._silence is not None:
            self._silence.cancel()

    def _say(self, kind: str) -> None:
        task = asyncio.create_task(_say(self._process, {"type": kind, "who": self.who}))
        _sending.add(task)
        task.add_done_callback(_sending.discard)


async def _say(process: str, message: dict[str, Any]) -> None:
    try:
        async with asyncio.timeout(FOLLOWING_ASKED_S):
            await mailbox.send(process, message)
    except Exception as error:  # whatever Redis and the layer raise
        log.info("not told", extra={"error": type(error).__name__})


def _followed(message: mailbox.Message) -> None:
    incoming = _incoming.get(message["who"])
    if incoming is not None:
        incoming.take(message)
