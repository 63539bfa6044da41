"""Where a session is that one wants to follow: in this process, or in another one."""

from __future__ import annotations

import uuid
from collections.abc import Callable

from pipeline.handover.snapshot import Followed
from pipeline.sharing.feeds import FeedFullError, Listener
from sessions_app.processes import relay, shelf
from sessions_app.processes.mailbox import PROCESS

Leave = Callable[[], None]


class NotLedError(Exception):
    """The session is in no process that answers, or dubs nothing."""


async def join(
    session_id: uuid.UUID,
    listener: Listener,
    *,
    after: Followed | None,
    running: bool,
    on_lost: Callable[[], None],
) -> Leave:
    """Have ``listener`` told what the session commits, behind ``after`` or from now on.

    ``running``: only while something is dubbed. ``on_lost`` is called when the other process
    is silent, or something got lost on the way: join again then. Raises NotLedError,
    FeedFullError.
    """
    feed = relay.feed_of(session_id)
    if feed is not None:
        if running and feed.now is None:
            raise NotLedError
        who = object()
        feed.subscribe(who, listener, after)
        return lambda: feed.unsubscribe(who)
    state = await shelf.look(session_id)
    if state is None or state.process in {"", PROCESS}:
        raise NotLedError
    incoming = relay.Incoming(state.process, listener, on_lost)
    how = await incoming.follow(session_id, after, running=running)
    if how == relay.FULL:
        raise FeedFullError
    if how != relay.OK:
        raise NotLedError
    return incoming.leave
