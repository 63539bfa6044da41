"""Offline translation with Apertium: direct pairs and routes over one pivot language."""

from __future__ import annotations

import asyncio
import logging
import re
from collections.abc import Collection
from pathlib import Path

from pipeline.bounds import APERTIUM_IDLE_S, APERTIUM_PIPES_MAX, APERTIUM_REPLY_S, NAMES_MAX
from pipeline.bounds import CHARACTERS_TRANSLATED_MAX as TEXT_MAX_CHARACTERS
from pipeline.ports import EngineError, TranslationRequest
from pipeline.providers.offline.apertium_modes import (
    MODES_FOLDER,
    Mode,
    installed_modes,
    routes,
)
from pipeline.providers.offline.apertium_pipe import ENGINE, PipePool
from pipeline.providers.offline.stream_format import read_reply
from pipeline.providers.offline.tidying import tidy
from pipeline.text import glossary, text_form
from pipeline.text.english_names import CALENDAR_AND_DEMONYMS

logger = logging.getLogger(__name__)

_TITLES = {"mister": "Mr.", "missus": "Mrs.", "mistress": "Mrs."}
_TITLE = re.compile(r"\b(?:mister|missus|mistress)(?=\s[A-Z])", re.IGNORECASE)
_CAPITALISED = re.compile(r"(?<![\w'’])[^\W\d_]\w*")


class ApertiumTranslator:
    """Fills the Translator port; belongs to one event loop.

    The translation mirrors its source's form: raw recogniser words come back as a
    written sentence, a fragment without capital or final mark stays one.
    """

    name = ENGINE
    detects = False
    uses_context = False

    def __init__(
        self,
        modes_folder: Path = MODES_FOLDER,
        *,
        pipes_per_direction: int = APERTIUM_PIPES_MAX,
        idle_s: float = APERTIUM_IDLE_S,
        timeout_s: float = APERTIUM_REPLY_S,
    ) -> None:
        self._routes = routes(installed_modes(modes_folder))
        self._pools: dict[tuple[str, str], PipePool] = {}
        self._size = pipes_per_direction
        self._idle_s = idle_s
        self._timeout_s = timeout_s
        # What trying a word again with a capital has taught, per source language.
        self._names: dict[str, set[str]] = {}
        self._not_names: dict[str, set[str]] = {}

    async def connect(self) -> None:
        """Nothing is needed before a pair is known."""

    def pairs(self) -> frozenset[tuple[str, str]]:
        return frozenset(self._routes)

    def route(self, source: str, target: str) -> tuple[str, ...]:
        """The languages a text passes through, both ends included."""
        modes = self._modes(source, target)
        return (source, *(mode.target for mode in modes))

    def process_groups(self) -> list[int]:
        """Ids of the running pipelines' process groups."""
        return [pid for pool in self._pools.values() for pid in pool.pids]

    async def prepare(self, source: str, target: str) -> None:
        """Start the route's pipelines, all at once, and push a sentence through each."""
        modes = self._modes(source, target)
        await asyncio.gather(*(self._pool(mode).exchange("a.") for mode in modes))

    async def translate(self, request: TranslationRequest) -> str:
        modes = self._modes(request.source, request.target)
        text = "".join(c if c.isprintable() else " " for c in request.text)
        text = " ".join(text.split())
        if len(text) > TEXT_MAX_CHARACTERS:
            raise EngineError(
                "text_too_long",
                f"A text to translate may have {TEXT_MAX_CHARACTERS} characters; "
                f"this one has {len(text)}.",
                recoverable=False,
            )
        if not any(character.isalnum() for character in text):
            return text
        protected, placeholders = glossary.protect(text, request.glossary)
        form = _Form.of(text, protected)
        written = text_form.restore(protected, request.source, placeholders)
        written = text_form.lower_sentence_starts(
            written, {*placeholders, *self._names.get(request.source, ())}
        )
        with request.attempt(len(request.text)):
            translated = await self._first_hop(modes[0], written)
            for mode in modes[1:]:
                translated = read_reply(await self._pool(mode).exchange(translated)).text
        tidied = tidy(
            translated,
            request.target,
            capitals=_count_names(self._recase(written, request.source), request.target),
        )
        if missing := glossary.lost(tidied, placeholders):
            logger.warning("translation lost %d glossary terms", len(missing))
        return glossary.restore(form.give_to(tidied), placeholders)

    async def _first_hop(self, mode: Mode, written: str) -> str:
        """Translate, and give words that the engine does not know a second try as names."""
        pool = self._pool(mode)
        recased = self._recase(_with_short_titles(written, mode.source), mode.source)
        reply = read_reply(await pool.exchange(recased))
        unknown = {word for word in reply.unknown if word.islower()}
        known_unknowns = self._not_names.setdefault(mode.source, set())
        if doubtful := unknown - known_unknowns:
            again = read_reply(await pool.exchange(_with_capitals(recased, doubtful)))
            still_unknown = {word.lower() for word in again.unknown}
            _remember(known_unknowns, doubtful & still_unknown)
            _remember(self._names.setdefault(mode.source, set()), doubtful - still_unknown)
        better = _with_surnames(self._recase(recased, mode.source), unknown)
        if better == recased:
            return reply.text
        return read_reply(await pool.exchange(better)).text

    def _recase(self, text: str, language: str) -> str:
        return _with_capitals(text, self._names.get(language, ()))

    def _modes(self, source: str, target: str) -> tuple[Mode, ...]:
        modes = self._routes.get((source, target))
        if modes is None:
            offered = sorted(f"{start}-{end}" for start, end in self._routes)
            raise EngineError(
                "pair_unsupported",
                f"The offline translator cannot translate {source} to {target}. "
                + (
                    f"It has: {', '.join(offered)}."
                    if offered
                    else "No Apertium language pair is installed (for example apertium-eng-spa)."
                ),
                recoverable=False,
            )
        return modes

    def _pool(self, mode: Mode) -> PipePool:
        key = mode.source, mode.target
        if key not in self._pools:
            self._pools[key] = PipePool(
                mode, size=self._size, idle_s=self._idle_s, timeout_s=self._timeout_s
            )
        return self._pools[key]

    async def aclose(self) -> None:
        await asyncio.gather(*(pool.aclose() for pool in self._pools.values()))


