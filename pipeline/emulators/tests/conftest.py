from __future__ import annotations

from collections.abc import AsyncIterator
from pathlib import Path

import pytest

from pipeline.emulators.certificate import Certificate
from pipeline.emulators.google.server import GoogleEmulator
from pipeline.emulators.google.speech_rules import SpeechRules


@pytest.fixture
async def google(
    tmp_path: Path, emulator_certificate: Certificate
) -> AsyncIterator[GoogleEmulator]:
    rules = SpeechRules(pace=None)
    async with GoogleEmulator(
        tmp_path, certificate=emulator_certificate, speech_rules=rules
    ) as google:
        yield google
