"""The live sessions of this server process: found again, admitted, handed over, drained."""

from __future__ import annotations

import asyncio
import functools
import logging
import uuid
from collections.abc import Callable, Sequence
from typing import Any, TypeVar

import msgspec
from django.conf import settings
from django.db import Error as DatabaseError

from accounts.models import User
from pipeline import metrics
from pipeline.bounds import DATABASE_S, HAND_OVER_S, LATE_MAX_S
from pipeline.guards.usage import Meter
from pipeline.runtime import pressure
from sessions_app import holding
from sessions_app.caches.redis_client import close_redis
from sessions_app.live.closing import RESTARTING
from sessions_app.live.conversation import BEGINNING, Conversation, Place
from sessions_app.live.opening import in_time, opening
from sessions_app.processes import loop_lag, mailbox, relay, shelf
from sessions_app.processes.mailbox import PROCESS
from sessions_app.protocol.messages import CloneProgress, JobMoved
from sessions_app.running.journal import Journal
from sessions_app.running.live_state import LiveState
from sessions_app.running.outbox import Outbox
from sessions_app.usage.accounting import Account
from sessions_app.usage.budget import DayBudget, Standing
from sessions_app.usage.settling import Settling

log = logging.getLogger(__name__)

T = TypeVar("T")

_sessions: dict[uuid.UUID, Conversation] = {}
_draining = False


class RefusedError(Exception):
    """No further session is taken now; the text says why."""


class AwayError(Exception):
    """The database does not answer."""


def find(session_id: uuid.UUID) -> Conversation | None:
    """The session, if this process has it in hand."""
    return _sessions.get(session_id)


def sessions() -> list[Conversation]:
    return list(_sessions.values())


def draining() -> bool:
    return _draining


def count() -> None:
    """Bring the figures of live sessions up to date."""
    attached = sum(conversation.attached for conversation in _sessions.values())
    metrics.set_sessions(attached=attached, detached=len(_sessions) - attached)


def admit() -> None:
    """Raises RefusedError when one more session would ruin the others."""
    if pressure.overloaded() or loop_lag.recent_s() > LATE_MAX_S:
        raise RefusedError("This server has more to do than it can; try again later.")
    if len(_sessions) + opening() >= settings.MAX_SESSIONS:
        raise RefusedError(
            f"This server dubs {len(_sessions)} sessions, as many as it may; try again later."
        )


async def open_session(session_id: uuid.UUID, user: User, *, binary: bool) -> Conversation:
    """A session from its beginning.

    Raises AwayError, ClosedError when the server stops meanwhile, and what
    ``holding.hold_session`` raises.
    """
    hold = uuid.uuid4()
    account = Account(hold, session_id, user.pk)
    held = await _in_time(
        functools.partial(holding.hold_session, session_id, user, hold=hold),
        undo=functools.partial(holding.let_go, account),
    )
    if _draining:
        # The drain did not see it any more: its client would wait for the hold to run out.
        await _in_time(functools.partial(holding.let_go, account))
        raise RESTARTING
    return _begin(account, hold, held.standing, binary=binary, first_line=held.first_line)


async def go_on(
    session_id: uuid.UUID, user: User, place: Place, *, binary: bool
) -> Conversation | None:
    """A session that another process had; None when nothing is left of it.

    A database that is away does not keep it from going on.
    """
    state = await shelf.look(session_id)
    if state is None or state.owner != user.pk or state.binary != binary:
        return None
    if state.process not in {"", PROCESS}:
        await _ask_for(session_id, state.process)
    state = await shelf.take(session_id)
    if state is None or state.owner != user.pk:
        return None
    old, hold = uuid.UUID(state.hold), uuid.uuid4()
    account = Account(hold, session_id, user.pk)
    standing = state.standing
    try:
        held = await _in_time(
            functools.partial(holding.take_over, session_id, user, old=old, new=hold),
            undo=functools.partial(holding.take_over, session_id, user, old=hold, new=old),
        )
        standing = held.standing
    except holding.HoldLostError:
        return None  # somebody dubs the session anew
    except AwayError:
        hold = old
    if _draining:
        # As above; the next process finds it where this one did.
        await shelf.put(msgspec.structs.replace(state, hold=str(hold), process=""))
        return None
    log.info("session goes on", extra={"session": str(session_id)})
    return _begin(account, hold, standing, binary=binary, continues=state, place=place)


def _begin(
    account: Account,
    hold: uuid.UUID,
    standing: Standing | None,
    *,
    binary: bool,
    first_line: int = 0,
    continues: LiveState | None = None,
    place: Place = BEGINNING,
) -> Conversation:
    budget, meter = DayBudget(standing), Meter()
    settling = Settling(account, budget, meter, continues.owed if continues else ())
    conversation = Conversation(
        account.session_id,
        account.user_id,
        hold=hold,
        process=PROCESS,
        outbox=Outbox(binary=binary, first_sequence=place.sequence + 1),
        journal=Journal(account.session_id, hold, settling),
        budget=budget,
        meter=meter,
        on_end=_forget,
        first_line=first_line,
        continues=continues,
        place=place,
    )
    _sessions[account.session_id] = conversation
    conversation.start()
    count()
    return conversation


