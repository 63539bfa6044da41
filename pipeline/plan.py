"""What one run is to do, and the engines it does it with."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field

from pipeline.ports import (
    EngineError,
    Recognizer,
    SpeakerEncoder,
    SpeechDetector,
    Synthesizer,
    Translator,
    VoiceCloner,
)


@dataclass(frozen=True, slots=True, kw_only=True)
class DubbingPlan:
    """Languages are ISO 639-1 codes, never "auto"."""

    session_id: str
    source_language: str
    target_language: str
    preserve_voice: bool = True
    glossary: Mapping[str, str] = field(default_factory=dict)
    similarity_threshold: float = 0.8
    live: bool = True
    """False: nothing is dropped or hurried, cues keep the source's own times."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Engines:
    detector: SpeechDetector
    recognizer: Recognizer
    translator: Translator
    synthesizer: Synthesizer
    encoder: SpeakerEncoder
    cloner: VoiceCloner

    def names(self) -> dict[str, str]:
        """Role → engine name."""
        return {
            "recognition": self.recognizer.name,
            "translation": self.translator.name,
            "synthesis": self.synthesizer.name,
        }

    def refuse_unsupported(self, plan: DubbingPlan) -> None:
        """Raise EngineError naming what there is, when the plan's languages lack something."""
        source, target = plan.source_language, plan.target_language
        if source not in self.recognizer.languages:
            raise EngineError(
                "source_language_unsupported",
                f"{self.recognizer.name} does not recognise “{source}”. "
                f"It recognises: {_listed(self.recognizer.languages)}.",
                recoverable=False,
            )
        targets = {to for origin, to in self.translator.pairs() if origin == source}
        spoken = targets & self.synthesizer.languages()
        if target not in targets:
            raise EngineError(
                "pair_unsupported",
                f"{self.translator.name} does not translate {source} into “{target}”. "
                f"From {source} you can choose: {_listed(spoken)}.",
                recoverable=False,
            )
        if target not in spoken:
            raise EngineError(
                "target_language_unsupported",
                f"{self.synthesizer.name} does not speak “{target}”. "
                f"From {source} you can choose: {_listed(spoken)}.",
                recoverable=False,
            )

    async def aclose(self) -> None:
        """Stop the engines' processes."""
        for engine in (self.recognizer, self.translator, self.synthesizer):
            await engine.aclose()


def _listed(languages: frozenset[str] | set[str]) -> str:
    return ", ".join(sorted(languages)) or "nothing"
