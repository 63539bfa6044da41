"""One run's lines for others who listen to the same source in the same language.

Recognition and translation are done once, by the run that is followed. What it commits is
text and numbers, and may travel to another process; ``Aside`` is what may not. Nothing here
ever waits: a follower that is slow has its own bounded queue, and the run never knows.
"""

from __future__ import annotations

import asyncio
import logging
from collections import deque
from collections.abc import Callable
from dataclasses import dataclass

from pipeline.bounds import FOLLOWERS_MAX, FOLLOWING_KEPT_MAX
from pipeline.events import PartialTranscript
from pipeline.handover.snapshot import Followed
from pipeline.plan import DubbingPlan
from pipeline.ports import EngineError
from pipeline.sharing.shared import (
    AnyShared,
    FeedClosed,
    LeaderHere,
    RunBegan,
    RunEnded,
    SharedClock,
    SharedLine,
    SharedPartial,
    SharedTranslation,
)
from pipeline.speaking.ledger import Entry
from pipeline.speaking.making import Translation
from pipeline.types import Pcm, Voice
from pipeline.voices.made_voices import MadeVoices

log = logging.getLogger(__name__)

CLOCK_S = 0.2
"""Source audio between two tellings of how far the source has got."""


@dataclass(frozen=True, slots=True)
class Aside:
    """What of a line is for followers in this process alone."""

    stock: Voice
    """The speaker's unshaped voice."""
    voice: Voice
    """The voice that the line is spoken with for the one who is followed."""
    sound: Pcm | None
    """The clause itself, at 16 kHz; None where it was heard by another process."""
    pitch_hz: float
    made: MadeVoices
    """Whoever speaks with ``voice`` says so here, and when they no longer do."""


Listener = Callable[[AnyShared, Aside | None], None]
"""Must not wait, and not be slow."""


class FeedFullError(Exception):
    """As many follow as may."""


class Feed:
    """What one session tells those who follow it, over all its runs."""

    def __init__(self) -> None:
        self._listeners: dict[object, Listener] = {}
        self._lines: deque[SharedLine] = deque(maxlen=FOLLOWING_KEPT_MAX)
        self._translations: dict[int, SharedTranslation] = {}
        """Of the kept lines."""
        self._clock: SharedClock | None = None
        self._here = True
        self.now: RunBegan | None = None
        """The run that is being shared."""
        self.engines: object = None
        """Who speaks its lines: a follower with the same may use the same shaped voices."""

    @property
    def followers(self) -> int:
        return len(self._listeners)

    def subscribe(self, who: object, listener: Listener, after: Followed | None) -> None:
        """Tell ``listener`` everything from now on, and first what came behind ``after``.

        Without ``after`` it begins with the next line. Raises FeedFullError.
        """
        if who not in self._listeners and len(self._listeners) >= FOLLOWERS_MAX:
            raise FeedFullError
        self._listeners[who] = listener
        if not self._here:
            listener(LeaderHere(here=False), None)
        if self.now is None:
            return
        if after is not None and self.now.run != after.run:
            listener(RunEnded(run=after.run, complete=True), None)
        listener(self.now, None)
        if self._clock is not None:
            listener(self._clock, None)
        if after is None or after.run != self.now.run:
            return
        for line in self._lines:
            if line.line > after.line:
                listener(line, None)
        for translation in list(self._translations.values()):
            listener(translation, None)

    def unsubscribe(self, who: object) -> None:
        """Idempotent."""
        self._listeners.pop(who, None)

    def set_here(self, here: bool) -> None:
        """The client that sends the sound went, or came back."""
        if here != self._here:
            self._here = here
            self.tell(LeaderHere(here=here))

    def begin(self, began: RunBegan, engines: object) -> None:
        self._lines.clear()
        self._translations.clear()
        self._clock = None
        self.now, self.engines = began, engines
        self.tell(began)

    def end(self, run: str, *, complete: bool) -> None:
        """Idempotent."""
        if self.now is not None and self.now.run == run:
            self.tell(RunEnded(run=run, complete=complete))
            if complete:
                self.now = self.engines = None

    def close(self, *, moved: bool) -> None:
        """Nothing more comes. Idempotent."""
        self.now = self.engines = None
        self.tell(FeedClosed(moved=moved))
        self._listeners.clear()

    def keep(self, line: SharedLine, aside: Aside) -> None:
        if len(self._lines) == self._lines.maxlen:
            self._translations.pop(self._lines[0].line, None)
        self._lines.append(line)
        self.tell(line, aside)

    def translated(self, translation: SharedTranslation) -> None:
        if self._lines and translation.line >= self._lines[0].line:
            self._translations[translation.line] = translation
        self.tell(translation)

    def clock(self, media_s: float) -> None:
        if self._clock is None or not 0 <= media_s - self._clock.media_s < CLOCK_S:
            self._clock = SharedClock(media_s=media_s)
            self.tell(self._clock)

    def tell(self, item: AnyShared, aside: Aside | None = None) -> None:
        for who, listener in list(self._listeners.items()):
            try:
                listener(item, aside)
            except Exception:  # whoever is followed must not suffer
                log.exception("follower failed")
                self._listeners.pop(who, None)


