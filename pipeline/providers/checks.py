"""Does an engine work here, and with this key? One cheap try, answered in plain words.

A provider's ``engines`` module may offer ``async def check(settings) -> CheckResult`` of its
own; for one that does not, its engines are made and connected, which is what a run does first.
"""

from __future__ import annotations

import asyncio
import logging
from collections.abc import Awaitable, Callable, Mapping
from dataclasses import dataclass, field
from typing import Any

from pipeline.bounds import ENGINE_CHECK_S, ENGINE_SET_CLOSE_S
from pipeline.ports import EngineError
from pipeline.providers.catalogue import NAMED_ROLES, PROVIDERS
from pipeline.providers.registry import make_engine, module_of
from pipeline.providers.settings import EngineSettings

log = logging.getLogger(__name__)


@dataclass(frozen=True, slots=True, kw_only=True)
class CheckResult:
    ok: bool
    message: str
    """Plain words: what works, or what is wrong and what can be done."""
    code: str = ""
    """An EngineError's, when something is wrong."""
    details: Mapping[str, str | int] = field(default_factory=dict)
    """What else the vendor said, such as its plan or the characters that are left."""


Check = Callable[[EngineSettings], Awaitable[CheckResult]]


async def check_provider(name: str, settings: EngineSettings) -> CheckResult:
    """Never raises for what can be wrong with an engine, a key or a vendor; bounded in time."""
    try:
        async with asyncio.timeout(ENGINE_CHECK_S):
            # What is imported may be large, and this loop may have more to do.
            module = await asyncio.to_thread(module_of, name)
            check: Check | None = getattr(module, "check", None)
            return await (check(settings) if check else _connects(name, settings))
    except EngineError as error:
        return CheckResult(ok=False, code=error.code, message=str(error))
    except TimeoutError:
        message = f"“{name}” did not answer within {ENGINE_CHECK_S:.0f} seconds."
        return CheckResult(ok=False, code="engine_timeout", message=message)
    except Exception as error:
        # By its type alone: the text of an unknown error may hold anything, a key too.
        log.warning("engine not checked", extra={"engine": name, "error": type(error).__name__})
        message = f"“{name}” could not be tried, for a reason that is not known here."
        return CheckResult(ok=False, code="engine_failed", message=message)


async def _connects(name: str, settings: EngineSettings) -> CheckResult:
    """Every role that people choose it for can be made and connected."""
    roles = [role for role in NAMED_ROLES.values() if role in PROVIDERS[name].roles]
    for role in roles:
        engine: Any = await asyncio.to_thread(make_engine, settings, role, name)
        try:
            await engine.connect()
        finally:
            async with asyncio.timeout(ENGINE_SET_CLOSE_S):
                await engine.aclose()
    return CheckResult(ok=True, message=f"“{name}” is ready.")
