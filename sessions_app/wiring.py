"""Where Django and the pipeline meet: settings and a session become a ready Dubber."""

from __future__ import annotations

import asyncio
import logging
import weakref
from collections.abc import AsyncIterator, Callable, Mapping, Sequence
from contextlib import asynccontextmanager
from dataclasses import dataclass, replace
from typing import Generic, TypeVar

from django.conf import settings

from pipeline.dub import Dub
from pipeline.dubber import Dubber
from pipeline.follower import Follower
from pipeline.guards.cache import CachedTranslator
from pipeline.guards.guarding import LIMITED, guarded
from pipeline.guards.usage import Meter
from pipeline.handover.snapshot import Delivered, RunSnapshot
from pipeline.hearing.unrecognised import NoRecognizer
from pipeline.plan import AUTO, DubbingPlan, Engines
from pipeline.ports import Endpointing, EngineError, Translator
from pipeline.sharing.feeds import Feed, Share
from pipeline.sharing.shared import RunBegan
from pipeline.text.source_text import SourceText
from pipeline.voices.kept_voices import KeptVoices
from sessions_app.caches.redis_cache import RedisCache
from sessions_app.caches.translation_cache import RedisTranslations, cached
from sessions_app.caches.voice_cache import kept_voices, redis_voices
from sessions_app.engines import loaded
from sessions_app.engines.engine_access import (
    stand_ins_of,
    wanted_by,
)
from sessions_app.engines.engine_sets import Lease
from sessions_app.engines.languages import available_pairs, resolve_source
from sessions_app.engines.speaker_memory import PostgresMemory, open_memory
from sessions_app.glossaries.reading import kept_terms

log = logging.getLogger(__name__)

AnyDub = TypeVar("AnyDub", bound=Dub, covariant=True)
_caches: weakref.WeakKeyDictionary[asyncio.AbstractEventLoop, RedisTranslations] = (
    weakref.WeakKeyDictionary()
)
_voices: weakref.WeakKeyDictionary[asyncio.AbstractEventLoop, RedisCache] = (
    weakref.WeakKeyDictionary()
)


class LanguagesRefusedError(EngineError):
    """The engines lack something for a run's languages; ``available`` are the pairs there are."""

    def __init__(self, error: EngineError, available: list[tuple[str, str]]) -> None:
        super().__init__(error.code, str(error), recoverable=False)
        self.available = available


@dataclass(frozen=True, slots=True)
class MadeDubber(Generic[AnyDub]):
    """Not started yet; must be closed after the dubber is."""

    dubber: AnyDub
    plan: DubbingPlan
    engines: Engines
    """Behind the guards of this run."""
    leases: tuple[Lease, ...]
    memory: PostgresMemory | None = None
    """What knows the session's speakers; None where nobody is to be recognised."""

    @property
    def engine_names(self) -> dict[str, str]:
        return self.engines.names()

    async def aclose(self) -> None:
        """Close the guards, and give the engines free for others. Idempotent."""
        try:
            await self.engines.aclose()
        finally:
            for lease in self.leases:
                lease.release()


def plan_for(
    *,
    session_id: str,
    source_language: str,
    target_language: str,
    preserve_voice: bool,
    candidates: tuple[str, ...] = (),
    model: str = "",
    region: str = "",
    endpointing: Endpointing = "short",
    glossary: Mapping[str, str] | None = None,
    live: bool = True,
    speakers_before: int = 0,
) -> DubbingPlan:
    """A plan under the project's settings."""
    return DubbingPlan(
        session_id=session_id,
        source_language=source_language,
        target_language=target_language,
        candidates=candidates,
        model=model,
        region=region,
        endpointing=endpointing,
        preserve_voice=preserve_voice,
        consented_clones=True,
        glossary=glossary or {},
        speakers_before=speakers_before,
        live=live,
        speculate=settings.SPECULATE,
    )


async def make_dubber(
    *,
    session_id: str,
    source_language: str,
    target_language: str,
    preserve_voice: bool,
    glossary: Mapping[str, str],
    user_id: int = 0,
    wish: Mapping[str, str] | None = None,
    candidates: tuple[str, ...] = (),
    model: str = "",
    region: str = "",
    endpointing: Endpointing = "short",
    continues: RunSnapshot | None = None,
    heard: Delivered | None = None,
    on_progress: Callable[[], None] | None = None,
    meter: Meter | None = None,
    feed: Feed | None = None,
    run: str = "",
    speakers: str = "off",
    text: SourceText | None = None,
    text_alone: bool = False,
) -> MadeDubber[Dubber]:
    """A Dubber with the engines that ``user_id`` may use and wishes for. Raises EngineError.

    ``meter`` counts what it takes of them. Those who follow are told through ``feed``, where
    this run has the name ``run``.

    ``speakers``: off, recognise, remember, or "" for as the user has set it.

    ``text``: what the client has of the source's text; with ``text_alone`` it is enough where
    nothing recognises the language.

    ``continues`` and ``heard``: what another process left of the run, and what its
    listener got.
    """
    leases = await _lease_all(user_id, wish)
    told: list[Dub] = []
    engines = _guarded(leases, user_id, meter, told)
    if text is not None and text_alone:
        engines = _with_text_alone(engines, source_language, text)
    try:
        source, among = resolve_source(
            engines,
            source_language,
            target_language,
            candidates=candidates,
            usual=tuple(settings.SOURCE_CANDIDATES),
        )
        opened = await open_memory(
            session_id,
            user_id,
            speakers,
            engines,
            language=target_language,
            confirm_at=settings.VOICE_SIMILARITY_THRESHOLD,
        )
        plan = plan_for(
            session_id=session_id,
            source_language=source,
            target_language=target_language,
            candidates=among,
            model=model,
            region=region,
            endpointing=endpointing,
            preserve_voice=preserve_voice,
            # What the client says of a term counts before what its owner keeps.
            glossary={**await kept_terms(user_id, among or (source,), target_language), **glossary},
            speakers_before=opened.speakers_before,
        )
        # Before the Dubber: it asks for the target's voices.
        _refuse_unsupported(engines, plan)
        dubber = Dubber(
            plan,
            engines,
            continues=continues,
            heard=heard,
            on_progress=on_progress,
            voices=_voices_for(user_id, plan),
            share=Share(feed, run, leases[0].engines) if feed else None,
            memory=opened.memory,
            text=text,
        )
    except BaseException:
        for one in leases:
            one.release()
        raise
    told.append(dubber)
    return MadeDubber(dubber, plan, engines, tuple(leases), opened.memory)


