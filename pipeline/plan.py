"""What one run is to do, and the engines it does it with."""

from __future__ import annotations

import asyncio
from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Literal

from pipeline.ports import (
    Endpointing,
    EngineError,
    RecognitionOptions,
    Recognizer,
    SpeakerEncoder,
    SpeechDetector,
    Synthesizer,
    Translator,
    VoiceCloner,
)

AUTO = "auto"

Leg = Literal["recognition", "translation", "synthesis"]


@dataclass(frozen=True, slots=True, kw_only=True)
class DubbingPlan:
    """Languages are ISO 639-1 codes."""

    session_id: str
    source_language: str
    """AUTO: the recogniser finds it out, and it may change in mid-run."""
    target_language: str
    candidates: tuple[str, ...] = ()
    """What AUTO chooses among, likeliest first; none: any language of the recogniser."""
    model: str = ""
    region: str = ""
    endpointing: Endpointing = "short"
    """These three as in RecognitionOptions."""
    preserve_voice: bool = True
    glossary: Mapping[str, str] = field(default_factory=dict)
    consented_clones: bool = False
    """Speech leaves this machine for a clone only of speakers who are known to have consented."""
    speakers_before: int = 0
    """Speakers that the session knows from runs before: this one's are other numbers."""
    speculate: bool = True
    """Translate clauses before they are certain; what changes is translated again."""
    live: bool = True
    """False: nothing is dropped or hurried, cues keep the source's own times."""

    @property
    def sources(self) -> tuple[str, ...]:
        """The languages that may be spoken, as far as that is known beforehand."""
        return self.candidates if self.source_language == AUTO else (self.source_language,)

    @property
    def recognition(self) -> RecognitionOptions:
        return RecognitionOptions(
            languages=self.sources,
            model=self.model,
            region=self.region,
            endpointing=self.endpointing,
        )


@dataclass(frozen=True, slots=True, kw_only=True)
class Engines:
    detector: SpeechDetector
    recognizer: Recognizer
    translator: Translator
    synthesizer: Synthesizer
    encoder: SpeakerEncoder
    cloner: VoiceCloner
    actor_encoder: SpeakerEncoder | None = None
    """Recognises actors instead of ``encoder``, which tells speakers apart on the live path."""

    @property
    def recognising(self) -> SpeakerEncoder:
        """Whose voiceprints actors are recognised by."""
        return self.actor_encoder or self.encoder

    def names(self) -> dict[str, str]:
        """Role → engine name."""
        return {
            "recognition": self.recognizer.name,
            "translation": self.translator.name,
            "synthesis": self.synthesizer.name,
        }

    def refuse_unsupported(self, plan: DubbingPlan) -> None:
        """Raise EngineError naming what there is, when the plan's languages lack something."""
        if plan.source_language == AUTO:
            self._refuse_undetected(plan)
        for source in plan.sources:
            if source not in self.recognizer.languages:
                raise EngineError(
                    "source_language_unsupported",
                    f"{self.recognizer.name} does not recognise “{source}”. "
                    f"It recognises: {_listed(self.recognizer.languages)}.",
                    recoverable=False,
                )
        if not plan.sources:
            self._refuse_target(set(self.recognizer.languages), plan.target_language)
        for source in plan.sources:
            # Beside others, what is spoken in the target language is left as it is.
            if source != plan.target_language or len(plan.sources) == 1:
                self._refuse_target({source}, plan.target_language)

    def _refuse_undetected(self, plan: DubbingPlan) -> None:
        most = self.recognizer.candidates_max
        if not (len(plan.candidates) <= most if plan.candidates else self.recognizer.finds_any):
            raise EngineError(
                "source_language_unsupported",
                f"{self.recognizer.name} tells at most {most} languages apart, which must be named."
                if most > 1
                else f"{self.recognizer.name} does not tell languages apart: name the source's.",
                recoverable=False,
            )

    def _refuse_target(self, sources: set[str], target: str) -> None:
        targets = {to for origin, to in self.translator.pairs() if origin in sources}
        spoken = targets & self.synthesizer.languages()
        source = next(iter(sources)) if len(sources) == 1 else "any language heard"
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

    def refuse_unspoken(self, target: str) -> None:
        """Raise EngineError naming what there is, when nobody speaks ``target``."""
        spoken = self.synthesizer.languages()
        if target not in spoken:
            raise EngineError(
                "target_language_unsupported",
                f"{self.synthesizer.name} does not speak “{target}”. It speaks: {_listed(spoken)}.",
                recoverable=False,
            )

    async def connect(self) -> dict[Leg, EngineError]:
        """Load and dial what is needed before the first clause.

        Gives what failed, by role as in ``names``; an engine that could not be reached may be
        when it is asked for something.
        """
        engines: dict[Leg, Recognizer | Translator | Synthesizer] = {
            "recognition": self.recognizer,
            "translation": self.translator,
            "synthesis": self.synthesizer,
        }
        done = await asyncio.gather(
            *(engine.connect() for engine in engines.values()), return_exceptions=True
        )
        failed: dict[Leg, EngineError] = {}
        for role, outcome in zip(engines, done, strict=True):
            if isinstance(outcome, EngineError):
                failed[role] = outcome
            elif isinstance(outcome, BaseException):
                raise outcome
        return failed

    async def aclose(self) -> None:
        """Stop the engines' processes and close their connections."""
        for engine in (self.recognizer, self.translator, self.cloner, self.synthesizer):
            await engine.aclose()


def _listed(languages: frozenset[str] | set[str]) -> str:
    return ", ".join(sorted(languages)) or "nothing"
