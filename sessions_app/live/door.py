"""Which session a connection gets: the one it comes back to, or one from its beginning."""

from __future__ import annotations

import uuid
from dataclasses import dataclass

from django.conf import settings

from accounts.models import User
from sessions_app import holding
from sessions_app.live import registry as live
from sessions_app.live.closing import RESTARTING, ClosedError
from sessions_app.live.conversation import Conversation, Place
from sessions_app.protocol.messages import CloseCode, Resumed


@dataclass(frozen=True, slots=True)
class Entrance:
    """A session, and where its connection begins in what it says."""

    conversation: Conversation
    after: int = -1
    """The last message that the client has."""
    greeting: Resumed | None = None


async def enter(
    session_id: uuid.UUID, user: User, place: Place | None, *, binary: bool
) -> Entrance:
    """``place`` is how far a client that asks to resume has got. Raises ClosedError."""
    try:
        return await _find_or_open(session_id, user, place, binary=binary)
    except holding.SessionNotYoursError:
        raise ClosedError(
            CloseCode.NOT_YOURS, "session_forbidden", "The session belongs to somebody else."
        ) from None
    except holding.SessionBusyError:
        raise ClosedError(
            CloseCode.SESSION_BUSY,
            "session_busy",
            "Another connection dubs this session, or did so a moment ago.",
        ) from None
    except holding.TooManySessionsError:
        raise ClosedError(
            CloseCode.QUOTA,
            "too_many_sessions",
            f"You dub {settings.MAX_SESSIONS_PER_USER} sessions already; end one first.",
        ) from None
    except holding.NothingLeftTodayError:
        raise ClosedError(
            CloseCode.QUOTA,
            "quota_exceeded",
            "What you may dub today is used up, or reserved by your other sessions; dubbing "
            "goes on tomorrow (UTC).",
        ) from None
    except live.RefusedError as refusal:
        raise ClosedError(CloseCode.OVERLOAD, "overloaded", str(refusal)) from None
    except live.AwayError:
        raise ClosedError(
            CloseCode.OVERLOAD, "database_away", "The database is away; try again soon."
        ) from None


async def _find_or_open(
    session_id: uuid.UUID, user: User, place: Place | None, *, binary: bool
) -> Entrance:
    here = live.find(session_id)
    if here is not None and here.user_id != user.pk:
        raise holding.SessionNotYoursError(str(session_id))
    if here is not None and here.ending:
        await here.aclose()
        here = None
    greeting = None
    if place is not None:
        if here is not None and here.binary == binary:
            after = min(place.sequence, here.next_sequence - 1)
            return Entrance(here, after, here.resumed("same"))
        moved = None
        if here is None and not live.draining():
            moved = await live.go_on(session_id, user, place, binary=binary)
        if moved is not None:
            return Entrance(moved, place.sequence, moved.resumed("moved"))
        greeting = Resumed(session_id=str(session_id), how="new", chunk=-1, number=0)
    if here is not None:
        if here.attached:
            raise holding.SessionBusyError(str(session_id))
        await here.aclose()
    if live.draining():
        raise RESTARTING
    live.admit()
    return Entrance(await live.open_session(session_id, user, binary=binary), greeting=greeting)
