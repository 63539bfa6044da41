"""The engine set that socket tests run on; see ``pipeline.providers.scripted``."""

from __future__ import annotations

from pipeline.plan import Engines
from pipeline.providers.scripted.hearing import (
    ScriptedDetector,
    ScriptedEncoder,
    ScriptedRecognizer,
)
from pipeline.providers.scripted.speaking import (
    ScriptedCloner,
    ScriptedSynthesizer,
    ScriptedTranslator,
)

SCRIPT = ("good morning to everybody here", "this is the second thing that is said")
made: list[Engines] = []


def scripted_engines() -> Engines:
    engines = Engines(
        detector=ScriptedDetector(),
        recognizer=ScriptedRecognizer(script=SCRIPT),
        translator=ScriptedTranslator(),
        synthesizer=ScriptedSynthesizer(),
        encoder=ScriptedEncoder(),
        cloner=ScriptedCloner(),
    )
    made.append(engines)
    return engines