class Share:
    """One run's end of the feed."""

    def __init__(self, feed: Feed, run: str, engines: object = None) -> None:
        self._feed = feed
        self._run = run
        self._engines = engines

    def begin(self, plan: DubbingPlan) -> None:
        self._feed.begin(
            RunBegan(
                run=self._run,
                source_language=plan.source_language,
                target_language=plan.target_language,
                preserve_voice=plan.preserve_voice,
            ),
            self._engines,
        )

    def clock(self, media_s: float) -> None:
        """The source has been heard up to here."""
        self._feed.clock(media_s)

    def partial(self, partial: PartialTranscript) -> None:
        self._feed.tell(
            SharedPartial(utterance=partial.utterance, text=partial.text, language=partial.language)
        )

    def line(self, entry: Entry, aside: Aside, *, now: float) -> None:
        """``now`` is on the clock of the entry's timing."""
        line, timing = entry.line, entry.timing
        self._feed.keep(
            SharedLine(
                run=self._run,
                line=line.sequence,
                text=line.source_text,
                language=line.source_language,
                start_s=line.clause.start_s,
                end_s=line.clause.end_s,
                heard_s=entry.heard_s,
                speaker=line.speaker,
                style=line.style,
                pitch_hz=aside.pitch_hz,
                stock=aside.stock.id,
                engine=aside.stock.engine,
                shaped=line.voice.profile is not None and not line.voice.lasting,
                arrived_ago_s=now - timing.arrived_at,
                decided_ago_s=now - timing.decided_at,
                recognized_ago_s=now - timing.recognized_at,
            ),
            aside,
        )
        number = line.sequence
        if entry.translation.done():
            self._pass_on(number, entry.translation)
        else:
            entry.translation.add_done_callback(lambda done: self._pass_on(number, done))

    def end(self, *, complete: bool) -> None:
        """No more lines; ``complete``: nor translations."""
        self._feed.end(self._run, complete=complete)

    def _pass_on(self, line: int, done: asyncio.Future[Translation]) -> None:
        if done.cancelled():
            return  # whoever goes on with the run translates it
        error = done.exception()
        if error is None:
            made = done.result()
            told = SharedTranslation(run=self._run, line=line, text=made.text, took_ms=made.took_ms)
        elif isinstance(error, EngineError):
            told = SharedTranslation(
                run=self._run, line=line, failed=error.code, message=str(error)
            )
        else:
            told = SharedTranslation(
                run=self._run,
                line=line,
                failed="internal_error",
                message="The line could not be translated because of a fault in the server.",
            )
        self._feed.translated(told)