class _Form:
    """What the source's written form asks of the translation's."""

    def __init__(self, *, capital: bool, mark: bool) -> None:
        self._capital = capital
        self._mark = mark

    @classmethod
    def of(cls, text: str, protected: str) -> _Form:
        if text_form.looks_spoken(text):
            return cls(capital=True, mark=True)
        first = next(character for character in protected if character.isalnum())
        return cls(capital=not first.islower(), mark=text_form.has_final_mark(text))

    def give_to(self, translated: str) -> str:
        if not self._mark:
            translated = text_form.without_final_mark(translated)
        return text_form.capitalise_sentences(translated) if self._capital else translated


def _with_capitals(text: str, words: Collection[str]) -> str:
    if not words:
        return text
    return _CAPITALISED.sub(
        lambda match: match[0][0].upper() + match[0][1:] if match[0] in words else match[0], text
    )


def _with_short_titles(text: str, language: str) -> str:
    """Titles the way dictionaries have them; recognisers write them out."""
    if language != "en":
        return text
    return _TITLE.sub(lambda match: _TITLES[match[0].lower()], text)


def _with_surnames(text: str, unknown: Collection[str]) -> str:
    """An unknown word right after a name belongs to the name."""
    words = text.split(" ")
    for index in range(1, len(words)):
        name, word = words[index - 1], words[index]
        if name.isalpha() and name[0].isupper() and name != "I" and word.rstrip(",.?!") in unknown:
            words[index] = word[0].upper() + word[1:]
    return " ".join(words)


def _count_names(written: str, target: str) -> int:
    """How many capitals the translation may have in the middle of its sentences."""
    small = CALENDAR_AND_DEMONYMS if target != "en" else frozenset()
    words = (match[0] for match in _CAPITALISED.finditer(written))
    return sum(word[0].isupper() and word != "I" and word.lower() not in small for word in words)


def _remember(words: set[str], new: Collection[str]) -> None:
    """Bounded: a run over years of speech must not grow without end."""
    if len(words) + len(new) > NAMES_MAX:
        words.clear()
    words.update(new)
