"""Where Django and the pipeline meet: settings and a session become a ready Dubber.

Engines own processes and threads that belong to the event loop they were made on, so
every loop gets one set, made by the first who asks and shared by all its sessions.
Nothing has to be stopped at exit: an engine's process leaves when its pipe closes.
"""

from __future__ import annotations

import asyncio
import functools
import logging
import weakref
from collections.abc import Callable, Mapping
from typing import Any

from django.conf import settings
from django.utils.module_loading import import_string

from pipeline.dubber import Dubber
from pipeline.plan import AUTO, DubbingPlan, Engines
from pipeline.ports import EngineError
from pipeline.snapshot import Delivered, RunSnapshot

log = logging.getLogger(__name__)

MakeEngines = Callable[[], Engines]
"""Blocking, cheap enough for a thread, and starts no process yet."""
DEFAULT_ENGINES = "sessions_app.wiring.named_engines"

_sets: weakref.WeakKeyDictionary[asyncio.AbstractEventLoop, asyncio.Task[Engines]] = (
    weakref.WeakKeyDictionary()
)
_status: dict[str, Any] = {"state": "idle"}


def named_engines() -> Engines:
    """The engines of the provider that ENGINES names."""
    # Imported late: a management command that dubs nothing should not load models.
    from pipeline.providers import registry
    from pipeline.providers.settings import EngineSettings

    return registry.make_engines(
        EngineSettings(
            models=settings.DUBBING_MODELS,
            voice_stability=settings.VOICE_STABILITY,
            voice_clarity=settings.VOICE_CLARITY,
        ),
        dict.fromkeys(registry.ROLES, settings.ENGINES),
    )


def make_engines() -> Engines:
    """A new set of the engines that the settings name. Raises EngineError."""
    make: MakeEngines = import_string(getattr(settings, "DUBBING_ENGINES", DEFAULT_ENGINES))
    return make()


@functools.cache
def _built_to_ask() -> Engines:
    return make_engines()


def engines_to_ask() -> Engines:
    """Engines for questions about languages and voices only, from any thread."""
    for making in list(_sets.values()):
        if making.done() and not making.cancelled() and making.exception() is None:
            return making.result()
    return _built_to_ask()


async def engines() -> Engines:
    """The running loop's engines; the first call makes them. Raises EngineError."""
    loop = asyncio.get_running_loop()
    making = _sets.get(loop)
    if making is None or (making.done() and (making.cancelled() or making.exception())):
        making = _sets[loop] = loop.create_task(_make(), name="engines")
    # One caller that gives up must not stop what others wait for.
    return await asyncio.shield(making)


def begin_warming() -> None:
    """Have the running loop's engines loaded in the background, once."""
    loop = asyncio.get_running_loop()
    if loop not in _sets:
        making = _sets[loop] = loop.create_task(_make(), name="engines")
        # A failure is in the health report and is met again by the first session.
        making.add_done_callback(lambda done: done.cancelled() or done.exception())


async def close_engines() -> None:
    """Stop the running loop's engines, if it has any."""
    making = _sets.pop(asyncio.get_running_loop(), None)
    if making is None:
        return
    (made,) = await asyncio.gather(making, return_exceptions=True)
    if isinstance(made, Engines):
        await made.aclose()
    _status.clear()
    _status["state"] = "idle"


async def _make() -> Engines:
    _status.update(state="starting")
    try:
        made = await asyncio.to_thread(make_engines)
        await made.connect()
    except Exception as error:
        code = error.code if isinstance(error, EngineError) else "engine_failed"
        _status.update(state="failed", code=code, ok=False)
        log.exception("engines did not start", extra={"code": code})
        if isinstance(error, EngineError):
            raise
        raise EngineError(code, "The server's engines could not be started.") from error
    _status.clear()
    _status.update(state="ready", **made.names())
    return made


def engine_status() -> dict[str, Any]:
    """For the health page: ``state`` is idle, starting, ready or failed, then engine names.

    ``ok`` is False when the engines could not be made. Callable from any thread.
    """
    return dict(_status)


def resolve_source(engines: Engines, wanted: str, target: str) -> str:
    """The language to recognise; "auto" becomes the only or likeliest one there is."""
    if wanted != AUTO:
        return wanted
    known = engines.recognizer.languages
    able = sorted(source for source, to in engines.translator.pairs() if to == target)
    usable = [language for language in able if language in known] or sorted(known)
    if not usable:
        raise EngineError(
            "source_language_unsupported",
            f"{engines.recognizer.name} recognises no language on this server.",
            recoverable=False,
        )
    return "en" if "en" in usable else usable[0]


def available_pairs(engines: Engines) -> list[tuple[str, str]]:
    """(source, target) pairs that can be heard, translated and spoken."""
    spoken = engines.synthesizer.languages()
    return sorted(
        (source, target)
        for source, target in engines.translator.pairs()
        if source in engines.recognizer.languages and target in spoken
    )


def plan_for(
    *,
    session_id: str,
    source_language: str,
    target_language: str,
    preserve_voice: bool,
    glossary: Mapping[str, str] | None = None,
    live: bool = True,
) -> DubbingPlan:
    """A plan under the project's settings."""
    return DubbingPlan(
        session_id=session_id,
        source_language=source_language,
        target_language=target_language,
        preserve_voice=preserve_voice,
        glossary=glossary or {},
        similarity_threshold=settings.VOICE_SIMILARITY_THRESHOLD,
        live=live,
    )


async def make_dubber(
    *,
    session_id: str,
    source_language: str,
    target_language: str,
    preserve_voice: bool,
    glossary: Mapping[str, str],
    live: bool = True,
    continues: RunSnapshot | None = None,
    heard: Delivered | None = None,
    on_progress: Callable[[], None] | None = None,
) -> tuple[Dubber, DubbingPlan, Engines]:
    """A Dubber that is not started yet, its plan and engines. Raises EngineError.

    ``continues`` and ``heard``: what another process left of the run, and what its
    listener got.
    """
    made = await engines()
    plan = plan_for(
        session_id=session_id,
        source_language=resolve_source(made, source_language, target_language),
        target_language=target_language,
        preserve_voice=preserve_voice,
        glossary=glossary,
        live=live,
    )
    # Before the Dubber: it asks for the target's voices.
    made.refuse_unsupported(plan)
    dubber = Dubber(plan, made, continues=continues, heard=heard, on_progress=on_progress)
    return dubber, plan, made
