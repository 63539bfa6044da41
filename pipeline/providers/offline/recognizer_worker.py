"""The recogniser's process: pieces of speech in, hypotheses out.

pocketsphinx holds the interpreter lock for a whole call, so every stream has a
process of its own. A thread takes messages in while the search runs; what waits
there tells how far behind the search is.
"""

from __future__ import annotations

import queue
import threading

import msgspec

from pipeline.bounds import RECOGNISER_MESSAGES_MAX as WAITING_MAX
from pipeline.providers.offline.sphinx_decoder import SphinxDecoder
from pipeline.providers.speech_messages import Heard, Piece, Taken
from pipeline.runtime.worker import ParentPipe
from pipeline.types import SAMPLE_RATE_HZ, Hypothesis

BEHIND_MESSAGES = 3
"""With so many waiting, partials are left out: catching up comes first."""


class Ready(msgspec.Struct, frozen=True, tag="ready"):
    """Loaded: pieces are searched from now on."""


class Whole(msgspec.Struct, frozen=True, tag="whole"):
    """From now on every utterance is searched once, when it has ended. What was heard before
    it counts for nothing then, so that one process may serve one stream after the other."""


Request = Piece | Whole
Reply = Heard | Taken | Ready


class Ear:
    """Follows the one stream of this process."""

    def __init__(self) -> None:
        self._decoder = SphinxDecoder()
        self._utterance: int | None = None
        self.whole = False

    def hear(self, piece: Piece, *, behind: bool) -> Hypothesis | None:
        """The hypothesis that this piece leads to; None when nothing was searched.

        Unchanged words are told again: that they lasted is what makes them stable.
        """
        if piece.utterance != self._utterance:
            self._utterance = piece.utterance
            self._decoder.begin(piece.start / SAMPLE_RATE_HZ)
        moved = False
        if self.whole:
            self._decoder.gather(piece.samples)
        else:
            moved = self._decoder.feed(piece.samples)
        if piece.ends:
            self._utterance = None
            words = self._decoder.search_whole() if self.whole else self._decoder.finish()
            return Hypothesis(
                utterance=piece.utterance,
                words=words,
                decoded_s=piece.end / SAMPLE_RATE_HZ,
                is_final=True,
                language="en",
            )
        if not moved or behind:
            return None
        words = self._decoder.words()
        return Hypothesis(piece.utterance, words, self._decoder.searched_s, language="en")

    def settle(self) -> None:
        """Learn from the finished utterance, after its words have gone out."""
        self._decoder.settle()


def main() -> None:
    pipe: ParentPipe[Request, Reply] = ParentPipe(Request)
    ear = Ear()
    waiting: queue.Queue[Request | None] = queue.Queue(WAITING_MAX)

    def take_in() -> None:
        for message in pipe:
            waiting.put(message)
        waiting.put(None)

    # A daemon: when the search fails, the process must not wait for its input.
    threading.Thread(target=take_in, name="input", daemon=True).start()
    pipe.reply(Ready())
    while (piece := waiting.get()) is not None:
        if isinstance(piece, Whole):
            ear.whole = True
            continue
        hypothesis = ear.hear(piece, behind=waiting.qsize() >= BEHIND_MESSAGES)
        if hypothesis is not None:
            pipe.reply(Heard(hypothesis))
        pipe.reply(Taken())
        if piece.ends and not ear.whole:
            ear.settle()


if __name__ == "__main__":
    main()
