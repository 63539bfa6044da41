"""One session that speaks another's lines: finds that one, follows it, and finds it again.

Each run of the followed session becomes a run here, until the client says stop or the
followed session ends. While that one moves to another server process it is looked for, and
nothing of what it said meanwhile is lost.
"""

from __future__ import annotations

import asyncio
import logging
import uuid
from collections.abc import Callable

import msgspec
from django.conf import settings
from django.db import Error as DatabaseError

from accounts.orm_thread import in_orm_thread
from pipeline.bounds import DATABASE_S, FOLLOWING_ALLOWED_S, FOLLOWING_SEARCH_S
from pipeline.client_messages import FollowDubbing
from pipeline.events import Notice
from pipeline.ports import EngineError
from pipeline.providers.choice import refuse_unknown
from pipeline.sharing.feeds import Aside, FeedFullError
from pipeline.sharing.shared import AnyShared, FeedClosed, LeaderHere, RunBegan, SharedClock
from pipeline.wire import WireError
from sessions_app import selectors
from sessions_app.processes import leaders, relay
from sessions_app.running.follow_request import FollowRequest
from sessions_app.running.follow_run import FollowRun
from sessions_app.running.run import RunRequest
from sessions_app.running.runs import Runs

log = logging.getLogger(__name__)

RETRY_S = 0.25
UNKNOWN = WireError(
    "follow_unknown", "No session of this id that you may follow is being dubbed now."
)
FULL = WireError("followers_full", "As many follow this session as may.")
UNANSWERED = WireError("follow_unanswered", "The database does not answer; try again.")


