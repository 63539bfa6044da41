"""What people decide about speakers while they are being dubbed.

A decision may come over the session's own socket or over REST in another process; either way
it is written first, and every process is told to look again (``decisions``).
"""

from __future__ import annotations

import asyncio
import logging
import uuid
from collections.abc import Callable

from django.db import Error as DatabaseError

from accounts.models import User
from accounts.orm_thread import in_orm_thread
from pipeline.bounds import CORRECTIONS_MAX, MEMORY_CALL_S
from pipeline.client_messages import IdentifySpeaker
from pipeline.wire import WireError
from sessions_app.models import DubbingSession
from voices.errors import VoicesError
from voices.models import Actor, Speaker
from voices.services import confirm, ensure_speaker, reject

log = logging.getLogger(__name__)


class Corrections:
    """One session's, written one after another."""

    def __init__(
        self, session_id: uuid.UUID, user_id: int, fail: Callable[[str, str], None]
    ) -> None:
        self._session_id = session_id
        self._user_id = user_id
        self._fail = fail
        self._tasks: set[asyncio.Task[None]] = set()
        self._in_turn = asyncio.Lock()

    def take(self, message: IdentifySpeaker, *, heard: bool) -> None:
        """``heard``: the session has a speaker of that name. Raises WireError."""
        try:
            actor = uuid.UUID(message.actor)
        except ValueError:
            raise _no_actor() from None
        if len(self._tasks) >= CORRECTIONS_MAX:
            raise WireError("corrections_busy", "Other decisions are being written; wait for them.")
        task = asyncio.create_task(self._write(message, actor, heard=heard), name="correction")
        self._tasks.add(task)
        task.add_done_callback(self._tasks.discard)

    async def aclose(self) -> None:
        for task in self._tasks:
            task.cancel()
        await asyncio.gather(*self._tasks, return_exceptions=True)

    async def _write(self, message: IdentifySpeaker, actor: uuid.UUID, *, heard: bool) -> None:
        try:
            async with self._in_turn, asyncio.timeout(MEMORY_CALL_S):
                await in_orm_thread(
                    decide,
                    self._session_id,
                    self._user_id,
                    message.speaker,
                    actor,
                    confirms=message.verdict == "confirm",
                    heard=heard,
                )
        except (WireError, VoicesError) as error:
            self._fail(error.code, str(error))
        except (DatabaseError, TimeoutError):
            self._fail("database_away", "The database is away: say it again in a moment.")
        except Exception:
            log.exception("correction failed")
            self._fail("internal_error", "The decision could not be written down.")


def decide(
    session_id: uuid.UUID,
    user_id: int,
    label: str,
    actor_id: uuid.UUID,
    *,
    confirms: bool,
    heard: bool,
) -> None:
    """Write a person's decision down. Raises WireError."""
    session = (
        DubbingSession.objects.select_related("owner", "team", "content")
        .filter(pk=session_id, owner=user_id)
        .first()
    )
    user = User.objects.filter(pk=user_id).first()
    if session is None or user is None:
        raise _no_speaker()
    actor = Actor.objects.visible_to(user).filter(pk=actor_id).first()
    if actor is None:
        raise _no_actor()
    known = Speaker.objects.filter(session_id=session_id, label=label).exists()
    if not (heard or known):
        raise _no_speaker()
    speaker = ensure_speaker(
        session_id, label, owner=session.owner, team=session.team, title=session.content
    )
    if confirms:
        confirm(speaker, actor, by=user)
    else:
        reject(speaker, actor, by=user)


def _no_speaker() -> WireError:
    return WireError("speaker_unknown", "Nobody of that name was heard in this session.")


def _no_actor() -> WireError:
    return WireError("actor_unknown", "You have no actor of this id.")