def _forget(conversation: Conversation) -> None:
    if _sessions.get(conversation.session_id) is conversation:
        del _sessions[conversation.session_id]
        count()


async def _in_time(function: Callable[[], T], undo: Callable[[], object] | None = None) -> T:
    try:
        return await in_time(function, undo, timeout_s=DATABASE_S)
    except (DatabaseError, TimeoutError) as error:
        log.warning("session not opened", extra={"error": type(error).__name__})
        raise AwayError from error


# Between processes --------------------------------------------------------------------


async def _ask_for(session_id: uuid.UUID, process: str) -> None:
    """Have the other process put the session down; returns without, when it is dead."""
    message = {"type": "put_down", "session": str(session_id)}
    await mailbox.ask(process, message, timeout_s=HAND_OVER_S)


async def tell_decided(session_id: uuid.UUID, label: str) -> None:
    """Tell every process that a person decided about a speaker of a live session."""
    await _tell_all({"type": "speaker_decided", "session": str(session_id), "label": label})


async def _tell_all(message: dict[str, Any]) -> None:
    try:
        async with asyncio.timeout(HAND_OVER_S):
            await mailbox.send_to_all(message)
    except Exception as error:  # whatever Redis and the layer raise
        log.warning("not passed on", extra={"kind": message["type"], "error": type(error).__name__})


def tell_decided_here(session_id: uuid.UUID, label: str) -> bool:
    """The same from any thread, where this process has the session in hand."""
    conversation = find(session_id)
    if conversation is None:
        return False
    conversation.loop.call_soon_threadsafe(conversation.speaker_decided, label)
    return True


async def close() -> None:
    """End every session of the running loop, and listen no more."""
    for conversation in sessions():
        await conversation.aclose()
    await mailbox.stop_listening()
    await close_redis()


def begin_answering() -> None:
    """Listen to other processes on the running loop from now on; once is enough."""
    mailbox.handle("put_down", _put_down)
    mailbox.handle("speaker_decided", _speaker_decided)
    mailbox.handle("voices_withdrawn", _voices_withdrawn)
    mailbox.handle("actor_changed", _actor_changed)
    mailbox.handle("people_told", _people_told)
    relay.begin()
    mailbox.begin_listening()


def _speaker_decided(message: dict[str, str]) -> None:
    conversation = find(uuid.UUID(message["session"]))
    if conversation is not None:
        conversation.speaker_decided(message["label"])


async def tell_withdrawn(voices: Sequence[tuple[str, str]]) -> None:
    """Tell every process that these clones may not be spoken with any more."""
    await _tell_all({"type": "voices_withdrawn", "voices": [list(one) for one in voices]})


def tell_withdrawn_here(voices: Sequence[tuple[str, str]]) -> None:
    """The same from any thread, for the sessions that this process has in hand."""
    for conversation in sessions():
        conversation.loop.call_soon_threadsafe(conversation.voices_withdrawn, set(voices))


async def tell_changed(actor: str) -> None:
    """Tell every process that what may be done with an actor's voice has changed."""
    await _tell_all({"type": "actor_changed", "actor": actor})


async def tell_people(users: Sequence[int], event: CloneProgress | JobMoved) -> None:
    """Tell the open sessions of these people, in every process, what concerns them."""
    told = {"users": list(users), "event": msgspec.to_builtins(event)}
    await _tell_all({"type": "people_told", **told})


def _people_told(message: dict[str, Any]) -> None:
    event: CloneProgress | JobMoved = msgspec.convert(message["event"], CloneProgress | JobMoved)
    for conversation in sessions():
        if conversation.user_id in message["users"]:
            conversation.notify(event)


def _voices_withdrawn(message: dict[str, Any]) -> None:
    gone = {(engine, voice) for engine, voice in message["voices"]}
    for conversation in sessions():
        conversation.voices_withdrawn(gone)


def _actor_changed(message: dict[str, str]) -> None:
    for conversation in sessions():
        conversation.actor_changed(message["actor"])


async def _put_down(message: dict[str, str]) -> None:
    conversation = find(uuid.UUID(message["session"]))
    if conversation is not None:
        # Its client is on another process: nobody here would hear what is left.
        await conversation.put_down(timeout_s=0.0)
    await mailbox.answer(message)


# The end ------------------------------------------------------------------------------


async def drain(timeout_s: float) -> None:
    """Take no more sessions; have those here say what they committed, and move."""
    global _draining
    _draining = True
    ending = [conversation.move_away(timeout_s=timeout_s) for conversation in sessions()]
    if ending:
        log.info("draining", extra={"sessions": len(ending)})
        await asyncio.gather(*ending, return_exceptions=True)
    await close_redis()