class Following:
    """``fail`` tells the client an error, ``tell`` a notice; ``is_spent`` says whether the
    user's money of the day is used up; ``chunk`` is the last chunk that was taken."""

    def __init__(
        self,
        session_id: str,
        runs: Runs,
        *,
        protocol: str,
        user_id: int,
        fail: Callable[[str, str], None],
        tell: Callable[[Notice], None],
        is_spent: Callable[[], bool],
        chunk: Callable[[], int],
    ) -> None:
        self.request: FollowRequest | None = None
        """None: nobody is followed."""
        self._session_id = session_id
        self._runs = runs
        self._protocol = protocol
        self._user_id = user_id
        self._fail = fail
        self._tell = tell
        self._is_spent = is_spent
        self._chunk = chunk
        self._run: FollowRun | None = None
        """The run that is given what the followed session tells."""
        self._leave: leaders.Leave | None = None
        self._joined: object = None
        """Which joining is the present one: what earlier ones bring is not wanted any more."""
        self._task: asyncio.Task[None] | None = None
        self._lost = asyncio.Event()
        self._stopping = False

    @property
    def active(self) -> bool:
        return self.request is not None

    def start(self, message: FollowDubbing) -> None:
        """Raises WireError."""
        if set(message.engines) - {"synthesis"}:
            raise WireError(
                "engine_role_unknown", "Who follows chooses an engine for “synthesis” alone."
            )
        try:
            refuse_unknown(message.engines)
        except EngineError as error:
            raise WireError(error.code, str(error)) from None
        self.drop()
        self.request = FollowRequest(
            session=str(uuid.UUID(message.session)),
            preserve_voice=message.preserve_voice,
            engines=message.engines,
        )
        self._begin(first=True)

    def restore(self, request: FollowRequest) -> None:
        """Go on with what another process followed; before the runs start."""
        self.request = request
        run = self._runs.current
        if isinstance(run, FollowRun):
            self._take_on(run)
        self._begin(first=False)

    def stop(self) -> None:
        """No more lines: those that were committed are still dubbed."""
        self._stopping = True
        if self._run is None or self._run.ended:
            self.drop()
        else:
            # Its translations are still on their way; ``_over`` leaves.
            self._run.finish()

    def drop(self) -> None:
        """Follow no longer; what is not translated yet is not dubbed. Idempotent."""
        self.request = None
        self._stopping = False
        if self._task is not None:
            self._task.cancel()
            self._task = None
        self._part()
        run, self._run = self._run, None
        if run is not None:
            run.take(FeedClosed(moved=False), None)
            run.finish()

    async def aclose(self) -> None:
        """Stop at once, and leave the run as it is. Idempotent."""
        self._part()
        if self._task is not None:
            self._task.cancel()
            await asyncio.gather(self._task, return_exceptions=True)

    # Finding -----------------------------------------------------------------------

    def _begin(self, *, first: bool) -> None:
        self._task = asyncio.create_task(self._keep(first=first), name=f"follow {self._session_id}")

    async def _keep(self, *, first: bool) -> None:
        try:
            if first:
                await self._allow()
                await self._join(first=True)
            else:
                self._lost.set()
            while await self._stay():
                await self._search()
        except WireError as error:
            self._task = None
            self.drop()
            self._fail(error.code, str(error))
        except _LeftError:
            self._task = None
            self._tell_left()
        except Exception:
            log.exception("following failed")
            self._task = None
            self._tell_left()

    async def _stay(self) -> bool:
        """Until the followed session is lost; asks now and then whether one still may."""
        while True:
            try:
                async with asyncio.timeout(FOLLOWING_ALLOWED_S):
                    await self._lost.wait()
                return True
            except TimeoutError:
                await self._allow_still()

    async def _search(self) -> None:
        """Join again what may have gone to another process. Raises _LeftError."""
        self._part()
        told = False
        try:
            async with asyncio.timeout(settings.RESUME_SECONDS + FOLLOWING_SEARCH_S):
                while True:
                    try:
                        await self._join(first=False)
                        break
                    except (leaders.NotLedError, FeedFullError):
                        if not told:
                            self._tell_away()
                            told = True
                        await asyncio.sleep(RETRY_S)
        except TimeoutError:
            raise _LeftError from None
        if told:
            self._tell_back()

    async def _join(self, *, first: bool) -> None:
        """Raises leaders.NotLedError, FeedFullError; WireError instead at first."""
        assert self.request is not None
        self._lost.clear()
        self._joined = this = object()
        run = self._run

        def listen(item: AnyShared, aside: Aside | None) -> None:
            if self._joined is this:
                self._take(item, aside)

        def lose() -> None:
            if self._joined is this:
                self._lost.set()

        open_run = run is not None and not run.ended
        try:
            leave = await leaders.join(
                uuid.UUID(self.request.session),
                listen,
                after=run.followed if run is not None and open_run else None,
                running=first or open_run,
                on_lost=lose,
            )
        except leaders.NotLedError:
            raise UNKNOWN if first else leaders.NotLedError from None
        except FeedFullError:
            raise FULL if first else FeedFullError from None
        self._leave = leave
        if self._joined is not this:
            self._part()  # what came at once ended it

    def _part(self) -> None:
        self._joined = None
        leave, self._leave = self._leave, None
        if leave is not None:
            leave()

    async def _allow(self) -> None:
        """Raises WireError."""
        assert self.request is not None
        try:
            owner = await self._owner()
        except (DatabaseError, TimeoutError):
            raise UNANSWERED from None
        if owner is None or self.request.session == self._session_id:
            raise UNKNOWN
        self.request = msgspec.structs.replace(self.request, owner=owner)

    async def _allow_still(self) -> None:
        """Raises _LeftError; a database that is away changes nothing."""
        try:
            owner = await self._owner()
        except (DatabaseError, TimeoutError):
            return
        if owner is None:
            raise _LeftError

    async def _owner(self) -> int | None:
        assert self.request is not None
        async with asyncio.timeout(DATABASE_S):
            owner: int | None = await in_orm_thread(
                selectors.owner_to_follow, self._user_id, uuid.UUID(self.request.session)
            )
        return owner

    # What comes --------------------------------------------------------------------

    def _take(self, item: AnyShared, aside: Aside | None) -> None:
        run = self._run
        match item:
            case RunBegan():
                self._open(item)
                return
            case LeaderHere(here=False):
                self._tell_away()
            case LeaderHere():
                self._tell_back()
            case FeedClosed(moved=True):
                self._leave = None
                self._lost.set()
            case FeedClosed():
                self._leave = None
                self._tell_left()
                return
            case SharedClock() if self._is_spent() and not self._stopping:
                self._fail("quota_exceeded", "What your engines may cost today is used up.")
                self.stop()
        if run is not None:
            run.take(item, aside)

    def _open(self, began: RunBegan) -> None:
        request, before = self.request, self._run
        if request is None or self._stopping:
            return
        if before is not None and before.request.follows_run == began.run:
            return
        if before is not None:
            before.finish()
        try:
            run = self._runs.open(
                RunRequest(
                    session_id=self._session_id,
                    user_id=self._user_id,
                    source_language=began.source_language,
                    target_language=began.target_language,
                    preserve_voice=request.preserve_voice,
                    protocol=self._protocol,
                    engines=request.engines,
                    follows=request.session,
                    follows_run=began.run,
                    follows_owner=request.owner,
                    follows_preserves=began.preserve_voice,
                ),
                after_chunk=self._chunk(),
            )
        except WireError as error:
            self._run = None
            self._fail(error.code, str(error))
            return
        assert isinstance(run, FollowRun)
        self._take_on(run)

    def _take_on(self, run: FollowRun) -> None:
        self._run = run
        session_id = uuid.UUID(run.request.follows)

        def engines() -> object:
            feed = relay.feed_of(session_id)
            return feed.engines if feed is not None else None

        run.leader_engines = engines
        run.on_over = lambda: self._over(run)

    def _over(self, run: FollowRun) -> None:
        """A run has told everything, or could not begin."""
        if run is self._run and (self._stopping or not run.started) and not run.wound_down:
            self.drop()

    # Telling -----------------------------------------------------------------------

    def _tell_away(self) -> None:
        self._tell(Notice(code="leader_away", message="The session that you follow is away."))

    def _tell_back(self) -> None:
        self._tell(Notice(code="leader_back", message="The session that you follow goes on."))

    def _tell_left(self) -> None:
        self.drop()
        self._tell(Notice(code="leader_left", message="You follow no longer: it has ended."))


class _LeftError(Exception):
    """The followed session has ended, or may not be followed any more."""
