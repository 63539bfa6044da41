"""Translates what is likely to be committed next, so that committing it costs nothing.

A few guesses at a time: what is no longer likely is dropped, and its work is cancelled at the
vendor. A guess counts when it is committed as it was, but for what a recogniser writes into
finals only: the capital at the beginning and the full stop at the end.
"""

from __future__ import annotations

import asyncio
from collections.abc import Callable, Coroutine, Sequence
from dataclasses import dataclass
from typing import Any

from pipeline import metrics
from pipeline.ports import EngineError, TranslationRequest
from pipeline.speaking.making import Translation

Translate = Callable[[TranslationRequest], Coroutine[Any, Any, Translation]]

ON_ITS_WAY_S = 0.05
"""A guess is not cancelled younger: the vendor has not seen it then, and whether it is on the
bill would be anybody's guess too."""

_Name = tuple[str, str, str, tuple[str, ...]]
"""What is asked for, but for its capital and full stop, and for the run's own glossary."""


@dataclass(slots=True, eq=False)
class _Guess:
    request: TranslationRequest
    task: asyncio.Task[Translation]
    begun: float | None = None
    """When it was asked for, of the loop's clock; None: not yet."""


class Speculation:
    """One run's. ``clock`` gives seconds."""

    def __init__(self, translate: Translate, clock: Callable[[], float]) -> None:
        self._translate = translate
        self._clock = clock
        self._guesses: dict[_Name, _Guess] = {}
        self._ending: set[asyncio.Task[Translation]] = set()
        self._expects = False

    def expect(self, requests: Sequence[TranslationRequest]) -> None:
        """One of ``requests`` is likely to be made soon: begin with those that are not begun."""
        self._expects = True
        likely = {_name(request): request for request in requests}
        for name in self._guesses.keys() - likely.keys():
            self._drop(name, "replaced")
        for name, request in likely.items():
            if name not in self._guesses:
                self._guesses[name] = self._begin(request)

    async def translate(self, request: TranslationRequest) -> Translation:
        """The translation, begun long ago or now; ``took_ms`` counts from now.

        Raises EngineError. A guess that failed is asked for again, if that may help.
        """
        began = self._clock()
        if guess := self._take(request):
            try:
                text = _written_as((await guess.task).text, guess.request.text, request.text)
            except EngineError as error:
                metrics.count_speculation("failed")
                if not error.recoverable:
                    raise
            else:
                metrics.count_speculation("used")
                return Translation(text, (self._clock() - began) * 1000)
            finally:
                # Where the line itself is given up, nobody wants it.
                guess.task.cancel()
        done = await self._translate(request)
        return Translation(done.text, (self._clock() - began) * 1000)

    async def aclose(self) -> None:
        """Stop what is on its way. Idempotent."""
        for name in list(self._guesses):
            self._drop(name, "replaced")
        for task in self._ending:
            task.cancel()
        await asyncio.gather(*self._ending, return_exceptions=True)

    def _begin(self, request: TranslationRequest) -> _Guess:
        async def ask() -> Translation:
            guess.begun = asyncio.get_running_loop().time()
            return await self._translate(request)

        task = asyncio.create_task(ask())
        # Nobody may ever ask for it, and then a failure is nobody's.
        task.add_done_callback(lambda done: done.cancelled() or done.exception())
        guess = _Guess(request, task)
        return guess

    def _take(self, request: TranslationRequest) -> _Guess | None:
        taken = self._guesses.pop(_name(request), None)
        if taken is None and self._expects:
            metrics.count_speculation("missed")
        for name in list(self._guesses):
            self._drop(name, "replaced")
        return taken

    def _drop(self, name: _Name, outcome: str) -> None:
        metrics.count_speculation(outcome)
        guess = self._guesses.pop(name)
        if guess.begun is None:
            guess.task.cancel()
        elif not guess.task.done():
            self._ending.add(guess.task)
            guess.task.add_done_callback(self._ending.discard)
            asyncio.get_running_loop().call_at(guess.begun + ON_ITS_WAY_S, guess.task.cancel)


def _name(request: TranslationRequest) -> _Name:
    text = request.text
    bare = text[:1].lower() + text[1:].removesuffix(".")
    return bare, request.source, request.target, request.previous


def _written_as(translated: str, guessed: str, wanted: str) -> str:
    """A guess's translation with the capital and the full stop that the line has.

    A capital too many stays: it may be a name's.
    """
    if guessed.endswith(".") and not wanted.endswith("."):
        translated = translated.removesuffix(".")
    elif wanted.endswith(".") and translated[-1:].isalnum():
        translated += "."
    if wanted[:1].isupper():
        translated = translated[:1].upper() + translated[1:]
    return translated
