"""Does Google take the key, and for both of its services? One word is translated for it."""

from __future__ import annotations

import asyncio

from pipeline.ports import TranslationRequest
from pipeline.providers.checks import CheckResult
from pipeline.providers.google.recognizer import GoogleRecognizer
from pipeline.providers.google.translator import GoogleTranslator
from pipeline.providers.settings import EngineSettings, GoogleAccess

WORD = "water"


async def check(settings: EngineSettings) -> CheckResult:
    """Raises EngineError. Recognition is dialled but not tried: it is told of a key only in a
    stream, and charges for each."""
    access = settings.google or GoogleAccess()
    translator, recognizer = GoogleTranslator(access), GoogleRecognizer(access)
    try:
        await asyncio.gather(translator.connect(), recognizer.connect())
        await translator.translate(TranslationRequest(WORD, "en", "es"))
        languages = {target for _, target in translator.pairs()}
    finally:
        await asyncio.gather(translator.aclose(), recognizer.aclose())
    return CheckResult(
        ok=True,
        message=f"Google takes the key and translates; speech in {access.region} was reached.",
        details={"languages": len(languages), "model": access.model, "region": access.region},
    )
