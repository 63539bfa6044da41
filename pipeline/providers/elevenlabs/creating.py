"""Instant voice cloning at the vendor: one call, and what may come back from it."""

from __future__ import annotations

import uuid
from collections.abc import Mapping, Sequence

from pipeline.bounds import ELEVENLABS_CLONE_S
from pipeline.ports import EngineError
from pipeline.providers.elevenlabs.client import ONCE, Account
from pipeline.providers.elevenlabs.faults import fault

File = tuple[str, bytes, str]
"""Name, content, media type."""


async def create(
    account: Account, files: Sequence[File], *, description: str, labels: Mapping[str, str]
) -> str:
    """The new voice's id; the mark in ``description`` and ``labels`` tells whose it is.

    Raises EngineError. Nothing is left at the vendor then, unless the answer was lost.
    """
    # A name of no meaning: whose voice it is is nobody's business at the vendor.
    name = f"speaker {uuid.uuid4().hex[:8]}"
    made = await account.call(
        lambda: account.client.voices.ivc.create(
            name=name,
            files=list(files),
            remove_background_noise=False,
            description=description,
            labels=dict(labels),
            request_options=ONCE,
        ),
        ELEVENLABS_CLONE_S,
    )
    if not isinstance(made.voice_id, str) or not made.voice_id:
        raise fault("vendor_malformed", "no voice_id")
    if made.requires_verification:
        await account.delete_voice(made.voice_id)
        raise EngineError(
            "vendor_refused",
            "ElevenLabs wants proof of whose voice this is; the stock voice goes on.",
            recoverable=False,
        )
    return made.voice_id
