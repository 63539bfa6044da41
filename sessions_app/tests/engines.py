"""The engine set that socket tests run on; see ``pipeline.providers.scripted``."""

from __future__ import annotations

from dataclasses import replace

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


stalled: list[ScriptedRecognizer] = []


def stalled_engines() -> Engines:
    """Scripted, with a recogniser that takes an hour over each utterance."""
    recognizer = ScriptedRecognizer(script=SCRIPT, final_delay_s=3600.0)
    stalled.append(recognizer)
    return replace(scripted_engines(), recognizer=recognizer)
