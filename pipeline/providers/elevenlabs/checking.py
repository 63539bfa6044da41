"""Does ElevenLabs take the key, and what is left of what was bought there? Nothing is spoken."""

from __future__ import annotations

import asyncio

from pipeline.providers.checks import CheckResult
from pipeline.providers.elevenlabs.client import ONCE
from pipeline.providers.elevenlabs.dialling import make_client
from pipeline.providers.elevenlabs.faults import fault_of
from pipeline.providers.settings import ElevenLabsAccess, EngineSettings


async def check(settings: EngineSettings) -> CheckResult:
    """Raises EngineError. A connection of its own: the accounts that engines share also look
    after cloned voices, which is not a check's business."""
    access = settings.elevenlabs or ElevenLabsAccess(api_key="")
    _, http, client = await asyncio.to_thread(make_client, access)
    try:
        plan = await client.user.subscription.get(request_options=ONCE)
    except Exception as error:
        fault = fault_of(error)
        if fault.code == "key_refused" and "missing_permissions" in fault.detail:
            return CheckResult(
                ok=True, message="ElevenLabs takes the key, which may not read the plan."
            )
        raise fault from error
    finally:
        await http.aclose()
    left = max(0, plan.character_limit - plan.character_count)
    details: dict[str, str | int] = {
        "plan": plan.tier,
        "characters_left": left,
        "voices_left": max(0, plan.voice_limit - plan.voice_slots_used),
    }
    if not left:
        message = f"ElevenLabs takes the key, but no characters are left of “{plan.tier}”."
        return CheckResult(ok=False, code="quota_used_up", message=message, details=details)
    return CheckResult(
        ok=True,
        message=f"ElevenLabs takes the key: {left:,} characters are left of “{plan.tier}”.",
        details=details,
    )
