"""A run that speaks another session's lines; what that session tells comes by ``take``."""

from __future__ import annotations

from collections import deque
from collections.abc import Callable

from pipeline.bounds import FOLLOWING_ITEMS_MAX
from pipeline.dub import Dub
from pipeline.follower import Follower
from pipeline.guards.usage import Meter
from pipeline.handover.snapshot import Delivered, Followed, RunSnapshot
from pipeline.sharing.feeds import Aside
from pipeline.sharing.shared import AnyShared, RunBegan, SharedLine
from pipeline.types import AudioChunk
from sessions_app import wiring
from sessions_app.running.run import Begin, Run, RunRequest, Tell


class FollowRun(Run):
    """As Run. ``leader_engines`` and ``on_over`` are set by whoever opens it."""

    def __init__(
        self,
        request: RunRequest,
        *,
        tell: Tell,
        begin: Begin,
        on_progress: Callable[[], None] | None = None,
        continues: RunSnapshot | None = None,
        heard: Delivered | None = None,
        meter: Meter | None = None,
    ) -> None:
        super().__init__(
            request,
            tell=tell,
            begin=begin,
            on_progress=on_progress,
            continues=continues,
            heard=heard,
            meter=meter,
        )
        self.leader_engines: Callable[[], object] = lambda: None
        """The set of engines of the one who is followed, when it is in this process."""
        self.on_over: Callable[[], None] = lambda: None
        self._follower: Follower | None = None
        self._items: deque[tuple[AnyShared, Aside | None]] = deque(maxlen=FOLLOWING_ITEMS_MAX)
        """What came before the engines were ready."""

    def push(self, chunk: AudioChunk) -> None:
        """Sound is not heard here."""

    def take(self, item: AnyShared, aside: Aside | None) -> None:
        """What the followed session tells; never waits."""
        if self._follower is not None:
            self._follower.push(item, aside)
        elif not self.ended:
            self._items.append((item, aside))

    @property
    def followed(self) -> Followed | None:
        """How far it has got; None: it begins with the next line."""
        if self._follower is not None:
            return self._follower.followed
        lines = (item for item, _ in self._items if isinstance(item, SharedLine))
        first = next(lines, None)
        if self._continues is not None or first is None:
            return self._continues.followed if self._continues else None
        return Followed(run=first.run, line=first.line - 1)

    async def execute(self) -> None:
        try:
            await super().execute()
        finally:
            self._follower = None
            self._items.clear()
            self.on_over()

    async def _make(self) -> wiring.MadeDubber[Dub]:
        request = self.request
        return await wiring.make_follower(
            session_id=request.session_id,
            began=RunBegan(
                run=request.follows_run,
                source_language=request.source_language,
                target_language=request.target_language,
                preserve_voice=request.follows_preserves,
            ),
            preserve_voice=request.preserve_voice,
            user_id=request.user_id,
            wish=request.engines,
            leader_id=request.follows,
            leader_owner=request.follows_owner,
            leader_engines=self.leader_engines(),
            continues=self._continues,
            heard=self._heard,
            on_progress=self._on_progress,
            meter=self._meter,
        )

    def _give_all_held(self, dub: Dub) -> None:
        assert isinstance(dub, Follower)
        while self._items:
            dub.push(*self._items.popleft())
        self._follower = dub
