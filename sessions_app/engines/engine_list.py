"""Which engines somebody may choose, and which of them get checked: lists without secrets."""

from __future__ import annotations

import asyncio
from dataclasses import dataclass
from typing import Any

from accounts.services import note_key_checked
from pipeline.bounds import ENGINE_CHECK_S
from pipeline.ports import EngineError
from pipeline.providers.catalogue import NAMED_ROLES, PROVIDERS, VENDORS, providers_of
from pipeline.providers.checks import CheckResult, check_provider
from pipeline.providers.choice import lack_of
from sessions_app.engines.engine_access import Access, access_of, installation_access, unreadable


@dataclass(frozen=True, slots=True)
class Checked:
    engine: str
    key: str
    """Whose: ``yours``, ``installation``, or empty where none is needed."""
    result: CheckResult

    def shown(self) -> dict[str, Any]:
        result = self.result
        return {
            "engine": self.engine,
            "key": self.key or None,
            "ok": result.ok,
            "code": result.code,
            "message": result.message,
            "details": dict(result.details),
        }


def engines_for(access: Access) -> dict[str, Any]:
    """Role → the engines that can fill it, those that cannot be used now with the reason;
    ``chosen`` is what a session gets that wishes for nothing."""
    refusal: EngineError | None = None
    chosen: dict[str, str] = {}
    try:
        chosen = access.want().providers
    except EngineError as error:
        refusal = error
    found: dict[str, Any] = {
        name: [
            _listed(provider, access, chosen=chosen.get(role) == provider)
            for provider in _shown_for(role, chosen)
        ]
        for name, role in NAMED_ROLES.items()
    }
    problem = {"code": refusal.code, "message": str(refusal)} if refusal else None
    return {"engines": found, "problem": problem}


def _shown_for(role: str, chosen: dict[str, str]) -> list[str]:
    return sorted({*providers_of(role), *filter(None, [chosen.get(role)])})


def _listed(provider: str, access: Access, *, chosen: bool) -> dict[str, Any]:
    lacking = _lack(provider, access)
    return {
        "engine": provider,
        "available": lacking is None,
        "code": lacking.code if lacking else "",
        "reason": str(lacking) if lacking else "",
        "key": access.owners.get(PROVIDERS[provider].needs),
        "chosen": chosen,
    }


def _lack(provider: str, access: Access) -> EngineError | None:
    needs = PROVIDERS[provider].needs
    if needs in access.unreadable:
        return unreadable(needs)
    return lack_of(provider, given=access.given)


def check_installation() -> list[Checked]:
    """Every provider with what the settings give. Blocks, on a loop of its own."""
    access = installation_access()
    names = [name for name in PROVIDERS if name != "scripted"]
    return asyncio.run(_check(names, access))


def check_keys_of(user_id: int) -> list[Checked]:
    """The person's own keys, each noted with what was found. Blocks, on a loop of its own."""
    access = access_of(user_id)
    names = [name for name, one in PROVIDERS.items() if access.owners.get(one.needs) == "yours"]
    found = asyncio.run(_check(names, access))
    for one in found:
        status = "ok" if one.result.ok else one.result.code
        note_key_checked(user_id, vendor=PROVIDERS[one.engine].needs, status=status)
    return found


async def _check(names: list[str], access: Access) -> list[Checked]:
    """All at once: each is bounded by itself."""
    async with asyncio.timeout(2 * ENGINE_CHECK_S):
        return list(await asyncio.gather(*(_checked(name, access) for name in names)))


async def _checked(name: str, access: Access) -> Checked:
    needs = PROVIDERS[name].needs
    key = access.owners.get(needs, "") if needs in VENDORS else ""
    lacking = _lack(name, access)
    if lacking is not None:
        return Checked(name, key, CheckResult(ok=False, code=lacking.code, message=str(lacking)))
    return Checked(name, key, await check_provider(name, access.settings))
