"""The one account of the emulator: its plan, what it has used, and its places at a time."""

from __future__ import annotations

import asyncio
import time
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager

from pipeline.bounds import EMULATOR_QUEUE_S
from pipeline.emulators.elevenlabs import errors
from pipeline.emulators.elevenlabs.catalog import MODELS, Family, Model, Plan
from pipeline.emulators.elevenlabs.refusal import Json
from pipeline.emulators.elevenlabs.voices import VoiceShelf

_MONTH_S = 30 * 24 * 3600


class Account:
    """``api_key`` is the only key that is let in; ``plan`` may be exchanged at any time."""

    def __init__(self, *, api_key: str, plan: Plan, character_count: int = 0) -> None:
        self.api_key = api_key
        self.plan = plan
        self.character_count = character_count
        """Credits used."""
        self.voices = VoiceShelf(plan.voices)
        self.running: dict[Family, int] = {"flash": 0, "multilingual": 0}
        self._changed = asyncio.Condition()

    def check(self, key: str | None) -> None:
        """Raises RefusalError: needs_authorization, invalid_api_key."""
        if not key:
            raise errors.no_key()
        if key.removeprefix("Bearer ") != self.api_key:
            raise errors.invalid_key()

    def charge(self, text: str, model: Model) -> int:
        """Credits taken for ``text``. Raises RefusalError("quota_exceeded"), taking none."""
        cost = round(len(text) * model.cost)
        left = max(0, self.plan.characters - self.character_count)
        if cost > left:
            raise errors.quota_exceeded(self.plan.characters, left, cost)
        self.character_count += cost
        return cost

    @asynccontextmanager
    async def place(self, family: Family) -> AsyncIterator[None]:
        """One of the plan's places, waited for a moment only.

        Raises RefusalError("too_many_concurrent_requests").
        """
        places = self.plan.places(family)
        async with self._changed:
            try:
                await asyncio.wait_for(
                    self._changed.wait_for(lambda: self.running[family] < places), EMULATOR_QUEUE_S
                )
            except TimeoutError:
                raise errors.too_many_requests(self.plan, places) from None
            self.running[family] += 1
        try:
            yield
        finally:
            self.running[family] -= 1
            # Shielded: who leaves because of a cancellation still has to tell the others.
            await asyncio.shield(self._tell())

    async def _tell(self) -> None:
        async with self._changed:
            self._changed.notify_all()

    def subscription(self) -> Json:
        """GET /v1/user/subscription."""
        plan = self.plan
        free = plan.tier == "free"
        return {
            "tier": plan.tier,
            "character_count": self.character_count,
            "character_limit": plan.characters,
            "max_character_limit_extension": None,
            "max_credit_limit_extension": 0,
            "can_extend_character_limit": False,
            "allowed_to_extend_character_limit": False,
            "next_character_count_reset_unix": int(time.time()) + _MONTH_S,
            "voice_slots_used": self.voices.used,
            "professional_voice_slots_used": 0,
            "professional_voice_slots_used_in_workspace": 0,
            "voice_limit": self.voices.slots,
            "max_voice_add_edits": None,
            "voice_add_edit_counter": self.voices.edits,
            "professional_voice_limit": 0 if free else 1,
            "can_extend_voice_limit": False,
            "can_use_instant_voice_cloning": plan.clones,
            "can_use_professional_voice_cloning": plan.tier not in {"free", "starter"},
            "currency": "usd",
            "current_overage": {"amount": "0", "currency": "usd"},
            "status": "free" if free else "active",
            "billing_period": None if free else "monthly_period",
            "character_refresh_period": "monthly_period",
            "next_invoice": None,
            "open_invoices": [],
            "has_open_invoices": False,
            "pending_change": None,
        }

    def user(self) -> Json:
        """GET /v1/user."""
        return {
            "user_id": "emulated-user",
            "workspace_id": "emulated-workspace",
            "subscription": self.subscription(),
            "is_new_user": False,
            "can_use_delayed_payment_methods": False,
            "is_onboarding_completed": True,
            "is_onboarding_checklist_completed": True,
            "show_compliance_terms": False,
            "first_name": None,
            "is_api_key_hashed": True,
            "xi_api_key_preview": "…" + self.api_key[-4:],
            "created_at": 0,
            "seat_type": "workspace_admin",
        }


def models_json() -> list[Json]:
    """GET /v1/models."""
    return [
        {
            "model_id": model.id,
            "name": model.name,
            "can_be_finetuned": False,
            "can_do_text_to_speech": True,
            "can_do_voice_conversion": False,
            "can_use_style": model.family == "multilingual",
            "can_use_speaker_boost": model.family == "multilingual",
            "serves_pro_voices": False,
            "token_cost_factor": model.cost,
            "description": model.name,
            "requires_alpha_access": False,
            "max_characters_request_free_user": min(2500, model.characters),
            "max_characters_request_subscribed_user": model.characters,
            "maximum_text_length_per_request": model.characters,
            "languages": [{"language_id": code, "name": code} for code in model.languages],
            "model_rates": {"character_cost_multiplier": model.cost},
            "concurrency_group": "turbo" if model.family == "flash" else "standard",
        }
        for model in MODELS.values()
    ]