def _with_text_alone(engines: Engines, source_language: str, text: SourceText) -> Engines:
    """Engines that need not recognise what they cannot: ``text`` says it."""
    if source_language in (AUTO, *engines.recognizer.languages):
        return engines
    text.alone = True
    return replace(engines, recognizer=NoRecognizer(source_language))


async def make_follower(
    *,
    session_id: str,
    began: RunBegan,
    preserve_voice: bool,
    user_id: int = 0,
    wish: Mapping[str, str] | None = None,
    leader_id: str,
    leader_owner: int,
    leader_engines: object = None,
    continues: RunSnapshot | None = None,
    heard: Delivered | None = None,
    on_progress: Callable[[], None] | None = None,
    meter: Meter | None = None,
) -> MadeDubber[Follower]:
    """A Follower of the run ``began`` of another session, with voices of engines that
    ``user_id`` may use. Raises EngineError.

    ``leader_engines``: the set that speaks for the one who is followed, when it is in this
    process. Voices that were shaped in another one are found under ``leader_id`` and
    ``leader_owner``.
    """
    leases = await _lease_all(user_id, wish)
    told: list[Dub] = []
    engines = _guarded(leases, user_id, meter, told)
    try:
        plan = plan_for(
            session_id=session_id,
            source_language=began.source_language,
            target_language=began.target_language,
            preserve_voice=preserve_voice,
        )
        follower = Follower(
            plan,
            engines,
            began,
            shares_voices=leases[0].engines is leader_engines,
            continues=continues,
            heard=heard,
            on_progress=on_progress,
            voices=_voices_for(leader_owner, plan, session_id=leader_id),
        )
    except BaseException:
        for one in leases:
            one.release()
        raise
    told.append(follower)
    return MadeDubber(follower, plan, engines, tuple(leases))


@asynccontextmanager
async def batch_engines(
    user_id: int, meter: Meter, wish: Mapping[str, str] | None = None
) -> AsyncIterator[Engines]:
    """The engines that ``user_id`` gets for a file, behind guards. Raises EngineError."""
    leases = await _lease_all(user_id, wish)
    engines = _guarded(leases, user_id, meter, [])
    try:
        yield engines
    finally:
        try:
            await engines.aclose()
        finally:
            for one in leases:
                one.release()


def _guarded(
    leases: list[Lease], user_id: int, meter: Meter | None, told: Sequence[Dub]
) -> Engines:
    """``told``: who is told when an engine stands in for another, once there is one."""
    return guarded(
        leases[0].engines,
        [one.engines for one in leases[1:]],
        leases[0].guards,
        meter=meter or Meter(),
        user=str(user_id),
        tell=lambda notice: told[0].notice(notice) if told else None,
        cached=_cache_for(user_id, leases[0].engines.translator),
    )


async def _lease_all(user_id: int, wish: Mapping[str, str] | None) -> list[Lease]:
    """The engines of a session, and behind them those that stand in. Raises EngineError."""
    wanted = await wanted_by(user_id, wish)
    leases = [await loaded.sets().lease(wanted)]
    try:
        for stand_in in stand_ins_of(wanted):
            try:
                leases.append(await loaded.sets().lease(stand_in))
            except EngineError as error:
                # Without them it goes on; only a failure will be met later.
                log.warning("no engines to stand in", extra={"code": error.code})
    except BaseException:
        for one in leases:
            one.release()
        raise
    return leases


def _cache_for(
    user_id: int, translator: Translator
) -> Callable[[Translator], CachedTranslator] | None:
    """What keeps translations that are paid for; those of this machine are as quick anew."""
    if not settings.CACHE_TTL or translator.name not in LIMITED:
        return None
    loop = asyncio.get_running_loop()
    store = _caches.get(loop)
    if store is None:
        store = _caches[loop] = RedisTranslations(settings.CACHE_TTL)
    return lambda guarded_one: cached(guarded_one, store, owner=f"user {user_id}")


def _voices_for(user_id: int, plan: DubbingPlan, *, session_id: str = "") -> KeptVoices | None:
    """What keeps the session's shaped voices, for when it goes on in another process, and
    for those who follow it from there."""
    if not settings.CACHE_TTL or not plan.preserve_voice:
        return None
    loop = asyncio.get_running_loop()
    store = _voices.get(loop)
    if store is None:
        store = _voices[loop] = redis_voices(settings.CACHE_TTL)
    return kept_voices(store, owner=f"user {user_id}", session_id=session_id or plan.session_id)


def _refuse_unsupported(engines: Engines, plan: DubbingPlan) -> None:
    try:
        engines.refuse_unsupported(plan)
    except EngineError as error:
        raise LanguagesRefusedError(error, available_pairs(engines)) from error
